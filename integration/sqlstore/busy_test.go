package sqlstore_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/storage/sqlstore"
)

// Every way in which a call may wait for itself, or for somebody who does not
// come, ends in ErrBusy.
func TestBusy_OuterContextInsideAClosure(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		h := d.handle(d.open())
		outer := t.Context()
		require.NoError(t, d.add(outer, h, "a"))
		touch := d.dialect.Rebind("UPDATE note SET body = body WHERE body = ?")
		ways := map[string]func() error{
			"a transaction": func() error {
				return h.Atomically(outer, func(ctx context.Context) error {
					_, err := h.Querier(ctx).Exec(ctx, touch, "a")
					return err
				})
			},
			"a statement": func() error {
				_, err := h.Querier(outer).Exec(outer, touch, "a")
				return err
			},
			"a statement with rows": func() error {
				_, err := sqlstore.QueryRow(outer, h.Querier(outer), touch+" RETURNING body", []any{"a"}, new(string))
				return err
			},
		}
		require.NoError(t, h.Atomically(outer, func(inner context.Context) error {
			if _, err := h.Querier(inner).Exec(inner, touch, "a"); err != nil {
				return err
			}
			for name, way := range ways {
				promptly(t, func() { require.ErrorIs(t, way(), troth.ErrBusy, name) })
			}
			return d.add(inner, h, "b")
		}))
		require.Equal(t, []string{"a", "b"}, d.notes())
	})
}

func TestBusy_ContextOfAnOuterLevelAtOnce(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		h := d.handle(d.open(), sqlstore.WithWaitBound(time.Hour))
		require.NoError(t, h.Atomically(t.Context(), func(outer context.Context) error {
			return h.Atomically(outer, func(inner context.Context) error {
				err := d.add(outer, h, "a")
				require.ErrorIs(t, err, troth.ErrBusy)
				require.ErrorIs(t, err, troth.ErrTxConcurrent)
				err = h.Atomically(outer, func(context.Context) error { t.Error("must not run"); return nil })
				require.ErrorIs(t, err, troth.ErrTxConcurrent)
				return d.add(inner, h, "b")
			})
		}))
		require.Equal(t, []string{"b"}, d.notes())
	})
}

func TestBusy_ExhaustedPool(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		db := d.open()
		db.SetMaxOpenConns(1)
		h := d.handle(db)
		taken, err := db.Conn(t.Context())
		require.NoError(t, err)
		nothing := func(context.Context) error { t.Error("must not run"); return nil }
		promptly(t, func() { require.ErrorIs(t, h.Atomically(t.Context(), nothing), troth.ErrBusy) })
		promptly(t, func() {
			_, err := h.Querier(t.Context()).Query(t.Context(), "SELECT body FROM note") //nolint:gocritic // it gives none
			require.ErrorIs(t, err, troth.ErrBusy)
		})
		promptly(t, func() { require.ErrorIs(t, d.add(t.Context(), h, "a"), troth.ErrBusy) })

		short, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		err = h.Atomically(short, nothing)
		require.ErrorIs(t, err, context.DeadlineExceeded, "the caller's own end is not called busy")
		require.NotErrorIs(t, err, troth.ErrBusy)

		require.NoError(t, taken.Close())
		require.NoError(t, d.add(t.Context(), h, "a"))
	})
}

func TestBusy_HostHoldsTheLock(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		h, host := d.handle(d.open()), d.open()
		require.NoError(t, d.add(t.Context(), h, "a"))
		tx, err := host.Begin()
		require.NoError(t, err)
		_, err = tx.Exec("UPDATE note SET body = 'b' WHERE body = 'a'")
		require.NoError(t, err)

		write := func(ctx context.Context) error {
			return h.Atomically(ctx, func(ctx context.Context) error {
				_, err := h.Querier(ctx).Exec(ctx, "UPDATE note SET body = 'c' WHERE body = 'a'")
				return err
			})
		}
		promptly(t, func() { require.ErrorIs(t, write(t.Context()), troth.ErrBusy) })
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		err = write(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.NotErrorIs(t, err, troth.ErrBusy)

		require.NoError(t, tx.Rollback())
		require.NoError(t, write(t.Context()))
		require.Equal(t, []string{"c"}, d.notes())
	})
}

func TestBusy_TheQueueIsBoundedAndHeedsTheContext(t *testing.T) {
	t.Parallel()
	d := newSQLite(t)
	h := d.handle(d.open())
	require.NoError(t, h.Atomically(t.Context(), func(context.Context) error {
		// The one in front does not come to an end while these wait.
		late := make(chan error)
		go func() { late <- d.add(t.Context(), h, "late") }()
		ctx, cancel := context.WithCancel(t.Context())
		gone := make(chan error)
		go func() { gone <- d.add(ctx, h, "gone") }()
		cancel()
		require.ErrorIs(t, <-gone, context.Canceled)
		promptly(t, func() { require.ErrorIs(t, <-late, troth.ErrBusy) })
		return nil
	}))
	require.Empty(t, d.notes())
	require.NoError(t, d.add(t.Context(), h, "next"))
}

func TestIdle(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		h, host := d.handle(d.open()), d.open()
		idle, err := h.Idle(t.Context())
		if d.dialect == sqlstore.Postgres {
			require.ErrorIs(t, err, errors.ErrUnsupported)
			return
		}
		require.NoError(t, err)
		require.True(t, idle)
		require.NoError(t, h.Atomically(t.Context(), func(ctx context.Context) error {
			for _, ctx := range []context.Context{ctx, t.Context()} {
				idle, err := h.Idle(ctx)
				require.NoError(t, err)
				require.False(t, idle, "our own writer holds the lock")
			}
			return nil
		}))
		tx, err := host.Begin()
		require.NoError(t, err)
		idle, err = h.Idle(t.Context())
		require.NoError(t, err)
		require.True(t, idle, "a transaction that has not written holds no lock")
		_, err = tx.Exec("INSERT INTO note VALUES ('host')")
		require.NoError(t, err)
		idle, err = h.Idle(t.Context())
		require.NoError(t, err)
		require.False(t, idle)
		require.NoError(t, tx.Commit())
		idle, err = h.Idle(t.Context())
		require.NoError(t, err)
		require.True(t, idle)
	})
}

// Who holds a whole table, as a migration does, keeps plain reads waiting too.
func TestPostgres_ReadsOfALockedTable(t *testing.T) {
	t.Parallel()
	d := newPostgres(t)
	h := d.handle(d.open())
	require.NoError(t, d.add(t.Context(), h, "a"))
	tx, err := d.open().Begin()
	require.NoError(t, err)
	_, err = tx.Exec("LOCK TABLE note IN ACCESS EXCLUSIVE MODE")
	require.NoError(t, err)
	var body string
	read := func(ctx context.Context) error {
		_, err := sqlstore.QueryRow(ctx, h.Querier(ctx), "SELECT body FROM note", nil, &body)
		return err
	}
	promptly(t, func() { require.ErrorIs(t, read(t.Context()), troth.ErrBusy) })
	ctx, cancel := context.WithTimeout(t.Context(), bound/10)
	defer cancel()
	err = read(ctx)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.NotErrorIs(t, err, troth.ErrBusy)
	require.NoError(t, tx.Rollback())
	require.NoError(t, read(t.Context()))
	require.Equal(t, "a", body)
}

// The bound is for the answer to begin; who reads rows takes their time.
func TestPostgres_SlowReaders(t *testing.T) {
	t.Parallel()
	d := newPostgres(t)
	const short = 200 * time.Millisecond
	h := d.handle(d.open(), sqlstore.WithWaitBound(short))
	rows, err := h.Querier(t.Context()).Query(t.Context(), "SELECT repeat('x', 1000) FROM generate_series(1, 100000)")
	require.NoError(t, err)
	n := 0
	for rows.Next() {
		if n++; n == 1 {
			<-time.After(2 * short)
		}
	}
	require.NoError(t, rows.Close())
	require.Equal(t, 100000, n)
}
