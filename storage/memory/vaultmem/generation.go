package vaultmem

import (
	"context"
	"slices"

	"github.com/trothdev/troth/vault"
)

// NewestKeys implements vault.Store.
func (s *Store) NewestKeys(ctx context.Context, after vault.KeyName, limit int) ([]vault.KeyRow, error) {
	rows, err := s.keys.Scan(ctx, &after, limit, func(n vault.KeyName, rows []vault.KeyRow) bool {
		return n.Tenant == after.Tenant && rows[0].ShreddedAt == 0
	})
	if err != nil {
		return nil, err
	}
	out := make([]vault.KeyRow, len(rows))
	for i, r := range rows {
		out[i] = cloneKey(r.Value[0])
	}
	return out, nil
}

// RetireKey implements vault.Store.
func (s *Store) RetireKey(ctx context.Context, name vault.KeyName, generation uint32, at int64) (row vault.KeyRow, retired bool, err error) {
	err = s.db.Atomically(ctx, func(ctx context.Context) error {
		row, retired = vault.KeyRow{}, false
		rows, _, err := s.keys.Get(ctx, name)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(rows, func(r vault.KeyRow) bool { return r.Generation == generation })
		alive := func(r vault.KeyRow) bool { return r.ShreddedAt == 0 }
		if i < 0 || !alive(rows[i]) || !slices.ContainsFunc(rows[:i], alive) {
			return nil
		}
		gone, _, err := s.retired.Get(ctx, name)
		if err != nil {
			return err
		}
		row, retired = rows[i], true
		row.Sealed, row.ShreddedAt, row.Retired = nil, at, true
		if err := s.retired.Put(ctx, name, append(slices.Clip(gone), row)); err != nil {
			return err
		}
		return s.keys.Put(ctx, name, slices.Delete(slices.Clone(rows), i, i+1))
	})
	return row, retired, err
}
