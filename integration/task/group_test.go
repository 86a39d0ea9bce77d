package task_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/storage/sqlstore"
	"github.com/trothdev/troth/task"
)

// Who joins one group over and over in one transaction writes its row once: each
// version of it would be looked at again by every later one.
func TestStore_AGroupIsWrittenOnceInATransaction(t *testing.T) {
	t.Parallel()
	b := backends[1]
	h := b.handle(t, b.open(t))
	s := b.store(t, h)
	join := func(ctx context.Context) task.ID {
		id, err := s.JoinGroup(ctx, task.Joining{Tenant: "a", Name: "g", Fresh: troth.EntryID{1}, Tasks: 1})
		require.NoError(t, err)
		return id
	}
	// The server counts what a connection has not reported yet.
	writes := func(ctx context.Context) (n int) {
		found, err := sqlstore.QueryRow(ctx, h.Querier(ctx), `SELECT pg_stat_get_xact_tuples_inserted(c) + pg_stat_get_xact_tuples_updated(c)
			FROM (SELECT 'troth_task_group'::regclass::oid AS c) r`, nil, &n)
		require.NoError(t, err)
		require.True(t, found)
		return n
	}
	for range 2 { // a group that is new, and one that is there
		require.NoError(t, h.Atomically(t.Context(), func(ctx context.Context) error {
			before := writes(ctx)
			for range 20 {
				require.Equal(t, task.ID{1}, join(ctx))
			}
			_ = h.Atomically(ctx, func(ctx context.Context) error {
				join(ctx)
				return context.Canceled // counts for nothing
			})
			require.Equal(t, 1, writes(ctx)-before)
			return nil
		}))
	}
	// All of them are counted.
	require.NoError(t, h.Atomically(t.Context(), func(ctx context.Context) error {
		spent, _, err := s.Spent(ctx, "a", task.ID{1})
		require.NoError(t, err)
		require.False(t, spent)
		var open int
		_, err = sqlstore.QueryRow(ctx, h.Querier(ctx), `SELECT g.open + (SELECT SUM(n) FROM troth_task_join j WHERE j.grp = g.id)
			FROM troth_task_group g`, nil, &open)
		require.NoError(t, err)
		require.Equal(t, 40, open)
		return nil
	}))
}

// BenchmarkEnqueueGroup shows what a work costs that is enqueued by itself, among so
// many of one group in one transaction.
func BenchmarkEnqueueGroup(b *testing.B) {
	for _, kind := range backends {
		for _, n := range []int{100, 1000, 3000} {
			b.Run(fmt.Sprintf("%s/works=%d", kind.name, n), func(b *testing.B) {
				x := newBench(b, kind)
				e := newBenchEngine(b.Context(), b, x.s)
				round := 0
				for b.Loop() {
					round++
					w := troth.Work{Tenant: "a", Kind: "bench", Group: fmt.Sprint(round), Payload: payload}
					require.NoError(b, x.h.Atomically(b.Context(), func(ctx context.Context) error {
						for range n {
							if _, err := e.Enqueue(ctx, w); err != nil {
								return err
							}
						}
						return nil
					}))
				}
				b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*n), "µs/work")
				b.ReportMetric(0, "ns/op")
			})
		}
	}
}
