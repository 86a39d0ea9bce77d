package vaultsql

import (
	"context"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/vault"
)

// Roots implements vault.Store.
func (s *Store) Roots(ctx context.Context, tenant troth.Tenant) ([]vault.RootRow, error) {
	return query(ctx, s, scanRoot, s.q.roots, string(tenant))
}

// RewrapRoot implements vault.Store.
func (s *Store) RewrapRoot(ctx context.Context, r vault.RootRow, before []byte) (replaced bool, err error) {
	return s.affects(ctx, s.q.rewrapRoot, blob(r.Sealed), r.KEK,
		string(r.Tenant), string(r.Lineage), int64(r.Epoch), before)
}
