package vaultstore_test

import (
	"context"
	"database/sql"
	"testing"

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
			return sqltest.Host(ctx, h, db)
		},
		ManyWriters: d == sqlstore.Postgres,
	}
}

func open(t *testing.T, db *sql.DB, d sqlstore.Dialect) (*sqlstore.Handle, *vaultsql.Store) {
	t.Helper()
	return sqltest.Open(t, db, d, vaultsql.New)
}
