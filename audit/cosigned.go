package audit

import (
	"bytes"
	"context"
	"fmt"
)

// cosigned keeps a witness's line with the checkpoint. Others may add theirs at
// the same time, in other processes too, so it is read and written by one at a
// time. A checkpoint that was signed again meanwhile gets a line of its own.
func (t *Trail) cosigned(ctx context.Context, log int, cp Checkpoint, line []byte) error {
	for {
		elected := false
		err := t.tx.Atomically(ctx, func(ctx context.Context) (err error) {
			if elected, err = t.store.Elect(ctx); err != nil || !elected {
				return err
			}
			return t.addLine(ctx, log, cp, line)
		})
		if err != nil {
			return fmt.Errorf("audit: keep cosignature: %w", err)
		}
		if elected {
			return nil
		}
		if err := pause(ctx, electPause); err != nil {
			return err
		}
	}
}

func (t *Trail) addLine(ctx context.Context, log int, cp Checkpoint, line []byte) error {
	row, found, err := t.store.Checkpoint(ctx, log, cp.Size)
	if err != nil || !found || row.Size != cp.Size {
		return err
	}
	stored, err := t.openRow(row)
	if err != nil || stored != cp {
		return err
	}
	if row.Note, err = AddCosignature(row.Note, line, t.verifiers); err != nil {
		return err
	}
	return t.store.PutCheckpoint(ctx, row)
}

// withCosignatures returns the checkpoint as it is stored: with the cosignatures
// that came in. One of the same size that was signed later is another.
func (t *Trail) withCosignatures(ctx context.Context, row CheckpointRow) CheckpointRow {
	now, found, err := t.store.Checkpoint(ctx, row.Log, row.Size)
	if err != nil || !found || now.Size != row.Size || !bytes.HasPrefix(now.Note, row.Note) {
		return row
	}
	return now
}
