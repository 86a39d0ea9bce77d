package vaultstore_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/integration/sqltest"
	"github.com/trothdev/troth/storage/sqlstore"
	"github.com/trothdev/troth/storage/sqlstore/vaultsql"
	"github.com/trothdev/troth/vault"
)

const (
	wait = 10 * time.Second
	tick = 10 * time.Millisecond
)

func TestNew_NeedsAHandle(t *testing.T) {
	_, err := vaultsql.New(t.Context(), nil)
	require.Error(t, err)
}

func TestNew_ProgramsMayStartTogether(t *testing.T) {
	sqltest.Each(t, func(t *testing.T, open func() *sqlstore.Handle) {
		var wg sync.WaitGroup
		for range 4 {
			h := open()
			wg.Go(func() {
				s, err := vaultsql.New(t.Context(), h)
				if err == nil {
					_, err = s.InsertKey(t.Context(), key("42", "profile", 1))
				}
				if err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
	})
}

func TestStore_ATombstoneHoldsNoKey(t *testing.T) {
	sqltest.Each(t, func(t *testing.T, open func() *sqlstore.Handle) {
		s, err := vaultsql.New(t.Context(), open())
		require.NoError(t, err)
		row := key("42", "profile", 1)
		row.ShreddedAt = at
		_, err = s.InsertKey(t.Context(), row)
		require.Error(t, err)
		_, err = s.InsertRoot(t.Context(), vault.RootRow{
			Tenant: "t", Lineage: vault.WrapLineage, Sealed: []byte("r"), ShreddedAt: at,
		})
		require.Error(t, err)
	})
}

func TestSQLite_ATransactionOnAnOldSnapshotIsRefused(t *testing.T) {
	db := sqltest.SQLite(t)
	h, s := open(t, db, sqlstore.SQLite)
	ctx, _, rollback, err := sqltest.Host(t.Context(), h, db)
	require.NoError(t, err)
	defer func() { _ = rollback() }()
	_, err = s.Keys(ctx, key("42", "profile", 1).KeyName) // takes the snapshot
	require.NoError(t, err)
	_, err = s.InsertKey(t.Context(), key("42", "profile", 1))
	require.NoError(t, err)
	_, err = s.Follow(ctx, 0)
	require.ErrorIs(t, err, vaultsql.ErrSnapshot)
	err = h.Atomically(ctx, func(ctx context.Context) error {
		_, err := s.LockPerson(ctx, "t", "42", vault.Exclusive)
		return err
	})
	require.Error(t, err)
}
