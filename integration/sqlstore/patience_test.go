package sqlstore_test

import (
	"context"
	"database/sql"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/storage/sqlstore"
)

// everyWait are the ways in which a call may wait for the row 'a'.
func (d database) everyWait(h *sqlstore.Handle) map[string]func(ctx context.Context) error {
	touch := d.dialect.Rebind("UPDATE note SET body = body WHERE body = ?")
	exec := func(ctx context.Context) error {
		_, err := h.Querier(ctx).Exec(ctx, touch, "a")
		return err
	}
	nested := func(ctx context.Context) error { return h.Atomically(ctx, exec) }
	return map[string]func(ctx context.Context) error{
		"a statement":               exec,
		"a transaction":             nested,
		"a transaction in a second": func(ctx context.Context) error { return h.Atomically(ctx, nested) },
		"a statement with rows": func(ctx context.Context) error {
			_, err := sqlstore.QueryRow(ctx, h.Querier(ctx), touch+" RETURNING body", []any{"a"}, new(string))
			return err
		},
	}
}

// A closure that reaches for the host's transaction waits for itself, if the
// host's settings let it.
func TestBusy_HostsTransactionInsideAClosure(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		db := d.open()
		if d.dialect == sqlstore.SQLite {
			db = d.openWith("busy_timeout = 3600000")
		}
		h := d.handle(db)
		require.NoError(t, d.add(t.Context(), h, "a"))
		for name, wait := range d.everyWait(h) {
			t.Run(name, func(t *testing.T) {
				tx := d.hostReady(db, nil)
				host := h.WithTx(t.Context(), tx)
				require.NoError(t, h.Atomically(t.Context(), func(inner context.Context) error {
					_, err := h.Querier(inner).Exec(inner, "UPDATE note SET body = body")
					require.NoError(t, err)
					promptly(t, func() { require.ErrorIs(t, wait(host), troth.ErrBusy) })
					return nil
				}))
				require.NoError(t, tx.Rollback())
			})
		}
	})
}

// What the host rolls back by a savepoint of its own includes settings.
func TestBusy_HostsSavepointTakesTheBoundAlong(t *testing.T) {
	t.Parallel()
	d := newPostgres(t)
	db := d.open()
	h := d.handle(db)
	require.NoError(t, d.add(t.Context(), h, "a"))
	tx := d.hostReady(db, nil)
	host := h.WithTx(t.Context(), tx)
	must(t, tx, "SET LOCAL lock_timeout = '1h'") // longer than the bound is as good as for ever
	must(t, tx, "SAVEPOINT host")
	require.NoError(t, d.add(host, h, "b"))
	must(t, tx, "ROLLBACK TO SAVEPOINT host")
	require.NoError(t, h.Atomically(t.Context(), func(inner context.Context) error {
		_, err := h.Querier(inner).Exec(inner, "UPDATE note SET body = body")
		require.NoError(t, err)
		promptly(t, func() { require.ErrorIs(t, d.everyWait(h)["a statement"](host), troth.ErrBusy) })
		return nil
	}))
	must(t, tx, "ROLLBACK TO SAVEPOINT host")
	require.NoError(t, d.add(host, h, "c"), "the host's savepoint is whole")
	require.NoError(t, tx.Commit())
	require.Equal(t, []string{"a", "c"}, d.notes())
}

// The bound is for our statements. The host's own wait as long as it said.
func TestBusy_HostKeepsItsLockTimeout(t *testing.T) {
	t.Parallel()
	d := newPostgres(t)
	db := d.open()
	h := d.handle(db)
	require.NoError(t, d.add(t.Context(), h, "a"))
	uses := d.everyWait(h)
	uses["a read that is cut short"] = func(ctx context.Context) error {
		rows, err := h.Querier(ctx).Query(ctx, "SELECT generate_series(1, 10000)")
		require.NoError(t, err)
		require.True(t, rows.Next())
		return rows.Close()
	}
	uses["work that is refused"] = func(ctx context.Context) error {
		err := h.Atomically(ctx, func(ctx context.Context) error {
			_, err := h.Querier(ctx).Exec(ctx, "SELECT nothing FROM nowhere")
			return err
		})
		require.Error(t, err)
		return nil
	}
	uses["a statement that its context refuses"] = func(ctx context.Context) error {
		ctx, cancel := context.WithCancel(ctx)
		cancel()
		_, err := h.Querier(ctx).Exec(ctx, "SELECT 1")
		require.ErrorIs(t, err, context.Canceled)
		return nil
	}
	for _, setting := range []string{"0", "1h", "2min", "90min", "1500ms", "3d", "10ms", "1s"} {
		tx := d.hostReady(db, nil)
		host := h.WithTx(t.Context(), tx)
		must(t, tx, "SET LOCAL lock_timeout = '"+setting+"'")
		for name, use := range uses {
			require.NoError(t, use(host), name)
			require.Equal(t, setting, lockTimeout(t, tx), name)
		}
		require.NoError(t, tx.Rollback())
	}
}

// A setting that is to outlive the host's transaction does.
func TestBusy_HostsSessionSettingOutlives(t *testing.T) {
	t.Parallel()
	d := newPostgres(t)
	db := d.open()
	db.SetMaxOpenConns(1)
	h := d.handle(db)
	tx, err := db.Begin()
	require.NoError(t, err)
	must(t, tx, "SET lock_timeout = '7s'")
	require.NoError(t, d.add(h.WithTx(t.Context(), tx), h, "a"))
	require.NoError(t, tx.Commit())
	var setting string
	require.NoError(t, db.QueryRow("SHOW lock_timeout").Scan(&setting))
	require.Equal(t, "7s", setting)
	require.Equal(t, []string{"a"}, d.notes())
}

// A host that makes our waits shorter, or says something else through us, is
// heard.
func TestBusy_HostsOwnWordHolds(t *testing.T) {
	t.Parallel()
	d := newPostgres(t)
	db := d.open()
	h := d.handle(db, sqlstore.WithWaitBound(time.Hour))
	require.NoError(t, d.add(t.Context(), h, "a"))
	tx := d.hostReady(db, nil)
	host := h.WithTx(t.Context(), tx)
	_, err := h.Querier(host).Exec(host, "SET LOCAL lock_timeout = '1234ms'")
	require.NoError(t, err)
	require.Equal(t, "1234ms", lockTimeout(t, tx))
	must(t, tx, "SET LOCAL lock_timeout = '20ms'")
	require.NoError(t, h.Atomically(t.Context(), func(inner context.Context) error {
		_, err := h.Querier(inner).Exec(inner, "UPDATE note SET body = body")
		require.NoError(t, err)
		promptly(t, func() { require.ErrorIs(t, d.everyWait(h)["a statement"](host), troth.ErrBusy) })
		return nil
	}))
}

// On SQLite the busy timeout of the host's connection comes back, too.
func TestBusy_HostKeepsItsBusyTimeout(t *testing.T) {
	t.Parallel()
	d := newSQLite(t)
	db := d.openWith("busy_timeout = 3600000")
	h := d.handle(db)
	require.NoError(t, d.add(t.Context(), h, "a"))
	for name, use := range d.everyWait(h) {
		tx := d.hostReady(db, nil)
		require.NoError(t, use(h.WithTx(t.Context(), tx)), name)
		var got int
		require.NoError(t, tx.QueryRow("PRAGMA busy_timeout").Scan(&got))
		require.Equal(t, 3600000, got, name)
		require.NoError(t, tx.Rollback())
	}
}

// A host's read of a table that is being rebuilt does not wait for ever either.
func TestBusy_HostReadsALockedTable(t *testing.T) {
	t.Parallel()
	d := newPostgres(t)
	db := d.open()
	h := d.handle(db)
	tx := d.hostReady(db, nil)
	host := h.WithTx(t.Context(), tx)
	read := func(ctx context.Context) error {
		_, err := sqlstore.QueryRow(ctx, h.Querier(ctx), "SELECT body FROM note", nil, new(string))
		return err
	}
	require.NoError(t, h.Atomically(t.Context(), func(inner context.Context) error {
		_, err := h.Querier(inner).Exec(inner, "LOCK TABLE note IN ACCESS EXCLUSIVE MODE")
		require.NoError(t, err)
		promptly(t, func() { require.ErrorIs(t, read(host), troth.ErrBusy) })
		promptly(t, func() { require.ErrorIs(t, read(t.Context()), troth.ErrBusy, "nor does one outside") })
		return read(inner)
	}))
}

func must(t *testing.T, tx *sql.Tx, statement string) {
	t.Helper()
	_, err := tx.Exec(statement)
	require.NoError(t, err)
}

func lockTimeout(t *testing.T, tx *sql.Tx) (setting string) {
	t.Helper()
	require.NoError(t, tx.QueryRow("SHOW lock_timeout").Scan(&setting))
	return setting
}
