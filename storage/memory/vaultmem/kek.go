package vaultmem

import (
	"bytes"
	"context"
	"slices"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/vault"
)

// Roots implements vault.Store.
func (s *Store) Roots(ctx context.Context, tenant troth.Tenant) ([]vault.RootRow, error) {
	var all []vault.RootRow
	for _, l := range []vault.Lineage{vault.IndexLineage, vault.WrapLineage} {
		rows, _, err := s.roots.Get(ctx, rootKey{tenant, l})
		if err != nil {
			return nil, err
		}
		for _, row := range slices.Backward(rows) { // the highest epoch is first there
			all = append(all, cloneRoot(row))
		}
	}
	return all, nil
}

// RewrapRoot implements vault.Store.
func (s *Store) RewrapRoot(ctx context.Context, row vault.RootRow, before []byte) (replaced bool, err error) {
	err = s.db.Atomically(ctx, func(ctx context.Context) error {
		replaced = false
		k := rootKey{row.Tenant, row.Lineage}
		rows, _, err := s.roots.Get(ctx, k)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(rows, func(r vault.RootRow) bool { return r.Epoch == row.Epoch })
		if i < 0 || rows[i].ShreddedAt != 0 || !bytes.Equal(rows[i].Sealed, before) {
			return nil
		}
		after := slices.Clone(rows)
		after[i].KEK, after[i].Sealed = row.KEK, slices.Clone(row.Sealed)
		replaced = true
		return s.roots.Put(ctx, k, after)
	})
	return replaced, err
}
