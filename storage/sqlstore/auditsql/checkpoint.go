package auditsql

import (
	"context"

	"github.com/trothdev/troth/audit"
	"github.com/trothdev/troth/storage/sqlstore"
)

// PutCheckpoint implements audit.LogSystem.
func (s *Store) PutCheckpoint(ctx context.Context, c audit.CheckpointRow) error {
	if len(c.Note) == 0 || len(c.Note) > audit.MaxNote {
		return audit.ErrNote
	}
	_, err := s.exec(ctx, s.log.putCheckpoint, c.Log, signed(c.Size), c.SignedAt, c.Note)
	return err
}

// Checkpoint implements audit.LogSystem.
func (s *Store) Checkpoint(ctx context.Context, log int, size uint64) (audit.CheckpointRow, bool, error) {
	found, err := s.readCheckpoints(ctx, log, s.log.checkpoint, log, signed(size))
	if err != nil || len(found) == 0 {
		return audit.CheckpointRow{}, false, err
	}
	return found[0], true, nil
}

// Checkpoints implements audit.LogSystem.
func (s *Store) Checkpoints(ctx context.Context, log int, size uint64, limit int) ([]audit.CheckpointRow, error) {
	return s.readCheckpoints(ctx, log, s.log.checkpoints, log, signed(size), limit)
}

func (s *Store) readCheckpoints(ctx context.Context, log int, text string, args ...any) (found []audit.CheckpointRow, err error) {
	var size int64
	q := reading{table: checkpointTable, text: text, args: args, place: func() string {
		return at("log %d, size %d or the next after it", log, size)()
	}}
	err = s.read(ctx, q, func(rows *sqlstore.Rows) error {
		c := audit.CheckpointRow{Log: log}
		if err := rows.Scan(&size, &c.SignedAt, &c.Note); err != nil {
			return err
		}
		if len(c.Note) == 0 {
			return errSize
		}
		found = append(found, c)
		return unsigned(&found[len(found)-1].Size, size)
	})
	if err != nil {
		return nil, err
	}
	return found, nil
}

// DropCheckpoints implements audit.LogSystem.
func (s *Store) DropCheckpoints(ctx context.Context, log int, sizes []uint64) error {
	return s.atomically(ctx, func(ctx context.Context) error {
		for _, size := range sizes {
			if _, err := s.exec(ctx, s.log.dropCheckpoint, log, signed(size)); err != nil {
				return err
			}
		}
		return nil
	})
}
