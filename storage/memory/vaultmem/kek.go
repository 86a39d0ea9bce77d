package vaultmem

import (
	"bytes"
	"context"
	"slices"

	"github.com/trothdev/troth/vault"
)

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
		if i < 0 || len(rows[i].Sealed) == 0 || !bytes.Equal(rows[i].Sealed, before) {
			return nil
		}
		after := slices.Clone(rows)
		after[i].KEK, after[i].MovedAt, after[i].Sealed = row.KEK, row.MovedAt, slices.Clone(row.Sealed)
		replaced = true
		return s.roots.Put(ctx, k, after)
	})
	return replaced, err
}
