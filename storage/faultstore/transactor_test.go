package faultstore_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/storage/faultstore"
	"github.com/trothdev/troth/storage/memory"
	"github.com/trothdev/troth/storage/storagetest"
)

func TestTransactor_WithoutFaultsKeepsTheContract(t *testing.T) {
	storagetest.Run(t, func(*testing.T) storagetest.Harness {
		const bound = 100 * time.Millisecond
		db := memory.Open(memory.WithWaitBound(bound))
		table := memory.NewTable[string, string](db, strings.Compare)
		return storagetest.Harness{
			Transactor: faultstore.Transactor(db, faultstore.NewPlan()),
			Put:        table.Put,
			Get:        table.Get,
			Insert: func(ctx context.Context, key, value string) error {
				inserted, err := table.Insert(ctx, key, value)
				if err == nil && !inserted {
					err = errors.New("a row under this key exists")
				}
				return err
			},
			Keys: func(ctx context.Context) ([]string, error) {
				rows, err := table.Scan(ctx, nil, 0, nil)
				keys := make([]string, len(rows))
				for i, row := range rows {
					keys[i] = row.Key
				}
				return keys, err
			},
			WaitBound: bound,
		}
	})
}

// world is a transactor under a plan and a table that counts effects.
type world struct {
	plan *faultstore.Plan
	db   *memory.DB
	tx   troth.Transactor
	rows *memory.Table[string, int]
}

func newWorld(injections ...faultstore.Injection) *world {
	w := &world{plan: faultstore.NewPlan(injections...), db: memory.Open()}
	w.tx = faultstore.Transactor(w.db, w.plan)
	w.rows = memory.NewTable[string, int](w.db, strings.Compare)
	return w
}

// write adds the rows "outer" and "inner" unless they are there.
func (w *world) write(ctx context.Context) error {
	return w.tx.Atomically(ctx, func(ctx context.Context) error {
		if err := w.insert(ctx, "outer"); err != nil {
			return err
		}
		return w.tx.Atomically(ctx, func(ctx context.Context) error { return w.insert(ctx, "inner") })
	})
}

func (w *world) insert(ctx context.Context, key string) error {
	_, err := faultstore.Do(ctx, w.plan, "Insert", func() (bool, error) { return w.rows.Insert(ctx, key, 1) })
	return err
}

// count returns how many rows there are.
func (w *world) count(t *testing.T) int {
	t.Helper()
	rows, err := w.rows.Scan(t.Context(), nil, 0, nil)
	require.NoError(t, err)
	return len(rows)
}

func TestTransactor_FaultsAtItsOwnCalls(t *testing.T) {
	for _, tc := range []struct {
		method string
		fault  faultstore.Fault
		rows   int
		err    error
	}{
		{faultstore.Begin, faultstore.FailBefore, 0, faultstore.ErrInjected},
		{faultstore.Begin, faultstore.FailAfter, 0, faultstore.ErrInjected},
		{faultstore.Begin, faultstore.CancelBefore, 0, context.Canceled},
		{faultstore.Begin, faultstore.CancelAfter, 0, context.Canceled},
		{faultstore.Commit, faultstore.FailBefore, 0, faultstore.ErrInjected},
		{faultstore.Commit, faultstore.FailAfter, 2, faultstore.ErrInjected},
		{faultstore.Commit, faultstore.CancelBefore, 0, context.Canceled},
		{faultstore.Commit, faultstore.CancelAfter, 2, nil},
		{faultstore.Savepoint, faultstore.FailBefore, 0, faultstore.ErrInjected},
		{faultstore.Release, faultstore.FailBefore, 0, faultstore.ErrInjected},
		{faultstore.Release, faultstore.FailAfter, 0, faultstore.ErrInjected},
		{faultstore.Release, faultstore.Delay, 2, nil},
	} {
		t.Run(fmt.Sprint(tc.method, " ", tc.fault), func(t *testing.T) {
			w := newWorld(faultstore.Injection{Method: tc.method, Nth: 1, Fault: tc.fault})
			ctx, cancel := w.plan.Context(t.Context())
			defer cancel()
			require.ErrorIs(t, w.write(ctx), tc.err)
			require.Equal(t, tc.rows, w.count(t))
			require.Equal(t, 1, w.plan.Injected())
			require.False(t, w.db.Writing())
		})
	}
}

func TestTransactor_ASwallowedSavepointFaultLeavesTheRest(t *testing.T) {
	for fault, want := range map[faultstore.Fault]int{faultstore.FailBefore: 1, faultstore.FailAfter: 2} {
		w := newWorld(faultstore.Injection{Method: faultstore.Release, Nth: 1, Fault: fault})
		require.NoError(t, w.tx.Atomically(t.Context(), func(ctx context.Context) error {
			require.NoError(t, w.insert(ctx, "outer"))
			err := w.tx.Atomically(ctx, func(ctx context.Context) error { return w.insert(ctx, "inner") })
			require.ErrorIs(t, err, faultstore.ErrInjected)
			return nil
		}))
		require.Equal(t, want, w.count(t))
	}
}

func TestTransactor_FailedClosuresDoNotReachTheCommit(t *testing.T) {
	w := newWorld()
	refused := errors.New("refused")
	require.ErrorIs(t, w.tx.Atomically(t.Context(), func(context.Context) error { return refused }), refused)
	require.Equal(t, []faultstore.Call{{Method: faultstore.Begin, Nth: 1}}, w.plan.Calls())
}

// The way in which services are tested: every call times every fault, then a
// retry, then exactly one effect.
func TestEach_RetryAfterEveryFaultHasOneEffect(t *testing.T) {
	w := newWorld()
	require.NoError(t, w.write(t.Context()))
	calls := w.plan.Calls()
	require.Len(t, calls, 6)
	for injection := range faultstore.Each(calls, faultstore.Faults()...) {
		t.Run(fmt.Sprint(injection.Method, injection.Nth, " ", injection.Fault), func(t *testing.T) {
			w := newWorld(injection)
			ctx, cancel := w.plan.Context(t.Context())
			defer cancel()
			err := w.write(ctx)
			require.Equal(t, 1, w.plan.Injected())
			require.Contains(t, []int{0, 2}, w.count(t), "half-done work")
			if err == nil {
				require.Equal(t, 2, w.count(t))
			}
			require.NoError(t, w.write(t.Context()))
			require.Equal(t, 2, w.count(t))
		})
	}
}
