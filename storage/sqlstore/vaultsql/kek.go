package vaultsql

import (
	"context"

	"github.com/trothdev/troth/vault"
)

// RewrapRoot implements vault.Store.
func (s *Store) RewrapRoot(ctx context.Context, r vault.RootRow, before []byte) (replaced bool, err error) {
	return s.db.Affects(ctx, s.q.rewrapRoot, blob(r.Sealed), r.KEK, r.MovedAt,
		string(r.Tenant), string(r.Lineage), int64(r.Epoch), before)
}
