package memory_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/storage/memory"
)

func TestDB_WaitsForTheWriterAsLongAsItSays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for want, db := range map[time.Duration]*memory.DB{
			memory.DefaultWaitBound: memory.Open(),
			time.Second:             memory.Open(memory.WithWaitBound(time.Second)),
			0:                       memory.Open(memory.WithWaitBound(0)),
		} {
			tx, err := db.Begin(t.Context())
			require.NoError(t, err)
			began := time.Now()
			err = db.Atomically(t.Context(), func(context.Context) error { return nil })
			require.ErrorIs(t, err, troth.ErrBusy)
			require.True(t, troth.Retryable(err))
			require.Equal(t, want, time.Since(began))
			require.NoError(t, tx.Rollback())
		}
	})
}

func TestDB_WaitingEndsWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := memory.Open()
		tx, err := db.Begin(t.Context())
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err = db.Atomically(ctx, func(context.Context) error { return nil })
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.NotErrorIs(t, err, troth.ErrBusy)
		_, err = db.Begin(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.NoError(t, tx.Rollback())
	})
}

func TestDB_WriterPassesOnWhenATransactionEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := memory.Open()
		tx, err := db.Begin(t.Context())
		require.NoError(t, err)
		got := make(chan error)
		go func() { got <- db.Atomically(t.Context(), func(context.Context) error { return nil }) }()
		synctest.Wait()
		require.NoError(t, tx.Commit())
		require.NoError(t, <-got)
	})
}

func TestDB_WritingTellsOfAnOpenTransaction(t *testing.T) {
	db := memory.Open()
	require.False(t, db.Writing())
	require.NoError(t, db.Atomically(t.Context(), func(context.Context) error {
		require.True(t, db.Writing())
		return nil
	}))
	require.False(t, db.Writing())
	tx, err := db.Begin(t.Context())
	require.NoError(t, err)
	require.True(t, db.Writing())
	require.NoError(t, tx.Rollback())
	require.False(t, db.Writing())
}

func TestDB_ReadsInTransactionsAreCurrent(t *testing.T) {
	db := memory.Open()
	require.NoError(t, db.Atomically(t.Context(), func(ctx context.Context) error {
		require.True(t, db.Scope(ctx).Current())
		return nil
	}))
}

func TestTx_EndsOnce(t *testing.T) {
	db := memory.Open()
	tx, err := db.Begin(t.Context())
	require.NoError(t, err)
	require.NoError(t, tx.Commit())
	require.ErrorIs(t, tx.Commit(), troth.ErrTxDone)
	require.ErrorIs(t, tx.Rollback(), troth.ErrTxDone)
	require.False(t, db.Writing())
}

func TestTx_CannotEndInsideASavepoint(t *testing.T) {
	db := memory.Open()
	tx, err := db.Begin(t.Context())
	require.NoError(t, err)
	err = db.Atomically(db.WithTx(t.Context(), tx), func(context.Context) error {
		require.ErrorIs(t, tx.Commit(), troth.ErrTxConcurrent)
		require.ErrorIs(t, tx.Rollback(), troth.ErrTxConcurrent)
		return nil
	})
	require.NoError(t, err)
	require.NoError(t, tx.Commit())
}

func TestTx_OfAnotherDatabaseIsRefused(t *testing.T) {
	ours, theirs := memory.Open(), memory.Open()
	table := memory.NewTable[string, string](ours, strings.Compare)
	tx, err := theirs.Begin(t.Context())
	require.NoError(t, err)
	ctx := ours.WithTx(t.Context(), tx)
	require.ErrorIs(t, table.Put(ctx, "a", "1"), troth.ErrNotShared)
	_, _, err = table.Get(ctx, "a")
	require.ErrorIs(t, err, troth.ErrNotShared)
	require.ErrorIs(t, ours.Atomically(ctx, func(context.Context) error { return nil }), troth.ErrNotShared)
	require.NoError(t, tx.Rollback())
}

// What services keep in a transaction's scope is not to be trusted where the
// host has savepoints of its own.
func TestTx_ScopeTellsThatItIsTheHosts(t *testing.T) {
	db := memory.Open()
	tx, err := db.Begin(t.Context())
	require.NoError(t, err)
	require.True(t, db.Scope(db.WithTx(t.Context(), tx)).Hosted())
	require.True(t, db.Scope(db.WithTx(t.Context(), tx)).Current())
	require.NoError(t, tx.Rollback())
	require.NoError(t, db.Atomically(t.Context(), func(ctx context.Context) error {
		require.False(t, db.Scope(ctx).Hosted())
		return nil
	}))
}
