package sqlstore

import (
	"database/sql"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
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
	require.Eventually(t, func() bool { runtime.GC(); return known() == 1 }, 10*time.Second, 10*time.Millisecond)
	require.Same(t, first, h.hostSession(kept))
	runtime.KeepAlive(kept)
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
