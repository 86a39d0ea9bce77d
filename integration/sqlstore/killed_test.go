package sqlstore_test

import (
	"context"
	"database/sql"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/storage/sqlstore"
)

// pid returns the server's process that serves ctx.
func pid(ctx context.Context, t *testing.T, h *sqlstore.Handle) (pid int) {
	t.Helper()
	_, err := sqlstore.QueryRow(ctx, h.Querier(ctx), "SELECT pg_backend_pid()", nil, &pid)
	require.NoError(t, err)
	return pid
}

// kill ends a process of the server, as an administrator or a fail-over does.
func (d database) kill(pid int) {
	d.t.Helper()
	var gone bool
	require.NoError(d.t, d.open().QueryRow("SELECT pg_terminate_backend($1, 10000)", pid).Scan(&gone))
	require.True(d.t, gone)
}

// A connection that dies in a closure takes the work along, whatever the closure
// makes of it, and the next call gets another.
func TestKilled_InAClosure(t *testing.T) {
	t.Parallel()
	d := newPostgres(t)
	db := d.open()
	db.SetMaxOpenConns(1)
	h := d.handle(db)
	var scope *troth.Scope
	closures := map[string]func(ctx context.Context) error{
		"that goes on": func(ctx context.Context) error { return d.add(ctx, h, "b") },
		"that ignores it": func(ctx context.Context) error {
			require.Error(t, d.add(ctx, h, "b"))
			return nil
		},
		"in a savepoint": func(ctx context.Context) error {
			return h.Atomically(ctx, func(ctx context.Context) error { return d.add(ctx, h, "b") })
		},
		"in a savepoint, ignored": func(ctx context.Context) error {
			require.Error(t, h.Atomically(ctx, func(ctx context.Context) error { return d.add(ctx, h, "b") }))
			return nil
		},
	}
	for name, closure := range closures {
		err := h.Atomically(t.Context(), func(ctx context.Context) error {
			scope = h.Scope(ctx)
			require.NoError(t, d.add(ctx, h, "a"))
			d.kill(pid(ctx, t, h))
			return closure(ctx)
		})
		require.Error(t, err, name)
		require.NotErrorIs(t, err, context.Canceled, name)
		require.Equal(t, troth.ScopeRolledBack, scope.State(), name)
		require.NoError(t, h.Atomically(t.Context(), func(ctx context.Context) error {
			_, err := h.Querier(ctx).Exec(ctx, "SELECT 1")
			return err
		}), name)
	}
	require.Empty(t, d.notes())
}

// The closure is through when the connection dies: nobody but the rows knows
// what became of the commit.
func TestKilled_BeforeTheCommit(t *testing.T) {
	t.Parallel()
	d := newPostgres(t)
	h := d.handle(d.open())
	var scope *troth.Scope
	require.Error(t, h.Atomically(t.Context(), func(ctx context.Context) error {
		scope = h.Scope(ctx)
		require.NoError(t, d.add(ctx, h, "a"))
		d.kill(pid(ctx, t, h))
		return nil
	}))
	require.Equal(t, troth.ScopeUnknown, scope.State())
	require.Empty(t, d.notes())
	require.NoError(t, d.add(t.Context(), h, "b"))
}

// Rows that end with their connection do not look like all there are.
func TestKilled_UnderAReader(t *testing.T) {
	t.Parallel()
	d := newPostgres(t)
	h := d.handle(d.open())
	const many = 200000
	read := func(ctx context.Context) (n int, err error) {
		rows, err := h.Querier(ctx).Query(ctx, "SELECT pg_backend_pid(), repeat('x', 1000) FROM generate_series(1, 200000)")
		require.NoError(t, err)
		for rows.Next() {
			if n++; n == 1 {
				var backend int
				require.NoError(t, rows.Scan(&backend, new(string)))
				d.kill(backend)
			}
		}
		return n, rows.Close()
	}
	n, err := read(t.Context())
	require.Error(t, err)
	require.Less(t, n, many)
	require.Error(t, h.Atomically(t.Context(), func(ctx context.Context) error {
		n, err := read(ctx)
		require.Error(t, err)
		require.Less(t, n, many)
		return nil
	}))
	require.NoError(t, d.add(t.Context(), h, "a"))
}

// The host learns of it by its own transaction.
func TestKilled_InAHostsTransaction(t *testing.T) {
	t.Parallel()
	d := newPostgres(t)
	db := d.open()
	h := d.handle(db)
	for _, inside := range []bool{false, true} {
		tx, err := db.Begin()
		require.NoError(t, err)
		host := h.WithTx(t.Context(), tx)
		require.NoError(t, d.add(host, h, "a"))
		if inside {
			require.Error(t, h.Atomically(host, func(ctx context.Context) error {
				d.kill(pid(ctx, t, h))
				return nil
			}))
			require.ErrorIs(t, d.add(host, h, "b"), troth.ErrTxDone)
		} else {
			d.kill(pid(host, t, h))
			require.Error(t, d.add(host, h, "b"))
		}
		require.Error(t, tx.Commit())
	}
	require.Empty(t, d.notes())
	require.NoError(t, d.add(t.Context(), h, "b"))
}

// Connections that died in the pool unnoticed, all at once, cost nobody a call.
func TestKilled_InThePool(t *testing.T) {
	t.Parallel()
	d := newPostgres(t)
	uses := map[string]func(h *sqlstore.Handle) error{
		"a transaction": func(h *sqlstore.Handle) error {
			return h.Atomically(t.Context(), func(ctx context.Context) error {
				_, err := h.Querier(ctx).Exec(ctx, "SELECT 1")
				return err
			})
		},
		"a read": func(h *sqlstore.Handle) error {
			_, err := sqlstore.QueryRow(t.Context(), h.Querier(t.Context()), "SELECT 1", nil, new(int))
			return err
		},
		"a write": func(h *sqlstore.Handle) error {
			_, err := h.Querier(t.Context()).Exec(t.Context(), "UPDATE note SET body = body")
			return err
		},
	}
	for name, use := range uses {
		db := d.open()
		const pool = 5
		db.SetMaxIdleConns(pool)
		h := d.handle(db)
		var held []*sql.Conn
		for range pool {
			c, err := db.Conn(t.Context())
			require.NoError(t, err)
			held = append(held, c)
		}
		var pids []int
		for _, c := range held {
			var pid int
			require.NoError(t, c.QueryRowContext(t.Context(), "SELECT pg_backend_pid()").Scan(&pid))
			pids = append(pids, pid)
		}
		for _, c := range held {
			require.NoError(t, c.Close())
		}
		for _, pid := range pids {
			d.kill(pid)
		}
		require.NoError(t, use(h), name)
	}
}
