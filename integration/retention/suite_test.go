package retention

import (
	"context"
	"database/sql"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/integration/pgtest"
	"github.com/trothdev/troth/integration/sqltest"
	"github.com/trothdev/troth/retention"
	"github.com/trothdev/troth/retention/retentiontest"
	"github.com/trothdev/troth/storage/sqlstore"
	"github.com/trothdev/troth/storage/sqlstore/retentionsql"
)

func TestBackend_SQLite(t *testing.T) {
	retentiontest.Run(t, func(t *testing.T) retentiontest.Harness {
		return harness(t, sqltest.SQLite(t), sqlstore.SQLite)
	})
}

func TestBackend_Postgres(t *testing.T) {
	retentiontest.Run(t, func(t *testing.T) retentiontest.Harness {
		return harness(t, pgtest.Open(t), sqlstore.Postgres)
	})
}

// harness gives the suite a store on a fresh database.
func harness(t *testing.T, db *sql.DB, d sqlstore.Dialect) retentiontest.Harness {
	t.Helper()
	h, s := open(t, db, d)
	return retentiontest.Harness{
		Backend: s,
		Reopen: func() retention.Backend {
			_, s := open(t, db, d)
			return s
		},
		Host: func(ctx context.Context) (context.Context, func() error, func() error, error) {
			return sqltest.Host(ctx, h, db)
		},
	}
}

func open(t testing.TB, db *sql.DB, d sqlstore.Dialect) (*sqlstore.Handle, *retentionsql.Store) {
	t.Helper()
	return sqltest.Open(t, db, d, retentionsql.New)
}

// A hold that committed after the snapshot would be overlooked.
func TestPostgres_NobodyLocksInAnOldSnapshot(t *testing.T) {
	db := pgtest.Open(t)
	h, s := open(t, db, sqlstore.Postgres)
	tx, err := db.BeginTx(t.Context(), &sql.TxOptions{Isolation: sql.LevelRepeatableRead})
	require.NoError(t, err)
	defer func() { _ = tx.Rollback() }()
	in := h.WithTx(t.Context(), tx)
	require.ErrorIs(t, s.LockTenant(in, "t", false), retentionsql.ErrSnapshot)
	_, _, err = s.LockRecord(in, retention.RecordKey{Tenant: "t"}, true)
	require.ErrorIs(t, err, retentionsql.ErrSnapshot)
}

// Those who lock a tenant with others do so at the same time; who locks it alone waits
// for them, and they for it. A record that somebody has is passed over.
func TestPostgres_LocksOfTenantsAndRecords(t *testing.T) {
	db := pgtest.Open(t)
	h, s := open(t, db, sqlstore.Postgres)
	ctx := t.Context()
	key := retention.RecordKey{Tenant: "t", Type: "file", ID: "1"}
	_, err := s.InsertRecord(ctx, retention.RecordRow{RecordKey: key})
	require.NoError(t, err)
	in := func(fn func(ctx context.Context) error) error { return h.Atomically(ctx, fn) }
	// Who locks a tenant for the first time is alone with it.
	require.NoError(t, in(func(ctx context.Context) error { return s.LockTenant(ctx, "t", false) }))
	for _, alone := range []bool{false, true} {
		took := make(chan error, 1)
		require.NoError(t, in(func(ctx context.Context) error {
			require.NoError(t, s.LockTenant(ctx, "t", alone))
			_, found, err := s.LockRecord(ctx, key, true)
			require.NoError(t, err)
			require.True(t, found)
			require.NoError(t, in(func(ctx context.Context) error { // beside it
				require.NoError(t, s.LockTenant(ctx, "other", true))
				_, found, err := s.LockRecord(ctx, key, false)
				require.False(t, found)
				if err == nil && !alone {
					err = s.LockTenant(ctx, "t", false)
				}
				return err
			}))
			go func() { took <- in(func(ctx context.Context) error { return s.LockTenant(ctx, "t", !alone) }) }()
			select {
			case err := <-took:
				t.Errorf("locked meanwhile: %v", err)
			case <-time.After(200 * time.Millisecond):
			}
			return nil
		}))
		require.NoError(t, <-took)
	}
}
