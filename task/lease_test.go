package task_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/storage/memory"
	"github.com/trothdev/troth/storage/memory/taskmem"
	"github.com/trothdev/troth/task"
)

func TestEngine_LongWorkKeepsItsLease(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, task.WithLease(3*time.Second))
		other := w.engine()
		var runs atomic.Int64
		handler := func(ctx context.Context, _ task.Job[struct{}]) error {
			runs.Add(1)
			select {
			case <-ctx.Done():
				return context.Cause(ctx)
			case <-time.After(time.Minute):
				return nil
			}
		}
		require.NoError(t, task.Register(w.e, task.Kind{Name: "k"}, handler))
		require.NoError(t, task.Register(other, task.Kind{Name: "k"}, handler))
		ref := w.enqueue(troth.Work{Kind: "k"})
		defer run(t, w.e, other)()
		pass(2 * time.Minute)
		require.EqualValues(t, 1, runs.Load())
		w.is(ref, task.Completed)
	})
}

// jumpy is a world whose database has a clock that can jump.
func jumpy(t *testing.T, opts ...task.Option) (w *world, jump func(time.Duration)) {
	t.Helper()
	var by atomic.Int64
	w = newWorld(t, opts...)
	w.store = taskmem.New(w.db, taskmem.WithClock(func() time.Time { return time.Now().Add(time.Duration(by.Load())) }))
	w.e = w.engine()
	return w, func(d time.Duration) { by.Add(int64(d)) }
}

func TestEngine_AClockThatJumpsForwardLosesNothing(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w, jump := jumpy(t, task.WithLease(30*time.Second))
		other := w.engine()
		var causes []error
		var runs atomic.Int64
		handler := func(ctx context.Context, j task.Job[struct{}]) error {
			if runs.Add(1) == 1 {
				<-ctx.Done()
				causes = append(causes, context.Cause(ctx))
				// It goes on all the same, and has an effect that it cannot complete.
				err := w.db.Atomically(t.Context(), func(ctx context.Context) error {
					if err := w.effect(ctx, j.Key); err != nil {
						return err
					}
					return j.Complete(ctx)
				})
				causes = append(causes, err)
				return nil
			}
			return w.db.Atomically(ctx, func(ctx context.Context) error {
				if err := w.effect(ctx, j.Key); err != nil {
					return err
				}
				return j.Complete(ctx)
			})
		}
		require.NoError(t, task.Register(w.e, task.Kind{Name: "k"}, handler))
		require.NoError(t, task.Register(other, task.Kind{Name: "k"}, handler))
		ref := w.enqueue(troth.Work{Kind: "k", Key: "1"})
		defer run(t, w.e, other)()
		pass(time.Second)
		jump(24 * time.Hour)
		pass(time.Minute)
		require.Len(t, causes, 2)
		require.ErrorIs(t, causes[0], task.ErrLeaseLost)
		require.ErrorIs(t, causes[1], task.ErrLeaseLost)
		w.effected(map[string]int{"1": 1})
		require.Equal(t, 2, w.is(ref, task.Completed).Attempts)
	})
}

func TestEngine_AClockThatJumpsBackHoldsUpNobodyForLong(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w, jump := jumpy(t, task.WithLease(30*time.Second))
		dead := w.engine()
		var died, runs atomic.Int64
		require.NoError(t, task.Register(dead, task.Kind{Name: "k"}, func(context.Context, task.Job[struct{}]) error {
			died.Add(1)
			return errBroken
		}))
		fails := true
		require.NoError(t, task.Register(w.e, task.Kind{Name: "k", Backoff: time.Minute, Cap: time.Minute}, func(context.Context, task.Job[struct{}]) error {
			runs.Add(1)
			if fails {
				return errBroken
			}
			return nil
		}))
		held := w.enqueue(troth.Work{Kind: "k", Key: "held by who died"})
		n := task.Name{Tenant: tenant}
		n.ID, _ = troth.ParseEntryID(held.ID)
		_, claimed, err := w.store.ClaimOne(t.Context(), n, task.KindClaim{Kind: "k"}, 30*time.Second)
		require.NoError(t, err)
		require.True(t, claimed)
		backing := w.enqueue(troth.Work{Kind: "k", Key: "backing off"})
		defer run(t, w.e)()
		pass(2 * time.Second)
		w.is(backing, task.Delayed)
		fails = false
		jump(-24 * time.Hour)
		pass(2 * time.Minute)
		w.is(held, task.Completed)
		w.is(backing, task.Completed)
		require.Contains(t, w.log.String(), "jumped back")
	})
}

func TestEngine_ATimeoutEndsAnAttempt(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		heeds := true
		var runs atomic.Int64
		handler := func(ctx context.Context, _ task.Job[struct{}]) error {
			if runs.Add(1) > 1 {
				return nil
			}
			if heeds {
				<-ctx.Done()
				return ctx.Err()
			}
			time.Sleep(5 * time.Minute) //nolint:forbidigo // virtual: a handler that hangs
			return nil
		}
		require.NoError(t, task.Register(w.e, task.Kind{Name: "k", Timeout: time.Second}, handler))
		ref := w.enqueue(troth.Work{Kind: "k"})
		stop := run(t, w.e)
		pass(time.Minute)
		require.Equal(t, 2, w.is(ref, task.Completed).Attempts)
		stop()

		// One that hangs loses its lease, and another process takes over. The one that hangs
		// does not look for work again meanwhile: it would find this and put it off.
		heeds = false
		runs.Store(0)
		hangs, other := w.engine(task.WithPoll(time.Hour)), w.engine()
		require.NoError(t, task.Register(hangs, task.Kind{Name: "k", Timeout: time.Second}, handler))
		require.NoError(t, task.Register(other, task.Kind{Name: "k", Timeout: time.Second}, handler))
		ref = w.enqueue(troth.Work{Kind: "k"})
		stop = run(t, hangs)
		pass(time.Second)
		stopOther := run(t, other)
		pass(2 * time.Minute)
		w.is(ref, task.Completed)
		pass(10 * time.Minute)
		stop()
		stopOther()
		require.Contains(t, w.log.String(), "the lease was lost")
	})
}

func TestEngine_RunEndsInGoodOrder(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, task.WithDrain(10*time.Second))
		require.NoError(t, task.Register(w.e, task.Kind{Name: "short"}, func(context.Context, task.Job[struct{}]) error {
			time.Sleep(5 * time.Second) //nolint:forbidigo // virtual
			return nil
		}))
		require.NoError(t, task.Register(w.e, task.Kind{Name: "long"}, func(ctx context.Context, _ task.Job[struct{}]) error {
			<-ctx.Done()
			return ctx.Err()
		}))
		short, long := w.enqueue(troth.Work{Kind: "short"}), w.enqueue(troth.Work{Kind: "long"})
		stop := run(t, w.e)
		pass(time.Second)
		began := time.Now()
		late := w.enqueue(troth.Work{Kind: "short"})
		stop()
		require.Equal(t, 10*time.Second, time.Since(began))
		w.is(short, task.Completed)
		require.Zero(t, w.is(long, task.Waiting).Attempts, "it is not the work's fault")
		_ = late
		require.ErrorIs(t, runTwice(t, w.e), task.ErrRunning)
	})
}

func runTwice(t *testing.T, e *task.Engine) error {
	t.Helper()
	stop := run(t, e)
	defer stop()
	pass(time.Millisecond)
	return e.Run(t.Context())
}

func TestJob_CompleteCommitsWithTheEffectOrNotAtAll(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		require.NoError(t, task.Register(w.e, task.Kind{Name: "k"}, func(ctx context.Context, j task.Job[struct{}]) error {
			require.ErrorIs(t, j.Complete(ctx), task.ErrNotInTx)
			err := w.db.Atomically(ctx, func(ctx context.Context) error {
				if err := w.effect(ctx, j.Key); err != nil {
					return err
				}
				if err := j.Complete(ctx); err != nil {
					return err
				}
				require.ErrorIs(t, j.Complete(ctx), task.ErrCompleted)
				if j.Attempt == 1 {
					return errBroken // undone, both of them
				}
				return nil
			})
			if j.Key == "fails after" {
				return errBroken
			}
			return err
		}))
		good, after := w.enqueue(troth.Work{Kind: "k", Key: "good"}), w.enqueue(troth.Work{Kind: "k", Key: "fails after"})
		defer run(t, w.e)()
		pass(time.Minute)
		w.effected(map[string]int{"good": 1, "fails after": 1})
		require.Equal(t, 2, w.is(good, task.Completed).Attempts)
		w.is(after, task.Completed)
	})
}

// The host's transaction is one of which the engine does not hear how it ends.
func TestJob_CompleteInTheHostsTransaction(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		ends := map[string]func(tx *memory.Tx) error{"commit": (*memory.Tx).Commit, "rollback": (*memory.Tx).Rollback}
		require.NoError(t, task.Register(w.e, task.Kind{Name: "k"}, func(ctx context.Context, j task.Job[struct{}]) error {
			tx, err := w.db.Begin(ctx)
			require.NoError(t, err)
			in := w.db.WithTx(ctx, tx)
			require.NoError(t, w.effect(in, j.Key))
			require.NoError(t, j.Complete(in))
			end := ends[j.Key]
			if j.Attempt > 1 {
				end = (*memory.Tx).Commit
			}
			return end(tx) // nil, however it ended
		}))
		commit, rollback := w.enqueue(troth.Work{Kind: "k", Key: "commit"}), w.enqueue(troth.Work{Kind: "k", Key: "rollback"})
		defer run(t, w.e)()
		pass(time.Minute)
		w.effected(map[string]int{"commit": 1, "rollback": 1})
		require.Equal(t, 1, w.is(commit, task.Completed).Attempts)
		require.Equal(t, 2, w.is(rollback, task.Completed).Attempts)
	})
}

// Work whose process dies each time is not tried for ever, although no handler
// ever says what is wrong.
func TestEngine_WorkThatKillsItsProcessIsHandedToAPerson(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		require.NoError(t, task.Register(w.e, task.Kind{Name: "k", MaxAttempts: 2}, func(context.Context, task.Job[struct{}]) error {
			t.Error("it ran once more")
			return nil
		}))
		ref := w.enqueue(troth.Work{Kind: "k"})
		n := w.row(ref).Name
		for range 2 {
			_, claimed, err := w.store.ClaimOne(t.Context(), n, task.KindClaim{Kind: "k"}, time.Second)
			require.NoError(t, err)
			require.True(t, claimed)
			pass(time.Second)
		}
		defer run(t, w.e)()
		pass(time.Minute)
		require.Equal(t, task.ReasonExhausted, w.is(ref, task.Manual).Reason)
	})
}
