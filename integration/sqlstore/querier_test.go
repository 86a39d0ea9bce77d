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

func TestQuerier_OutsideOfATransaction(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		h := d.handle(d.open())
		ctx := t.Context()
		q := h.Querier(ctx)
		res, err := q.Exec(ctx, "INSERT INTO note VALUES ('a'), ('b')")
		require.NoError(t, err)
		n, err := res.RowsAffected()
		require.NoError(t, err)
		require.EqualValues(t, 2, n)

		var body string
		found, err := sqlstore.QueryRow(ctx, q, "SELECT body FROM note ORDER BY body DESC", nil, &body)
		require.NoError(t, err)
		require.True(t, found)
		require.Equal(t, "b", body)
		found, err = sqlstore.QueryRow(ctx, q, "SELECT body FROM note WHERE body = 'z'", nil, &body)
		require.NoError(t, err)
		require.False(t, found)
		_, err = sqlstore.QueryRow(ctx, q, "SELECT nothing FROM nowhere", nil, &body)
		require.Error(t, err)

		found, err = sqlstore.QueryRow(ctx, q, "DELETE FROM note WHERE body = 'a' RETURNING body", nil, &body)
		require.NoError(t, err)
		require.True(t, found)
		require.Equal(t, []string{"b"}, d.notes(), "a write that returns rows is durable when they are closed")
		_, ok := h.Tx(ctx)
		require.False(t, ok)
		require.Nil(t, h.Scope(ctx))
	})
}

// A write that returns rows and is cut short by its context did not happen.
func TestQuerier_CutShort(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		h := d.handle(d.open())
		ctx, cancel := context.WithCancel(t.Context())
		rows, err := h.Querier(ctx).Query(ctx, "INSERT INTO note VALUES ('a'), ('b') RETURNING body")
		require.NoError(t, err)
		require.True(t, rows.Next())
		cancel()
		for rows.Next() {
		}
		require.ErrorIs(t, rows.Err(), context.Canceled)
		require.ErrorIs(t, rows.Close(), context.Canceled)
		require.Empty(t, d.notes())
		require.NoError(t, d.add(t.Context(), h, "a"))
	})
}

func TestQuerier_OneStatementAtATime(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		h := d.handle(d.open())
		_, err := h.Querier(t.Context()).Exec(t.Context(), "INSERT INTO note VALUES ('a'), ('b')")
		require.NoError(t, err)
		require.NoError(t, h.Atomically(t.Context(), func(ctx context.Context) error {
			rows, err := h.Querier(ctx).Query(ctx, "SELECT body FROM note")
			require.NoError(t, err)
			require.True(t, rows.Next())
			require.ErrorIs(t, d.add(ctx, h, "c"), troth.ErrTxConcurrent)
			require.ErrorIs(t, h.Atomically(ctx, func(context.Context) error { return nil }), troth.ErrTxConcurrent)
			require.NoError(t, rows.Close())
			require.NoError(t, rows.Close(), "twice does no harm")
			rows, err = h.Querier(ctx).Query(ctx, "SELECT body FROM note")
			require.NoError(t, err)
			for rows.Next() {
			}
			return d.add(ctx, h, "c") // read to the end is as good as closed
		}))
		require.Equal(t, []string{"a", "b", "c"}, d.notes())
	})
}

// A closure that returns while something of it is still open did not mean what
// it says; and its reader is told that it did not read everything.
func TestQuerier_LeftOpen(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		h := d.handle(d.open())
		_, err := h.Querier(t.Context()).Exec(t.Context(), "INSERT INTO note VALUES ('a'), ('b')")
		require.NoError(t, err)
		var rows *sqlstore.Rows
		leave := func(ctx context.Context) (err error) {
			if err := d.add(ctx, h, "c"); err != nil {
				return err
			}
			rows, err = h.Querier(ctx).Query(ctx, "SELECT body FROM note")
			rows.Next()
			return err
		}
		require.ErrorIs(t, h.Atomically(t.Context(), leave), troth.ErrTxConcurrent)
		require.False(t, rows.Next())
		require.ErrorIs(t, rows.Err(), troth.ErrTxDone)
		require.NoError(t, h.Atomically(t.Context(), func(ctx context.Context) error {
			require.ErrorIs(t, h.Atomically(ctx, leave), troth.ErrTxConcurrent)
			return d.add(ctx, h, "d") // the level around it is whole
		}))
		require.Equal(t, []string{"a", "b", "d"}, d.notes())
	})
}

// A savepoint that a goroutine holds on to ends with the closure around it.
func TestQuerier_SavepointLeftOpen(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		h := d.handle(d.open())
		inside, leave, left := make(chan struct{}), make(chan struct{}), make(chan error)
		var scope *troth.Scope
		err := h.Atomically(t.Context(), func(ctx context.Context) error {
			go func() {
				left <- h.Atomically(ctx, func(ctx context.Context) error {
					scope = h.Scope(ctx)
					err := d.add(ctx, h, "a")
					close(inside)
					<-leave
					return errors.Join(err, d.add(ctx, h, "b"))
				})
			}()
			<-inside
			return nil
		})
		require.ErrorIs(t, err, troth.ErrTxConcurrent)
		close(leave)
		require.ErrorIs(t, <-left, troth.ErrTxDone)
		require.Equal(t, troth.ScopeRolledBack, scope.State())
		require.Empty(t, d.notes())
		require.NoError(t, d.add(t.Context(), h, "c"))
	})
}

func TestQuerier_DoesNotControlTransactions(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		h := d.handle(d.open())
		try := func(ctx context.Context) {
			for _, statement := range []string{"BEGIN", "COMMIT", " rollback", "/* */ SAVEPOINT a", "RELEASE a", "END"} {
				_, err := h.Querier(ctx).Exec(ctx, statement)
				require.ErrorIs(t, err, sqlstore.ErrControl)
				_, err = h.Querier(ctx).Query(ctx, statement) //nolint:gocritic // it gives none
				require.ErrorIs(t, err, sqlstore.ErrControl)
			}
		}
		try(t.Context())
		require.NoError(t, h.Atomically(t.Context(), func(ctx context.Context) error {
			try(ctx)
			return d.add(ctx, h, "a")
		}))
		require.Equal(t, []string{"a"}, d.notes())
	})
}

// A text of several statements could end the transaction behind the first one,
// and with it what others have in the same batch.
func TestQuerier_OneStatementInAText(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		h := d.handle(d.open(), sqlstore.WithBatch(64, time.Minute))
		refused := errors.New("refused")
		inside, release, first := make(chan struct{}), make(chan struct{}), make(chan error, 1)
		go func() {
			first <- h.Atomically(t.Context(), func(ctx context.Context) error {
				close(inside)
				<-release
				return d.add(ctx, h, "first")
			})
		}()
		<-inside
		second := make(chan error, 1)
		go func() {
			second <- h.Atomically(t.Context(), func(ctx context.Context) error {
				_, err := h.Querier(ctx).Exec(ctx, "INSERT INTO note VALUES ('b'); COMMIT")
				if !errors.Is(err, sqlstore.ErrControl) {
					return err
				}
				_, err = h.Querier(ctx).Query(ctx, "SELECT 'a;'; ROLLBACK; BEGIN") //nolint:gocritic // it gives none
				if !errors.Is(err, sqlstore.ErrControl) {
					return err
				}
				return errors.Join(d.add(ctx, h, "second"), refused)
			})
		}()
		close(release)
		require.NoError(t, <-first)
		require.ErrorIs(t, <-second, refused)
		_, err := h.Querier(t.Context()).Query(t.Context(), "SELECT 1; DROP TABLE note") //nolint:gocritic // it gives none
		require.ErrorIs(t, err, sqlstore.ErrControl)
		require.NoError(t, d.add(t.Context(), h, "a;b"))
		require.Equal(t, []string{"a;b", "first"}, d.notes())
	})
}

// Reads page by page and writes between the pages, on one connection.
func TestQuerier_OneConnection(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		db := d.open()
		db.SetMaxOpenConns(1)
		h := d.handle(db, sqlstore.WithWaitBound(5*time.Second))
		ctx := t.Context()
		_, err := h.Querier(ctx).Exec(ctx, "INSERT INTO note VALUES ('a'), ('b'), ('c')")
		require.NoError(t, err)
		next := d.dialect.Rebind("SELECT body FROM note WHERE body > ? AND length(body) = 1 ORDER BY body LIMIT 1")
		body := ""
		for {
			found, err := sqlstore.QueryRow(ctx, h.Querier(ctx), next, []any{body}, &body)
			require.NoError(t, err)
			if !found {
				break
			}
			require.NoError(t, h.Atomically(ctx, func(ctx context.Context) error { return d.add(ctx, h, body+"+") }))
		}
		require.Equal(t, []string{"a", "a+", "b", "b+", "c", "c+"}, d.notes())
		if d.dialect == sqlstore.SQLite {
			idle, err := h.Idle(ctx)
			require.NoError(t, err)
			require.True(t, idle)
		}
	})
}

// What belongs to one handle means nothing to another.
func TestHandle_ContextOfAnother(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		db := d.open()
		one, two := d.handle(db), d.handle(db)
		require.NoError(t, one.Atomically(t.Context(), func(ctx context.Context) error {
			require.NotNil(t, one.Scope(ctx))
			require.Nil(t, two.Scope(ctx))
			_, ok := two.Tx(ctx)
			require.False(t, ok)
			require.Nil(t, one.Scope(one.Detach(ctx)))
			require.Equal(t, one.Scope(ctx), one.Scope(two.Detach(ctx)))
			return nil
		}))
	})
}

func TestHandle_Closed(t *testing.T) {
	t.Parallel()
	d := newSQLite(t)
	db := d.open()
	h := d.handle(db)
	require.NoError(t, d.add(t.Context(), h, "a"))
	require.NoError(t, h.Close())
	require.ErrorIs(t, d.add(t.Context(), h, "b"), sqlstore.ErrClosed)
	require.NoError(t, db.Ping(), "the host's database stays open")
	require.Zero(t, db.Stats().InUse)
	require.NoError(t, h.Close(), "twice does no harm")
}

func TestHandle_Tx(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		db := d.open()
		h := d.handle(db)
		require.NoError(t, h.Atomically(t.Context(), func(ctx context.Context) error {
			tx, ok := h.Tx(ctx)
			require.Equal(t, d.dialect == sqlstore.Postgres, ok)
			require.Equal(t, ok, tx != nil)
			return nil
		}))
		tx := d.hostReady(db, nil)
		got, ok := h.Tx(h.WithTx(t.Context(), tx))
		require.True(t, ok)
		require.Same(t, tx, got)
	})
}

// A constraint that is checked at the end makes the commit fail, and it is known
// that nothing is left.
func TestHandle_CommitIsRefused(t *testing.T) {
	t.Parallel()
	d := newPostgres(t)
	h := d.handle(d.open())
	_, err := h.Querier(t.Context()).Exec(t.Context(), "ALTER TABLE note ADD CONSTRAINT late UNIQUE (body) DEFERRABLE INITIALLY DEFERRED, DROP CONSTRAINT note_body_key")
	require.NoError(t, err)
	require.NoError(t, d.add(t.Context(), h, "a"))
	var scope *troth.Scope
	require.ErrorContains(t, h.Atomically(t.Context(), func(ctx context.Context) error {
		scope = h.Scope(ctx)
		require.NoError(t, d.add(ctx, h, "b"))
		return d.add(ctx, h, "a")
	}), "23505")
	require.Equal(t, troth.ScopeRolledBack, scope.State())
	require.Equal(t, []string{"a"}, d.notes())
}
