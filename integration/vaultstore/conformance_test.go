package vaultstore_test

import (
	"context"
	"database/sql"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/integration/pgtest"
	"github.com/trothdev/troth/integration/sqltest"
	"github.com/trothdev/troth/storage/sqlstore"
	"github.com/trothdev/troth/storage/sqlstore/vaultsql"
	"github.com/trothdev/troth/vault"
	"github.com/trothdev/troth/vault/vaulttest"
)

func TestBackend_SQLite(t *testing.T) {
	vaulttest.Run(t, func(t *testing.T) vaulttest.Harness {
		return harness(t, sqltest.SQLite(t), sqlstore.SQLite)
	})
}

func TestBackend_Postgres(t *testing.T) {
	vaulttest.Run(t, func(t *testing.T) vaulttest.Harness {
		return harness(t, pgtest.Open(t), sqlstore.Postgres)
	})
}

// harness gives the suite a store on a fresh database.
func harness(t *testing.T, db *sql.DB, d sqlstore.Dialect) vaulttest.Harness {
	t.Helper()
	h, s := open(t, db, d)
	return vaulttest.Harness{
		Backend: s,
		Reopen: func() vault.Backend {
			_, s := open(t, db, d)
			return s
		},
		Host: func(ctx context.Context) (context.Context, func() error, func() error, error) {
			return hostTx(ctx, h, db, d)
		},
		ManyWriters: d == sqlstore.Postgres,
	}
}

func open(t *testing.T, db *sql.DB, d sqlstore.Dialect) (*sqlstore.Handle, *vaultsql.Store) {
	t.Helper()
	h, err := sqlstore.Open(t.Context(), db, d)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, h.Close()) })
	s, err := vaultsql.New(t.Context(), h)
	require.NoError(t, err)
	return h, s
}

// hostTx begins a transaction as a host does that set up its connections as
// the documentation asks.
func hostTx(ctx context.Context, h *sqlstore.Handle, db *sql.DB, d sqlstore.Dialect) (context.Context, func() error, func() error, error) {
	c, err := db.Conn(ctx)
	if err != nil {
		return nil, nil, nil, err
	}
	if d == sqlstore.SQLite {
		for _, pragma := range []string{"foreign_keys = ON", "synchronous = FULL", "busy_timeout = 500"} {
			if _, err := c.ExecContext(ctx, "PRAGMA "+pragma); err != nil {
				return nil, nil, nil, err
			}
		}
	}
	tx, err := c.BeginTx(context.WithoutCancel(ctx), nil)
	if err != nil {
		return nil, nil, nil, err
	}
	give := func(end func() error) func() error {
		return func() error { defer func() { _ = c.Close() }(); return end() }
	}
	return h.WithTx(ctx, tx), give(tx.Commit), give(tx.Rollback), nil
}
