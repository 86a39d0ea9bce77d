package vaultsql

import (
	"context"

	"github.com/trothdev/troth/storage/sqlstore/internal/statement"
	"github.com/trothdev/troth/vault"
)

// NewestKeys implements vault.Store.
func (s *Store) NewestKeys(ctx context.Context, after vault.KeyName, limit int) ([]vault.KeyRow, error) {
	return statement.Query(ctx, s.db, scanKey, s.q.newestKeys, string(after.Tenant), after.SubjectID, string(after.Compartment), limit)
}

// RetireKey implements vault.Store.
func (s *Store) RetireKey(ctx context.Context, n vault.KeyName, generation uint32, at int64) (row vault.KeyRow, retired bool, err error) {
	err = s.db.Atomically(ctx, func(ctx context.Context) error {
		if err := s.db.Lockable(ctx); err != nil {
			return err
		}
		row, retired = vault.KeyRow{}, false
		tenant, compartment, g := string(n.Tenant), string(n.Compartment), int64(generation)
		died, err := statement.Query(ctx, s.db, scanKey, s.q.retireKey, at,
			tenant, n.SubjectID, compartment, g, tenant, n.SubjectID, compartment, g)
		if err != nil || len(died) == 0 {
			return err
		}
		row, retired = died[0], true
		return s.allDead(ctx, s.q.retired, tenant, n.SubjectID, compartment, g)
	})
	return row, retired, err
}
