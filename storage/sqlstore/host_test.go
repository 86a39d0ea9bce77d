package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
)

// The handle does not hold on to transactions whose end it never hears of.
func TestWithTx_ForgottenTransactionsAreCollected(t *testing.T) {
	h := &Handle{dialect: SQLite}
	kept := new(sql.Tx)
	first := h.hostSession(kept)
	for range 100 {
		h.WithTx(t.Context(), new(sql.Tx))
	}
	known := func() (n int) {
		h.hosts.Range(func(any, any) bool { n++; return true })
		return n
	}
	require.Eventually(t, func() bool { runtime.GC(); return known() == 1 }, time.Minute, 10*time.Millisecond)
	require.Same(t, first, h.hostSession(kept))
	runtime.KeepAlive(kept)
}

// A host that would get its transaction back with other settings than it made
// gets none.
func TestWithTx_SettingDoesNotComeBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, f := newFake(t, Postgres)
		broken := errors.New("connection reset")
		tx, err := h.db.Begin()
		require.NoError(t, err)
		ctx := h.WithTx(t.Context(), tx)
		f.failOn("SELECT set_config('lock", broken)
		_, err = h.Querier(ctx).Exec(ctx, "a")
		require.ErrorIs(t, err, broken)

		f.failOn("SELECT set_config('lock", broken)
		err = h.Atomically(ctx, func(context.Context) error { return nil })
		require.ErrorIs(t, err, broken)
		require.ErrorIs(t, tx.Commit(), sql.ErrTxDone)
		_, err = h.Querier(ctx).Exec(ctx, "b")
		require.ErrorIs(t, err, troth.ErrTxDone)
		require.NotContains(t, f.statements(), "b")
	})
}

func TestWithTx_CannotBeHurried(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, f := newFake(t, Postgres)
		broken := errors.New("connection reset")
		tx, err := h.db.Begin()
		require.NoError(t, err)
		ctx := h.WithTx(t.Context(), tx)
		f.statements()
		f.failOn("SELECT set_config('troth", broken, broken, broken)
		_, err = h.Querier(ctx).Exec(ctx, "a")
		require.ErrorIs(t, err, broken)
		_, err = h.Querier(ctx).Query(ctx, "b") //nolint:gocritic // it gives none
		require.ErrorIs(t, err, broken)
		err = h.Atomically(ctx, func(context.Context) error { t.Error("must not run"); return nil })
		require.ErrorIs(t, err, broken)
		for _, statement := range f.statements() {
			require.Regexp(t, "set_config|transaction_isolation", statement, "nothing waits without a bound")
		}
		require.NoError(t, tx.Rollback())
	})
}

func TestHandle_CloseCommitsWhatIsDone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, f := newFake(t, SQLite, wide())
		a := &call{name: "a"}
		go func() { a.slow = 1; a.run(t.Context(), h) }()
		synctest.Wait()
		require.NoError(t, h.Close())
		synctest.Wait()
		require.NoError(t, a.result)
		require.Equal(t, []string{"BEGIN IMMEDIATE", "a", "COMMIT"}, f.statements())
		b := &call{name: "b"}
		b.run(t.Context(), h)
		require.ErrorIs(t, b.result, ErrClosed)
		require.Empty(t, f.statements())
	})
}
