package sqlstore_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/storage/sqlstore"
)

func TestWithTx_WritesInTheHostsTransaction(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		db := d.open()
		h := d.handle(db)
		for _, commit := range []bool{false, true} {
			tx := d.hostReady(db, nil)
			ctx := h.WithTx(t.Context(), tx)
			require.NoError(t, h.Atomically(ctx, func(ctx context.Context) error { return d.add(ctx, h, "a") }))
			require.Empty(t, d.notes())
			require.Equal(t, troth.ScopeOpen, h.Scope(ctx).State())
			require.True(t, h.Scope(ctx).Hosted())
			if commit {
				require.NoError(t, tx.Commit())
			} else {
				require.NoError(t, tx.Rollback())
			}
			require.ErrorIs(t, d.add(ctx, h, "b"), troth.ErrTxDone)
			_, err := h.Querier(ctx).Query(ctx, "SELECT body FROM note") //nolint:gocritic // it gives none
			require.ErrorIs(t, err, troth.ErrTxDone)
			require.ErrorIs(t, h.Atomically(ctx, func(context.Context) error { return nil }), troth.ErrTxDone)
		}
		require.Equal(t, []string{"a"}, d.notes())
	})
}

// The end may be the first that the handle hears of the transaction.
func TestWithTx_EndedBefore(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		db := d.open()
		h := d.handle(db)
		for _, end := range []func(*sql.Tx) error{(*sql.Tx).Commit, (*sql.Tx).Rollback} {
			tx := d.hostReady(db, nil)
			require.NoError(t, end(tx))
			ctx := h.WithTx(t.Context(), tx)
			_, err := h.Querier(ctx).Query(ctx, "SELECT body FROM note") //nolint:gocritic // it gives none
			require.ErrorIs(t, err, troth.ErrTxDone)
			require.ErrorIs(t, d.add(ctx, h, "a"), troth.ErrTxDone)
			require.True(t, h.Scope(ctx).Hosted())
		}
		require.Empty(t, d.notes())
	})
}

// A host that ends its transaction while rows are read.
func TestWithTx_EndedUnderAReader(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		db := d.open()
		h := d.handle(db)
		_, err := h.Querier(t.Context()).Exec(t.Context(), "INSERT INTO note VALUES ('a'), ('b')")
		require.NoError(t, err)
		tx := d.hostReady(db, nil)
		ctx := h.WithTx(t.Context(), tx)
		rows, err := h.Querier(ctx).Query(ctx, "SELECT body FROM note")
		require.NoError(t, err)
		require.True(t, rows.Next())
		require.NoError(t, tx.Rollback())
		for rows.Next() {
		}
		require.ErrorIs(t, rows.Err(), troth.ErrTxDone)
		require.NotErrorIs(t, rows.Err(), context.Canceled)
	})
}

// What a service keeps in the scope is found again in every later call with the
// same transaction, however the host passes it on.
func TestWithTx_OneScopePerTransaction(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		db := d.open()
		h := d.handle(db)
		tx := d.hostReady(db, nil)
		require.NoError(t, h.Atomically(h.WithTx(t.Context(), tx), func(ctx context.Context) error {
			h.Scope(ctx).SetValue("key", "kept")
			require.Equal(t, ctx, h.WithTx(ctx, tx), "the level of the context stays")
			return d.add(ctx, h, "a")
		}))
		again := h.WithTx(t.Context(), tx)
		require.Equal(t, "kept", h.Scope(again).Value("key"))
		require.NoError(t, tx.Commit())
		other := d.hostReady(db, nil)
		require.Nil(t, h.Scope(h.WithTx(again, other)).Value("key"))
	})
}

// Two contexts of one host's transaction are guarded as one.
func TestWithTx_OneStatementAtATime(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		db := d.open()
		h := d.handle(db)
		tx := d.hostReady(db, nil)
		one, two := h.WithTx(t.Context(), tx), h.WithTx(t.Context(), tx)
		require.NoError(t, d.add(one, h, "a"))
		rows, err := h.Querier(one).Query(one, "SELECT body FROM note")
		require.NoError(t, err)
		require.ErrorIs(t, d.add(two, h, "b"), troth.ErrTxConcurrent)
		require.NoError(t, rows.Close())
		require.NoError(t, d.add(two, h, "b"))
	})
}

func TestWithTx_Current(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		db := d.open()
		h := d.handle(db)
		require.NoError(t, h.Atomically(t.Context(), func(ctx context.Context) error {
			require.True(t, h.Scope(ctx).Current())
			return h.Atomically(ctx, func(ctx context.Context) error {
				require.True(t, h.Scope(ctx).Current())
				return nil
			})
		}))
		current := map[sql.IsolationLevel]bool{sql.LevelDefault: false}
		if d.dialect == sqlstore.Postgres {
			current = map[sql.IsolationLevel]bool{
				sql.LevelDefault: true, sql.LevelReadCommitted: true,
				sql.LevelRepeatableRead: false, sql.LevelSerializable: false,
			}
		}
		for level, want := range current {
			tx := d.hostReady(db, &sql.TxOptions{Isolation: level})
			ctx := h.WithTx(t.Context(), tx)
			require.Equal(t, want, h.Scope(ctx).Current(), level)
			require.NoError(t, h.Atomically(ctx, func(ctx context.Context) error {
				require.Equal(t, want, h.Scope(ctx).Current(), level)
				return nil
			}))
			require.NoError(t, tx.Rollback())
		}
	})
}

func TestWithTx_None(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		h := d.handle(d.open())
		ctx := h.WithTx(t.Context(), nil)
		require.Error(t, d.add(ctx, h, "a"), "it must not be written outside of a transaction instead")
		require.Empty(t, d.notes())
	})
}

func TestWithTx_ChecksTheSettings(t *testing.T) {
	t.Parallel()
	d := newSQLite(t)
	h := d.handle(d.open())
	for _, c := range []struct{ pragma, setting, got string }{
		{"foreign_keys = OFF", "foreign_keys", "0"},
		{"synchronous = NORMAL", "synchronous", "1"},
		{"synchronous = OFF", "synchronous", "0"},
	} {
		conn, err := d.open().Conn(t.Context())
		require.NoError(t, err)
		for _, pragma := range []string{"foreign_keys = ON", "synchronous = EXTRA", c.pragma} {
			_, err := conn.ExecContext(t.Context(), "PRAGMA "+pragma)
			require.NoError(t, err)
		}
		tx, err := conn.BeginTx(t.Context(), nil)
		require.NoError(t, err)
		ctx := h.WithTx(t.Context(), tx)
		for range 2 {
			bad, ok := asSetting(d.add(ctx, h, "a"))
			require.True(t, ok)
			require.Equal(t, sqlstore.SettingError{Setting: c.setting, Want: bad.Want, Got: c.got}, *bad)
			_, ok = asSetting(h.Atomically(ctx, func(context.Context) error { t.Error("must not run"); return nil }))
			require.True(t, ok)
		}
		require.NoError(t, tx.Rollback())
		require.NoError(t, conn.Close())
	}
	require.Empty(t, d.notes())
}

// The host ends up with a dead transaction, not with one whose next statements
// commit by themselves.
func TestWithTx_RolledBackByTheDatabase(t *testing.T) {
	t.Parallel()
	d := newSQLite(t)
	db := d.open()
	h := d.handle(db)
	require.NoError(t, d.add(t.Context(), h, "taken"))
	tx := d.hostReady(db, nil)
	ctx := h.WithTx(t.Context(), tx)
	require.NoError(t, d.add(ctx, h, "a"))
	require.Error(t, h.Atomically(ctx, func(ctx context.Context) error {
		_, err := h.Querier(ctx).Exec(ctx, "INSERT OR ROLLBACK INTO note VALUES ('taken')")
		require.Error(t, err)
		require.ErrorIs(t, d.add(ctx, h, "b"), troth.ErrTxDone)
		return nil
	}))
	_, err := tx.Exec("INSERT INTO note VALUES ('c')")
	require.ErrorIs(t, err, sql.ErrTxDone)
	require.Error(t, tx.Commit())
	require.Equal(t, []string{"taken"}, d.notes())
}

// Cancelling a statement of ours does not roll back the host's transaction.
func TestWithTx_CancelledOnSQLite(t *testing.T) {
	t.Parallel()
	d := newSQLite(t)
	db := d.open()
	h := d.handle(db)
	tx := d.hostReady(db, nil)
	ctx, cancel := context.WithCancel(h.WithTx(t.Context(), tx))
	require.NoError(t, d.add(ctx, h, "a"))
	err := h.Atomically(ctx, func(ctx context.Context) error {
		require.NoError(t, d.add(ctx, h, "b"))
		cancel()
		return d.add(ctx, h, "c")
	})
	require.ErrorIs(t, err, context.Canceled)
	require.NoError(t, tx.Commit())
	require.Equal(t, []string{"a"}, d.notes())
}

// A write that is under way when its context ends is not interrupted: SQLite
// would roll back the host's whole transaction with it.
func TestWithTx_CancelledDuringAWrite(t *testing.T) {
	t.Parallel()
	d := newSQLite(t)
	db := d.open()
	h := d.handle(db)
	tx := d.hostReady(db, nil)
	ctx, cancel := context.WithCancel(h.WithTx(t.Context(), tx))
	require.NoError(t, d.add(ctx, h, "a"))
	time.AfterFunc(5*time.Millisecond, cancel)
	_, err := h.Querier(ctx).Exec(ctx, `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)
		INSERT INTO note SELECT max(i) FROM n`)
	require.NoError(t, err)
	<-ctx.Done()
	require.ErrorIs(t, d.add(ctx, h, "b"), context.Canceled)
	require.NoError(t, tx.Commit())
	require.Equal(t, []string{"100000", "a"}, d.notes())
}

// What is destroyed in a host's transaction is overwritten in the file.
func TestWithTx_OverwritesWhatItDeletes(t *testing.T) {
	t.Parallel()
	d := newSQLite(t)
	db := d.openWith("secure_delete = OFF")
	h := d.handle(db)
	emptied, deleted := bytes.Repeat([]byte("emptied!"), 8), bytes.Repeat([]byte("deleted!"), 2000)
	ctx := t.Context()
	_, err := h.Querier(ctx).Exec(ctx, "CREATE TABLE secret (id INTEGER PRIMARY KEY, sealed BLOB)")
	require.NoError(t, err)
	_, err = h.Querier(ctx).Exec(ctx, "INSERT INTO secret VALUES (1, ?), (2, ?), (3, x'00')", emptied, deleted)
	require.NoError(t, err)
	left := func() (found []bool) {
		_, err := db.Exec("PRAGMA wal_checkpoint(TRUNCATE)")
		require.NoError(t, err)
		for _, file := range []string{d.dsn, d.dsn + "-wal"} {
			content, err := os.ReadFile(file)
			require.NoError(t, err)
			found = append(found, bytes.Contains(content, emptied[:16]), bytes.Contains(content, deleted[:16]))
		}
		return found
	}
	require.Equal(t, []bool{true, true, false, false}, left())
	tx := d.hostReady(db, nil)
	ctx = h.WithTx(ctx, tx)
	_, err = h.Querier(ctx).Exec(ctx, "UPDATE secret SET sealed = NULL WHERE id = 1")
	require.NoError(t, err)
	_, err = h.Querier(ctx).Exec(ctx, "DELETE FROM secret WHERE id = 2")
	require.NoError(t, err)
	require.NoError(t, tx.Commit())
	require.Equal(t, make([]bool, 4), left())
}

// A host that rolls back to a savepoint of its own under a savepoint of ours
// has a transaction that is gone, not one with half of our work in it.
func TestWithTx_SavepointTakenAway(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		db := d.open()
		h := d.handle(db)
		for _, refuse := range []bool{false, true} {
			tx := d.hostReady(db, nil)
			host := h.WithTx(t.Context(), tx)
			must(t, tx, "SAVEPOINT host")
			require.Error(t, h.Atomically(host, func(ctx context.Context) error {
				require.NoError(t, d.add(ctx, h, "a"))
				must(t, tx, "ROLLBACK TO SAVEPOINT host")
				must(t, tx, "INSERT INTO note VALUES ('b')")
				if refuse {
					return errors.New("unwanted")
				}
				return nil
			}))
			require.Error(t, tx.Commit())
		}
		require.Empty(t, d.notes())
	})
}

// On PostgreSQL one statement at a time runs on a connection, also where the
// other one is the host's own: ours is refused, not mixed up with it.
func TestWithTx_HostReadsMeanwhile(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		db := d.open()
		h := d.handle(db)
		tx := d.hostReady(db, nil)
		host := h.WithTx(t.Context(), tx)
		require.NoError(t, d.add(host, h, "a"))
		rows, err := tx.Query("SELECT body FROM note")
		require.NoError(t, err)
		require.True(t, rows.Next())
		wrote := d.add(host, h, "b")
		require.NoError(t, rows.Close()) //nolint:sqlclosecheck // it was open for a while on purpose
		require.NoError(t, rows.Err())
		require.NoError(t, d.add(host, h, "c"), "the transaction is whole")
		require.NoError(t, tx.Commit())
		if d.dialect == sqlstore.Postgres {
			require.Error(t, wrote)
			require.Equal(t, []string{"a", "c"}, d.notes())
			return
		}
		require.NoError(t, wrote)
		require.Equal(t, []string{"a", "b", "c"}, d.notes())
	})
}
