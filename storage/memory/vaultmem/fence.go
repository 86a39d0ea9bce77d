package vaultmem

import (
	"cmp"
	"context"
	"slices"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/vault"
)

// RaiseFence implements vault.Store.
func (s *Store) RaiseFence(ctx context.Context, e vault.FenceEvent) error {
	return s.fence.Raise(ctx, e)
}

// Follow implements vault.SystemStore.
func (s *Store) Follow(ctx context.Context, after int64) (vault.Followed, error) {
	f, err := s.fence.Follow(ctx, after, 0)
	return vault.Followed{Events: f.Events, Head: f.Head, Gap: f.Gap}, err
}

// PruneFence implements vault.SystemStore.
func (s *Store) PruneFence(ctx context.Context, at int64) error { return s.fence.Prune(ctx, at) }

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
