package sqlstore

import (
	"context"
	"database/sql/driver"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
)

// stated is an error of PostgreSQL with its code.
type stated string

func (e stated) Error() string    { return "server says " + string(e) }
func (e stated) SQLState() string { return string(e) }

func TestSingle_IsOneRoundTrip(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, f := newFake(t, Postgres)
		rows, err := h.Single(t.Context(), "UPDATE a RETURNING b")
		require.NoError(t, err)
		require.NoError(t, rows.Close())
		require.Equal(t, []string{"UPDATE a RETURNING b"}, f.statements())
	})
}

func TestSingle_IsPartOfATransaction(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, f := newFake(t, Postgres)
		undo := errors.New("undo")
		err := h.Atomically(t.Context(), func(ctx context.Context) error {
			rows, err := h.Single(ctx, "UPDATE a RETURNING b")
			require.NoError(t, err)
			require.NoError(t, rows.Close())
			return undo
		})
		require.ErrorIs(t, err, undo)
		require.Equal(t, "ROLLBACK", f.statements()[3])
	})
}

// What a stricter isolation refuses, and nothing else, is run once more under
// read committed.
func TestSingle_AfterASerializationFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, f := newFake(t, Postgres)
		f.failOn("UPDATE", stated("40001"))
		rows, err := h.Single(t.Context(), "UPDATE a RETURNING b")
		require.NoError(t, err)
		require.NoError(t, rows.Close())
		require.Equal(t, []string{
			"UPDATE a RETURNING b", "BEGIN tx", "SELECT set_config('lock_timeout', '5000', true)", "UPDATE a RETURNING b", "COMMIT",
		}, f.statements())
		f.failOn("UPDATE", stated("23505"))
		_, err = h.Single(t.Context(), "UPDATE a RETURNING b")
		require.ErrorIs(t, err, stated("23505"))
	})
}

func TestSingle_PassesOverStaleConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, f := newFake(t, Postgres)
		f.failOn("UPDATE", driver.ErrBadConn, driver.ErrBadConn)
		rows, err := h.Single(t.Context(), "UPDATE a RETURNING b")
		require.NoError(t, err)
		require.NoError(t, rows.Close())
		f.failOn("UPDATE", driver.ErrBadConn, driver.ErrBadConn, driver.ErrBadConn)
		_, err = h.Single(t.Context(), "UPDATE a RETURNING b")
		require.ErrorIs(t, err, driver.ErrBadConn)
	})
}

func TestSingle_RefusesWhatTheHandleCannotAnswerFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, f := newFake(t, Postgres)
		for _, text := range []string{"COMMIT", "UPDATE a; UPDATE b"} {
			_, err := h.Single(t.Context(), text)
			require.ErrorIs(t, err, ErrControl)
		}
		require.Empty(t, f.statements())
	})
}
