package auditmem

import (
	"bytes"
	"context"

	"github.com/trothdev/troth/audit"
)

// PutCheckpoint implements audit.LogSystem.
func (s *Store) PutCheckpoint(ctx context.Context, c audit.CheckpointRow) error {
	if len(c.Note) == 0 || len(c.Note) > audit.MaxNote {
		return audit.ErrNote
	}
	return s.atomically(ctx, func(ctx context.Context) error {
		at := sized{c.Log, c.Size}
		there, found, err := s.checkpoints.Get(ctx, at)
		if err != nil || (found && there.SignedAt > c.SignedAt) {
			return err
		}
		c.Note = bytes.Clone(c.Note)
		return s.checkpoints.Put(ctx, at, c)
	})
}

// Checkpoint implements audit.LogSystem.
func (s *Store) Checkpoint(ctx context.Context, log int, size uint64) (audit.CheckpointRow, bool, error) {
	found, err := s.scanCheckpoints(ctx, 0, func(at sized) bool { return at.log == log && at.size <= size })
	if err != nil || len(found) == 0 {
		return audit.CheckpointRow{}, false, err
	}
	return found[len(found)-1], true, nil
}

// Checkpoints implements audit.LogSystem.
func (s *Store) Checkpoints(ctx context.Context, log int, size uint64, limit int) ([]audit.CheckpointRow, error) {
	return s.scanCheckpoints(ctx, limit, func(at sized) bool { return at.log == log && at.size >= size })
}

func (s *Store) scanCheckpoints(ctx context.Context, limit int, keep func(sized) bool) ([]audit.CheckpointRow, error) {
	found, err := s.checkpoints.Scan(ctx, nil, limit, func(at sized, _ audit.CheckpointRow) bool { return keep(at) })
	if err != nil {
		return nil, err
	}
	var rows []audit.CheckpointRow
	for _, f := range found {
		row := f.Value
		row.Note = bytes.Clone(row.Note)
		rows = append(rows, row)
	}
	return rows, nil
}

// DropCheckpoints implements audit.LogSystem.
func (s *Store) DropCheckpoints(ctx context.Context, log int, sizes []uint64) error {
	return s.atomically(ctx, func(ctx context.Context) error {
		for _, size := range sizes {
			if _, err := s.checkpoints.Delete(ctx, sized{log, size}); err != nil {
				return err
			}
		}
		return nil
	})
}
