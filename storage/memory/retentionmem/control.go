package retentionmem

import (
	"cmp"
	"context"
	"slices"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/retention"
)

func ownControl(row retention.ControlRow) retention.ControlRow {
	row.Body, row.State, row.MAC = slices.Clone(row.Body), slices.Clone(row.State), slices.Clone(row.MAC)
	return row
}

// InsertControl implements retention.Store.
func (s *Store) InsertControl(ctx context.Context, row retention.ControlRow) (bool, error) {
	return s.controls.Insert(ctx, row.ControlKey, ownControl(row))
}

// PutControl implements retention.Store.
func (s *Store) PutControl(ctx context.Context, row retention.ControlRow) error {
	return replace(ctx, s.db, s.controls, row.ControlKey, ownControl(row))
}

// Control implements retention.Store.
func (s *Store) Control(ctx context.Context, key retention.ControlKey) (retention.ControlRow, bool, error) {
	row, found, err := s.controls.Get(ctx, key)
	return ownControl(row), found, err
}

// LockControl implements retention.Store.
func (s *Store) LockControl(ctx context.Context, key retention.ControlKey) (retention.ControlRow, bool, error) {
	if err := s.locking(ctx); err != nil {
		return retention.ControlRow{}, false, err
	}
	return s.Control(ctx, key)
}

// findControls returns control rows behind a key, in key order, at most limit; 0 is all.
func (s *Store) findControls(ctx context.Context, after *retention.ControlKey, limit int, keep func(row retention.ControlRow) bool) ([]retention.ControlRow, error) {
	rows, err := s.controls.Scan(ctx, after, limit, func(_ retention.ControlKey, row retention.ControlRow) bool { return keep(row) })
	all := values(rows)
	for i := range all {
		all[i] = ownControl(all[i])
	}
	return all, err
}

// OpenControls implements retention.Store.
func (s *Store) OpenControls(ctx context.Context, tenant troth.Tenant, kind string) ([]retention.ControlRow, error) {
	return s.findControls(ctx, nil, 0, func(row retention.ControlRow) bool {
		return row.Tenant == tenant && row.Kind == kind && row.Open
	})
}

// Controls implements retention.Store.
func (s *Store) Controls(ctx context.Context, after retention.ControlKey, limit int) ([]retention.ControlRow, error) {
	return s.findControls(ctx, &after, limit, func(row retention.ControlRow) bool {
		return row.Tenant == after.Tenant && row.Kind == after.Kind
	})
}

// DueControls implements retention.SystemStore.
func (s *Store) DueControls(ctx context.Context, kind string, at int64, limit int) ([]retention.ControlRow, error) {
	rows, err := s.findControls(ctx, nil, 0, func(row retention.ControlRow) bool {
		return row.Kind == kind && row.DueAt != 0 && row.DueAt <= at
	})
	slices.SortStableFunc(rows, func(a, b retention.ControlRow) int { return cmp.Compare(a.DueAt, b.DueAt) })
	return rows[:min(len(rows), limit)], err
}

// HoldsToReview implements retention.SystemStore.
func (s *Store) HoldsToReview(ctx context.Context, at int64, limit int) ([]retention.HoldRow, error) {
	rows, err := s.holds.Scan(ctx, nil, 0, func(_ holdKey, row retention.HoldRow) bool {
		return row.ReleasedAt == 0 && row.ReviewAt <= at && row.ReviewAt > row.ToldAt
	})
	all := values(rows)
	slices.SortStableFunc(all, func(a, b retention.HoldRow) int { return cmp.Compare(a.ReviewAt, b.ReviewAt) })
	all = all[:min(len(all), limit)]
	for i := range all {
		all[i] = ownHold(all[i])
	}
	return all, err
}
