package vaultstore_test

import (
	"context"
	"database/sql"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/integration/sqltest"
	"github.com/trothdev/troth/storage/sqlstore"
	"github.com/trothdev/troth/storage/sqlstore/vaultsql"
)

func TestScrub_BesideTransactions(t *testing.T) {
	sqltest.Each(t, func(t *testing.T, open func() *sqlstore.Handle) {
		h := open()
		s, err := vaultsql.New(t.Context(), h)
		require.NoError(t, err)
		require.NoError(t, s.Scrub(t.Context()))
		err = h.Atomically(t.Context(), func(ctx context.Context) error { return s.Scrub(ctx) })
		if h.Dialect() == sqlstore.Postgres {
			require.NoError(t, err, "there is nothing to do")
			return
		}
		require.ErrorIs(t, err, troth.ErrBusy)
		other := open() // which writes at this moment
		require.NoError(t, other.Atomically(t.Context(), func(ctx context.Context) error {
			if _, err := other.Querier(ctx).Exec(ctx, "INSERT INTO troth_vault_person (tenant, subject) VALUES ('t', '1')"); err != nil {
				return err
			}
			require.ErrorIs(t, s.Scrub(t.Context()), troth.ErrBusy)
			return nil
		}))
		require.NoError(t, s.Scrub(t.Context()))
		require.NoError(t, h.Close())
		require.ErrorIs(t, s.Scrub(t.Context()), sqlstore.ErrClosed)
	})
}

func TestScrub_DatabaseInMemory(t *testing.T) {
	db, err := sql.Open("sqlite", ":memory:")
	require.NoError(t, err)
	defer func() { _ = db.Close() }()
	db.SetMaxOpenConns(1)
	h, err := sqlstore.Open(t.Context(), db, sqlstore.SQLite)
	require.NoError(t, err)
	s, err := vaultsql.New(t.Context(), h)
	require.NoError(t, err)
	require.NoError(t, s.Scrub(t.Context()))
	require.NoError(t, h.Close())
}
