package rightsmem

import (
	"cmp"
	"context"
	"slices"

	"github.com/trothdev/troth/rights"
)

func ownItem(row rights.ItemRow) rights.ItemRow {
	row.Record, row.Sealed = slices.Clone(row.Record), slices.Clone(row.Sealed)
	return row
}

// InsertItem implements rights.Store.
func (s *Store) InsertItem(ctx context.Context, row rights.ItemRow) (bool, error) {
	return s.items.Insert(ctx, row.ItemKey, ownItem(row))
}

// Item implements rights.Store.
func (s *Store) Item(ctx context.Context, key rights.ItemKey) (rights.ItemRow, bool, error) {
	row, found, err := s.items.Get(ctx, key)
	return ownItem(row), found, err
}

// ItemsAt implements rights.Store.
func (s *Store) ItemsAt(ctx context.Context, keys []rights.ItemKey) ([]rights.ItemRow, error) {
	var all []rights.ItemRow
	for _, key := range keys {
		row, found, err := s.Item(ctx, key)
		if err != nil {
			return nil, err
		}
		if found {
			all = append(all, row)
		}
	}
	return all, ctx.Err()
}

// PutItem implements rights.Store.
func (s *Store) PutItem(ctx context.Context, row rights.ItemRow) error {
	return replace(ctx, s.db, s.items, row.ItemKey, ownItem(row))
}

// WriteItems implements rights.Store.
func (s *Store) WriteItems(ctx context.Context, rows []rights.ItemRow) error {
	return s.db.Atomically(ctx, func(ctx context.Context) error {
		for _, row := range rows {
			if err := s.items.Put(ctx, row.ItemKey, ownItem(row)); err != nil {
				return err
			}
		}
		return nil
	})
}

// DeleteItem implements rights.Store.
func (s *Store) DeleteItem(ctx context.Context, key rights.ItemKey) (bool, error) {
	return s.items.Delete(ctx, key)
}

// Items implements rights.Store.
func (s *Store) Items(ctx context.Context, q rights.ItemQuery) ([]rights.ItemRow, error) {
	if q.Limit <= 0 {
		return nil, ctx.Err()
	}
	after := rights.ItemKey{Tenant: q.Tenant, Owner: q.Owner, Kind: q.Kind, ID: q.After}
	rows, err := s.items.ScanWhile(ctx, &after, q.Limit, func(k rights.ItemKey) bool {
		return k.Tenant == q.Tenant && k.Owner == q.Owner && k.Kind == q.Kind
	})
	var all []rights.ItemRow
	for _, r := range rows {
		all = append(all, ownItem(r.Value))
	}
	return all, err
}

// DueItems implements rights.SystemStore.
func (s *Store) DueItems(ctx context.Context, kind rights.ItemKind, at int64, limit int) ([]rights.ItemKey, error) {
	rows, err := s.items.Scan(ctx, nil, 0, func(k rights.ItemKey, row rights.ItemRow) bool {
		return k.Kind == kind && row.DueAt != 0 && row.DueAt <= at
	})
	if err != nil {
		return nil, err
	}
	all := make([]rights.ItemRow, len(rows))
	for i, r := range rows {
		all[i] = r.Value
	}
	slices.SortStableFunc(all, func(a, b rights.ItemRow) int { return cmp.Compare(a.DueAt, b.DueAt) })
	var keys []rights.ItemKey
	for _, row := range all[:min(len(all), max(limit, 0))] {
		keys = append(keys, row.ItemKey)
	}
	return keys, nil
}

// Managed implements rights.SystemStore.
func (s *Store) Managed(ctx context.Context) (bool, error) {
	_, managed, err := s.managed.Get(ctx, true)
	return managed, err
}

// SetManaged implements rights.SystemStore.
func (s *Store) SetManaged(ctx context.Context) error { return s.managed.Put(ctx, true, true) }
