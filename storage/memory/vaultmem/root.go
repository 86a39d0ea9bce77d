package vaultmem

import (
	"context"
	"slices"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/vault"
)

// Root implements vault.Store.
func (s *Store) Root(ctx context.Context, tenant troth.Tenant, l vault.Lineage) (vault.RootRow, bool, error) {
	rows, _, err := s.roots.Get(ctx, rootKey{tenant, l})
	if err != nil || len(rows) == 0 {
		return vault.RootRow{}, false, err
	}
	return cloneRoot(rows[0]), true, nil
}

// RootAt implements vault.Store.
func (s *Store) RootAt(ctx context.Context, tenant troth.Tenant, l vault.Lineage, epoch uint32) (vault.RootRow, bool, error) {
	rows, _, err := s.roots.Get(ctx, rootKey{tenant, l})
	if err != nil {
		return vault.RootRow{}, false, err
	}
	for _, row := range rows {
		if row.Epoch == epoch {
			return cloneRoot(row), true, nil
		}
	}
	return vault.RootRow{}, false, nil
}

// InsertRoot implements vault.Store.
func (s *Store) InsertRoot(ctx context.Context, row vault.RootRow) (inserted bool, err error) {
	err = s.db.Atomically(ctx, func(ctx context.Context) error {
		inserted = false
		rows, _, err := s.roots.Get(ctx, rootKey{row.Tenant, row.Lineage})
		if err != nil || len(rows) > 0 {
			return err
		}
		inserted, err = s.addRoot(ctx, nil, row)
		return err
	})
	return inserted, err
}

// ShredRoots implements vault.Store.
func (s *Store) ShredRoots(ctx context.Context, tenant troth.Tenant, at int64) (dead []vault.RootRow, err error) {
	err = s.db.Atomically(ctx, func(ctx context.Context) error {
		dead = nil
		for _, l := range []vault.Lineage{vault.IndexLineage, vault.WrapLineage} {
			rows, _, err := s.roots.Get(ctx, rootKey{tenant, l})
			if err != nil {
				return err
			}
			after, died := shredRoots(rows, vault.RootRow{Tenant: tenant, Lineage: l, CreatedAt: at}, at)
			if len(died) == 0 {
				continue
			}
			dead = append(dead, died...)
			if err := s.roots.Put(ctx, rootKey{tenant, l}, after); err != nil {
				return err
			}
		}
		return nil
	})
	return dead, err
}

// shredRoots returns the rows as they are afterwards, and those that died.
// Where there were none, absent becomes the tombstone.
func shredRoots(rows []vault.RootRow, absent vault.RootRow, at int64) (after, died []vault.RootRow) {
	if len(rows) == 0 {
		absent.ShreddedAt = at
		return []vault.RootRow{absent}, []vault.RootRow{absent}
	}
	after = slices.Clone(rows)
	for i := range after {
		if after[i].ShreddedAt == 0 {
			after[i].Sealed, after[i].ShreddedAt = nil, at
			died = append(died, after[i])
		}
	}
	return after, died
}

func cloneRoot(r vault.RootRow) vault.RootRow {
	r.Sealed = slices.Clone(r.Sealed)
	return r
}
