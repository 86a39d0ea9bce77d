package sqlstore_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/storage/sqlstore"
)

// changes are all ways in which a transaction of PostgreSQL may get another
// isolation level after it began.
var changes = []string{
	"SET TRANSACTION ISOLATION LEVEL REPEATABLE READ",
	"SET TRANSACTION ISOLATION LEVEL SERIALIZABLE",
	"SET LOCAL transaction_isolation = 'repeatable read'",
	"SET transaction_isolation = 'serializable'",
	"SELECT set_config('transaction_isolation', 'repeatable read', true)",
}

// What the scope says about a transaction stays true: once it was asked, the
// database refuses to change the level.
func TestIsolation_OfAHostsTransaction(t *testing.T) {
	t.Parallel()
	d := newPostgres(t)
	db := d.open()
	h := d.handle(db)
	for _, change := range changes {
		tx := d.hostReady(db, nil)
		require.True(t, h.Scope(h.WithTx(t.Context(), tx)).Current())
		_, err := tx.Exec(change)
		require.Error(t, err, change)
		require.NoError(t, tx.Rollback())

		// Nor in a savepoint, whether it comes back or not.
		tx = d.hostReady(db, nil)
		must(t, tx, "SAVEPOINT host")
		require.True(t, h.Scope(h.WithTx(t.Context(), tx)).Current())
		must(t, tx, "ROLLBACK TO SAVEPOINT host")
		_, err = tx.Exec(change)
		require.Error(t, err, change)
		require.NoError(t, tx.Rollback())

		// Before it is asked the host may do as it likes, and the answer knows.
		tx = d.hostReady(db, nil)
		host := h.WithTx(t.Context(), tx)
		if _, err = tx.Exec(change); err == nil {
			require.False(t, h.Scope(host).Current(), change)
		}
		require.NoError(t, tx.Rollback())
	}
}

// A closure cannot change the level of the handle's own transaction.
func TestIsolation_OfOurTransaction(t *testing.T) {
	t.Parallel()
	d := newPostgres(t)
	h := d.handle(d.open())
	for _, change := range changes {
		for _, raw := range []bool{false, true} {
			require.Error(t, h.Atomically(t.Context(), func(ctx context.Context) error {
				require.True(t, h.Scope(ctx).Current())
				if tx, ok := h.Tx(ctx); raw && ok {
					_, err := tx.Exec(change)
					return err
				}
				_, err := h.Querier(ctx).Exec(ctx, change)
				return err
			}), change)
		}
	}
}

// On SQLite what is checked under a host's transaction cannot be changed while
// it runs, but for secure_delete: that is the host's own doing, and is put
// right in its next transaction.
func TestIsolation_SettingsInTheMiddle(t *testing.T) {
	t.Parallel()
	d := newSQLite(t)
	db := d.open()
	h := d.handle(db)
	c, err := db.Conn(t.Context())
	require.NoError(t, err)
	defer func() { _ = c.Close() }()
	for _, pragma := range []string{"foreign_keys = ON", "synchronous = FULL"} {
		_, err := c.ExecContext(t.Context(), "PRAGMA "+pragma)
		require.NoError(t, err)
	}
	for range 2 {
		tx, err := c.BeginTx(t.Context(), nil)
		require.NoError(t, err)
		host := h.WithTx(t.Context(), tx)
		require.NoError(t, h.Atomically(host, func(context.Context) error { return nil }))
		var secure string
		require.NoError(t, tx.QueryRow("PRAGMA secure_delete").Scan(&secure))
		require.Equal(t, "1", secure)
		for _, pragma := range []string{"foreign_keys = OFF", "synchronous = OFF", "journal_mode = DELETE", "secure_delete = OFF"} {
			_, _ = tx.Exec("PRAGMA " + pragma)
		}
		for pragma, want := range map[string]string{"foreign_keys": "1", "synchronous": "2", "journal_mode": "wal", "secure_delete": "0"} {
			var got string
			_, err := sqlstore.QueryRow(host, h.Querier(host), "PRAGMA "+pragma, nil, &got)
			require.NoError(t, err)
			require.Equal(t, want, got, pragma)
		}
		require.NoError(t, tx.Rollback())
		require.NoError(t, h.Atomically(t.Context(), func(ctx context.Context) error {
			var got string
			_, err := sqlstore.QueryRow(ctx, h.Querier(ctx), "PRAGMA secure_delete", nil, &got)
			require.Equal(t, "1", got, "the handle's own connection is another")
			return err
		}))
	}
}
