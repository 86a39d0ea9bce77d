package memory_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/storage/memory"
)

func newTable(t *testing.T) (*memory.DB, *memory.Table[string, string]) {
	t.Helper()
	db := memory.Open()
	return db, memory.NewTable[string, string](db, strings.Compare)
}

func TestTable_InsertReportsConflicts(t *testing.T) {
	_, table := newTable(t)
	for i, want := range []bool{true, false} {
		inserted, err := table.Insert(t.Context(), "a", fmt.Sprint(i))
		require.NoError(t, err)
		require.Equal(t, want, inserted)
	}
	v, ok, err := table.Get(t.Context(), "a")
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, "0", v)
}

func TestTable_DeleteReportsWhetherThereWasARow(t *testing.T) {
	_, table := newTable(t)
	require.NoError(t, table.Put(t.Context(), "a", "1"))
	for _, want := range []bool{true, false} {
		deleted, err := table.Delete(t.Context(), "a")
		require.NoError(t, err)
		require.Equal(t, want, deleted)
	}
	_, ok, err := table.Get(t.Context(), "a")
	require.NoError(t, err)
	require.False(t, ok)
}

func TestTable_DeletedKeyIsFreeInTheSameTransaction(t *testing.T) {
	db, table := newTable(t)
	require.NoError(t, table.Put(t.Context(), "a", "old"))
	require.NoError(t, db.Atomically(t.Context(), func(ctx context.Context) error {
		deleted, err := table.Delete(ctx, "a")
		require.NoError(t, err)
		require.True(t, deleted)
		found, err := keys(ctx, table)
		require.NoError(t, err)
		require.Empty(t, found)
		inserted, err := table.Insert(ctx, "a", "new")
		require.NoError(t, err)
		require.True(t, inserted)
		return nil
	}))
	v, _, err := table.Get(t.Context(), "a")
	require.NoError(t, err)
	require.Equal(t, "new", v)
}

func TestTable_ScanPagesByKey(t *testing.T) {
	db, table := newTable(t)
	for i := range 1000 {
		require.NoError(t, table.Put(t.Context(), fmt.Sprintf("%03d", i*7%1000), "v"))
	}
	page := func(ctx context.Context) []string {
		var all []string
		var after *string
		for {
			rows, err := table.Scan(ctx, after, 17, func(k, _ string) bool { return k[2] != '5' })
			require.NoError(t, err)
			require.LessOrEqual(t, len(rows), 17)
			for _, row := range rows {
				all = append(all, row.Key)
				after = &row.Key
			}
			if len(rows) == 0 {
				return all
			}
		}
	}
	all := page(t.Context())
	require.Len(t, all, 900)
	require.IsIncreasing(t, all)
	require.NoError(t, db.Atomically(t.Context(), func(ctx context.Context) error {
		for i := range 1000 {
			var err error
			if i%2 == 0 {
				_, err = table.Delete(ctx, fmt.Sprintf("%03d", i))
			} else {
				err = table.Put(ctx, fmt.Sprintf("%03d-b", i), "v")
			}
			require.NoError(t, err)
		}
		inside := page(ctx)
		require.Len(t, inside, 800)
		require.IsIncreasing(t, inside)
		require.Equal(t, all, page(db.Detach(ctx)))
		return nil
	}))
	require.Len(t, page(t.Context()), 800)
}

// TestTable_ScanWhileEndsWhereItsKeysEnd: it looks at one key behind its own, and at no more.
func TestTable_ScanWhileEndsWhereItsKeysEnd(t *testing.T) {
	db, table := newTable(t)
	for i := range 300 {
		require.NoError(t, table.Put(t.Context(), fmt.Sprintf("%03d", i), "v"))
	}
	scan := func(ctx context.Context, limit, looks int) (all []string) {
		after, seen := "100", 0
		rows, err := table.ScanWhile(ctx, &after, limit, func(k string) bool { seen++; return k < "104" })
		require.NoError(t, err)
		for _, row := range rows {
			all = append(all, row.Key)
		}
		require.Equal(t, looks, seen)
		return all
	}
	require.Equal(t, []string{"101", "102", "103"}, scan(t.Context(), 0, 4))
	require.Equal(t, []string{"101", "102"}, scan(t.Context(), 2, 2))
	require.NoError(t, db.Atomically(t.Context(), func(ctx context.Context) error {
		_, err := table.Delete(ctx, "102")
		require.NoError(t, err)
		require.NoError(t, table.Put(ctx, "103-b", "v"))
		require.Equal(t, []string{"101", "103", "103-b"}, scan(ctx, 0, 4))
		return nil
	}))
}

func TestTable_ScanIsOfOneMomentAndMayWrite(t *testing.T) {
	_, table := newTable(t)
	for i := range 300 {
		require.NoError(t, table.Put(t.Context(), fmt.Sprintf("%03d", i), "old"))
	}
	rows, err := table.Scan(t.Context(), nil, 0, func(k, v string) bool {
		require.Equal(t, "old", v)
		require.NoError(t, table.Put(t.Context(), "999", "new"))
		_, err := table.Delete(t.Context(), fmt.Sprintf("%03d", 299-len(k)))
		require.NoError(t, err)
		return true
	})
	require.NoError(t, err)
	require.Len(t, rows, 300)
}

func TestTable_ScanInATransactionHoldsIt(t *testing.T) {
	db, table := newTable(t)
	require.NoError(t, db.Atomically(t.Context(), func(ctx context.Context) error {
		require.NoError(t, table.Put(ctx, "a", "1"))
		called := false
		_, err := table.Scan(ctx, nil, 0, func(string, string) bool {
			called = true
			require.ErrorIs(t, table.Put(ctx, "b", "1"), troth.ErrTxConcurrent)
			return true
		})
		require.True(t, called)
		return err
	}))
}

func TestTable_PanicWhileScanningLeavesTheTransactionUsable(t *testing.T) {
	db, table := newTable(t)
	require.NoError(t, db.Atomically(t.Context(), func(ctx context.Context) error {
		require.NoError(t, table.Put(ctx, "a", "1"))
		require.Panics(t, func() {
			_, _ = table.Scan(ctx, nil, 0, func(string, string) bool { panic("keep") })
		})
		return table.Put(ctx, "b", "1")
	}))
	found, err := keys(t.Context(), table)
	require.NoError(t, err)
	require.Equal(t, []string{"a", "b"}, found)
}

func TestTable_TablesCommitTogether(t *testing.T) {
	db, left := newTable(t)
	right := memory.NewTable[int, string](db, func(a, b int) int { return a - b })
	require.ErrorIs(t, db.Atomically(t.Context(), func(ctx context.Context) error {
		require.NoError(t, left.Put(ctx, "a", "1"))
		require.NoError(t, right.Put(ctx, 1, "1"))
		return context.Canceled
	}), context.Canceled)
	_, ok, err := right.Get(t.Context(), 1)
	require.NoError(t, err)
	require.False(t, ok)
	require.NoError(t, db.Atomically(t.Context(), func(ctx context.Context) error {
		require.NoError(t, left.Put(ctx, "a", "1"))
		return right.Put(ctx, 1, "1")
	}))
	_, ok, err = right.Get(t.Context(), 1)
	require.NoError(t, err)
	require.True(t, ok)
}
