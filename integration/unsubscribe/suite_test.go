package unsubscribe_test

import (
	"context"
	"database/sql"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/integration/pgtest"
	"github.com/trothdev/troth/integration/sqltest"
	"github.com/trothdev/troth/storage/sqlstore"
	"github.com/trothdev/troth/storage/sqlstore/unsubscribesql"
	"github.com/trothdev/troth/unsubscribe"
	"github.com/trothdev/troth/unsubscribe/unsubscribetest"
)

func TestBackend_SQLite(t *testing.T) {
	unsubscribetest.Run(t, func(t *testing.T) unsubscribetest.Harness {
		return harness(t, sqltest.SQLite(t), sqlstore.SQLite)
	})
}

func TestBackend_Postgres(t *testing.T) {
	unsubscribetest.Run(t, func(t *testing.T) unsubscribetest.Harness {
		return harness(t, pgtest.Open(t), sqlstore.Postgres)
	})
}

// harness gives the suite a store on a fresh database.
func harness(t *testing.T, db *sql.DB, d sqlstore.Dialect) unsubscribetest.Harness {
	t.Helper()
	h, s := open(t, db, d)
	return unsubscribetest.Harness{
		Backend: s,
		Reopen: func() unsubscribe.Backend {
			_, s := open(t, db, d)
			return s
		},
		Host: func(ctx context.Context) (context.Context, func() error, func() error, error) {
			return sqltest.Host(ctx, h, db)
		},
		ManyWriters: d == sqlstore.Postgres,
	}
}

func open(t testing.TB, db *sql.DB, d sqlstore.Dialect) (*sqlstore.Handle, *unsubscribesql.Store) {
	t.Helper()
	return sqltest.Open(t, db, d, unsubscribesql.New)
}

// An opt-in that committed after the snapshot would be overlooked.
func TestPostgres_NobodyWritesInAnOldSnapshot(t *testing.T) {
	db := pgtest.Open(t)
	h, s := open(t, db, sqlstore.Postgres)
	tx, err := db.BeginTx(t.Context(), &sql.TxOptions{Isolation: sql.LevelRepeatableRead})
	require.NoError(t, err)
	defer func() { _ = tx.Rollback() }()
	in := h.WithTx(t.Context(), tx)
	_, err = s.LockEntry(in, unsubscribe.EntryRow{Tenant: "t"})
	require.ErrorIs(t, err, unsubscribesql.ErrSnapshot)
	_, err = s.HoldEpoch(in, "t")
	require.ErrorIs(t, err, unsubscribesql.ErrSnapshot)
	_, err = s.Follow(in, 0, 1)
	require.ErrorIs(t, err, unsubscribesql.ErrSnapshot)
}
