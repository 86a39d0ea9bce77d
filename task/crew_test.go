package task_test

import (
	"context"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/task"
)

// As many handlers run at once as may, also behind some that end their goroutines:
// nothing that is started waits for a handler that blocks.
func TestEngine_HandlersRunAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		const n = 40
		w := newWorld(t, task.WithConcurrency(n))
		var here atomic.Int64
		all := make(chan struct{})
		require.NoError(t, task.Register(w.e, task.Kind{Name: "exits", MaxAttempts: 1}, func(context.Context, task.Job[struct{}]) error {
			runtime.Goexit()
			return nil
		}))
		require.NoError(t, task.Register(w.e, task.Kind{Name: "meets"}, func(ctx context.Context, _ task.Job[struct{}]) error {
			if here.Add(1) == n {
				close(all)
			}
			select {
			case <-all:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}))
		var exits, meets []troth.WorkRef
		for range n / 2 {
			exits = append(exits, w.enqueue(troth.Work{Kind: "exits"}))
		}
		stop := run(t, w.e)
		pass(time.Second)
		for range n {
			meets = append(meets, w.enqueue(troth.Work{Kind: "meets"}))
		}
		pass(time.Minute)
		for _, ref := range exits {
			w.is(ref, task.Manual)
		}
		for _, ref := range meets {
			require.Equal(t, 1, w.is(ref, task.Completed).Attempts)
		}
		stop()
	})
}

// What was started when Run is told to end is run before it does.
func TestEngine_RunEndsAfterWhatWasStarted(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, task.WithConcurrency(30), task.WithDrain(time.Minute))
		require.NoError(t, task.Register(w.e, task.Kind{Name: "k"}, func(context.Context, task.Job[struct{}]) error {
			time.Sleep(10 * time.Second) //nolint:forbidigo // virtual
			return nil
		}))
		var refs []troth.WorkRef
		for range 30 {
			refs = append(refs, w.enqueue(troth.Work{Kind: "k"}))
		}
		stop := run(t, w.e)
		pass(time.Second)
		stop()
		for _, ref := range refs {
			w.is(ref, task.Completed)
		}
	})
}
