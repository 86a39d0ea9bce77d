// Package rights runs the suite of the rights desk's store on real databases, and looks
// at how they read staff's queue.
package rights

import (
	"context"
	"database/sql"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/integration/pgtest"
	"github.com/trothdev/troth/integration/sqltest"
	"github.com/trothdev/troth/rights"
	"github.com/trothdev/troth/rights/rightstest"
	"github.com/trothdev/troth/storage/sqlstore"
	"github.com/trothdev/troth/storage/sqlstore/rightssql"
)

func TestBackend_SQLite(t *testing.T) {
	rightstest.Run(t, func(t *testing.T) rightstest.Harness {
		return harness(t, sqltest.SQLite(t), sqlstore.SQLite)
	})
}

func TestBackend_Postgres(t *testing.T) {
	rightstest.Run(t, func(t *testing.T) rightstest.Harness {
		return harness(t, pgtest.Open(t), sqlstore.Postgres)
	})
}

// harness gives the suite a store on a fresh database.
func harness(t *testing.T, db *sql.DB, d sqlstore.Dialect) rightstest.Harness {
	t.Helper()
	h, s := open(t, db, d)
	return rightstest.Harness{
		Backend: s,
		Reopen: func() rights.Backend {
			_, s := open(t, db, d)
			return s
		},
		Host: func(ctx context.Context) (context.Context, func() error, func() error, error) {
			return sqltest.Host(ctx, h, db)
		},
	}
}

func open(t testing.TB, db *sql.DB, d sqlstore.Dialect) (*sqlstore.Handle, *rightssql.Store) {
	t.Helper()
	h, err := sqlstore.Open(t.Context(), db, d)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, h.Close()) })
	return h, storeOn(t, h)
}

func storeOn(t testing.TB, h *sqlstore.Handle) *rightssql.Store {
	t.Helper()
	s, err := rightssql.New(t.Context(), h)
	require.NoError(t, err)
	return s
}

// What happened to a request after the snapshot would be overlooked.
func TestPostgres_NobodyLocksInAnOldSnapshot(t *testing.T) {
	db := pgtest.Open(t)
	h, s := open(t, db, sqlstore.Postgres)
	tx, err := db.BeginTx(t.Context(), &sql.TxOptions{Isolation: sql.LevelRepeatableRead})
	require.NoError(t, err)
	defer func() { _ = tx.Rollback() }()
	_, _, err = s.LockRequest(h.WithTx(t.Context(), tx), "t", "r")
	require.ErrorIs(t, err, rightssql.ErrSnapshot)
}
