package vaultmem

import (
	"cmp"
	"context"
	"slices"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/vault"
)

// RaiseFence implements vault.Store. There is one writer, so positions are given
// in the order of commits, and a rollback takes its own back.
func (s *Store) RaiseFence(ctx context.Context, e vault.FenceEvent) error {
	return s.db.Atomically(ctx, func(ctx context.Context) error {
		head, _, err := s.state.Get(ctx, headState)
		if err != nil {
			return err
		}
		e.Position = head + 1
		if err := s.state.Put(ctx, headState, e.Position); err != nil {
			return err
		}
		return s.fence.Put(ctx, e.Position, e)
	})
}

// Follow implements vault.SystemStore.
func (s *Store) Follow(ctx context.Context, after int64) (f vault.Followed, err error) {
	f.Head, _, err = s.state.Get(ctx, headState)
	if err != nil || after < 0 {
		return f, err
	}
	rows, err := s.fence.Scan(ctx, &after, 0, nil)
	if err != nil {
		return vault.Followed{}, err
	}
	for _, r := range rows {
		f.Events = append(f.Events, r.Value)
		f.Head = max(f.Head, r.Key) // it may have moved since it was read
	}
	// Positions have no gaps but those that pruning left, wherever it was; and
	// one above the head is of another history.
	f.Gap = int64(len(f.Events)) != f.Head-after
	return f, nil
}

// PruneFence implements vault.SystemStore.
func (s *Store) PruneFence(ctx context.Context, at int64) error {
	return s.db.Atomically(ctx, func(ctx context.Context) error {
		head, _, err := s.state.Get(ctx, headState)
		if err != nil {
			return err
		}
		old, err := s.fence.Scan(ctx, nil, 0, func(p int64, e vault.FenceEvent) bool { return e.At < at && p != head })
		if err != nil {
			return err
		}
		for _, r := range old {
			if _, err := s.fence.Delete(ctx, r.Key); err != nil {
				return err
			}
		}
		return nil
	})
}

// InsertWindow implements vault.Store.
func (s *Store) InsertWindow(ctx context.Context, w vault.WindowRow) error {
	return s.windows.Put(ctx, window{w.Tenant, w.ID}, w)
}

// CloseWindow implements vault.Store.
func (s *Store) CloseWindow(ctx context.Context, tenant troth.Tenant, id troth.EntryID, at int64) (closed bool, err error) {
	err = s.db.Atomically(ctx, func(ctx context.Context) error {
		w, found, err := s.windows.Get(ctx, window{tenant, id})
		if err != nil {
			return err
		}
		closed = found && w.ClosedAt == 0
		if !closed {
			return nil
		}
		w.ClosedAt = at
		return s.windows.Put(ctx, window{tenant, id}, w)
	})
	return closed, err
}

// LapsedWindows implements vault.SystemStore.
func (s *Store) LapsedWindows(ctx context.Context, at int64, limit int) ([]vault.WindowRow, error) {
	rows, err := s.windows.Scan(ctx, nil, 0, func(_ window, w vault.WindowRow) bool {
		return w.ClosedAt == 0 && w.Until < at
	})
	if err != nil {
		return nil, err
	}
	out := make([]vault.WindowRow, len(rows))
	for i, r := range rows {
		out[i] = r.Value
	}
	slices.SortFunc(out, func(a, b vault.WindowRow) int { return cmp.Compare(a.Until, b.Until) })
	return out[:min(limit, len(out))], nil
}
