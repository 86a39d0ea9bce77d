package task_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/task"
)

// Handlers that hang and heed nothing cost each a goroutine, and nobody else's turn.
func TestEngine_HandlersThatHangStopNobodyElse(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, task.WithConcurrency(2))
		release := make(chan struct{})
		var hanging, atOnce atomic.Int64
		require.NoError(t, task.Register(w.e, task.Kind{Name: "hangs", Timeout: time.Second, MaxAttempts: 3}, func(context.Context, task.Job[struct{}]) error {
			atOnce.Store(max(atOnce.Load(), hanging.Add(1)))
			<-release
			hanging.Add(-1)
			return nil
		}))
		require.NoError(t, task.Register(w.e, task.Kind{Name: "good"}, nothing))
		var poison, good []troth.WorkRef
		for range 5 {
			poison = append(poison, w.enqueue(troth.Work{Kind: "hangs"}))
		}
		for range 5 {
			good = append(good, w.enqueue(troth.Work{Kind: "good"}))
		}
		stop := run(t, w.e)
		pass(time.Hour)
		for _, ref := range good {
			w.is(ref, task.Completed)
		}
		for _, ref := range poison {
			require.Equal(t, task.ReasonExhausted, w.is(ref, task.Manual).Reason)
		}
		require.EqualValues(t, 5, atOnce.Load(), "each hangs once in this process")
		require.Contains(t, w.log.String(), "goes on after it lost its lease")
		close(release)
		pass(time.Second)
		for _, ref := range poison {
			w.is(ref, task.Manual) // whoever comes so late changes nothing
		}
		ref := w.enqueue(troth.Work{Kind: "hangs"})
		pass(time.Minute)
		w.is(ref, task.Completed)
		stop()
	})
}

// Two goroutines of one handler each want to commit an effect with the end of the
// work, and so does one that is left behind when it has returned.
func TestJob_CompleteIsForOneTransaction(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		left := make(chan error, 1)
		release := make(chan struct{})
		require.NoError(t, task.Register(w.e, task.Kind{Name: "k"}, func(ctx context.Context, j task.Job[struct{}]) error {
			try := func(ctx context.Context) error {
				return w.db.Atomically(ctx, func(ctx context.Context) error {
					return errors.Join(w.effect(ctx, j.Key), j.Complete(ctx))
				})
			}
			if j.Key == "late" {
				go func() {
					<-release
					left <- try(context.WithoutCancel(ctx))
				}()
				return nil
			}
			errs := make(chan error, 2)
			for range 2 {
				go func() { errs <- try(ctx) }()
			}
			one, two := <-errs, <-errs
			require.ErrorIs(t, errors.Join(one, two), task.ErrCompleted)
			require.NotEqual(t, one == nil, two == nil, "one of them")
			return nil
		}))
		twice, late := w.enqueue(troth.Work{Kind: "k", Key: "twice"}), w.enqueue(troth.Work{Kind: "k", Key: "late"})
		defer run(t, w.e)()
		pass(time.Minute)
		w.is(twice, task.Completed)
		w.is(late, task.Completed)
		close(release)
		require.ErrorIs(t, <-left, task.ErrLeaseLost)
		w.effected(map[string]int{"twice": 1})
	})
}
