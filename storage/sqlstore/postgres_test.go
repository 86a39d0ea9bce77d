package sqlstore

import (
	"context"
	"database/sql/driver"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
)

func TestPostgres_OneTransaction(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, f := newFake(t, Postgres, WithWaitBound(1500*time.Millisecond))
		a := &call{name: "a"}
		a.run(t.Context(), h)
		require.NoError(t, a.result)
		require.Equal(t, troth.ScopeCommitted, a.scope.State())
		require.Equal(t, []string{"BEGIN tx", "SELECT set_config('lock_timeout', '1500', true)", "a", "COMMIT"}, f.statements())
		b := &call{name: "b", err: errors.New("unwanted")}
		b.run(t.Context(), h)
		require.ErrorIs(t, b.result, b.err)
		require.Equal(t, troth.ScopeRolledBack, b.scope.State())
		require.Equal(t, []string{"BEGIN tx", "SELECT set_config('lock_timeout', '1500', true)", "b", "ROLLBACK"}, f.statements())
	})
}

func TestPostgres_CommitFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, f := newFake(t, Postgres)
		gone := errors.New("connection reset")
		f.failOn("COMMIT", gone)
		a := &call{name: "a"}
		a.run(t.Context(), h)
		require.ErrorIs(t, a.result, gone)
		require.Equal(t, troth.ScopeUnknown, a.scope.State())
		require.Equal(t, 1, f.thrownAway())
	})
}

// A closure that ignores a failed statement cannot commit on PostgreSQL, and
// is told so instead of being taken for unknown.
func TestPostgres_IgnoredError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, f := newFake(t, Postgres)
		bad := errors.New("syntax error")
		f.failOn("a", bad)
		err := h.Atomically(t.Context(), func(ctx context.Context) error {
			_, _ = h.Querier(ctx).Exec(ctx, "a")
			return nil
		})
		require.ErrorIs(t, err, bad)
		require.NotContains(t, f.statements(), "COMMIT")
	})
}

// Connections that the server dropped while they lay in the pool are passed
// over, as database/sql does by itself for its own transactions.
func TestPostgres_StaleConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, f := newFake(t, Postgres)
		f.failOn("BEGIN", driver.ErrBadConn, driver.ErrBadConn)
		a := &call{name: "a"}
		a.run(t.Context(), h)
		require.NoError(t, a.result)
		f.failOn("SELECT", driver.ErrBadConn, driver.ErrBadConn)
		var got string
		found, err := QueryRow(t.Context(), h.Querier(t.Context()), "SELECT a", nil, &got)
		require.NoError(t, err)
		require.True(t, found)
		f.failOn("BEGIN", driver.ErrBadConn, driver.ErrBadConn, driver.ErrBadConn)
		a.run(t.Context(), h)
		require.ErrorIs(t, a.result, driver.ErrBadConn)
	})
}

// A server that does not answer is not waited for beyond the bound.
func TestPostgres_SilentServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, f := newFake(t, Postgres, WithWaitBound(2*time.Second))
		f.fail = func(s string) (error, bool) {
			if s == "BEGIN tx" {
				pass(3 * time.Second)
			}
			return nil, false
		}
		a := &call{name: "a"}
		a.run(t.Context(), h)
		require.ErrorIs(t, a.result, troth.ErrBusy)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		a.run(ctx, h)
		require.ErrorIs(t, a.result, context.DeadlineExceeded)
		require.NotErrorIs(t, a.result, troth.ErrBusy)
		require.NotContains(t, f.statements(), "a")
	})
}
