package task_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/task"
)

// unextended is a store that extends leases as long as it may.
type unextended struct {
	task.Backend
	mu  sync.Mutex
	may int
}

func (u *unextended) Extend(ctx context.Context, held []task.Held, lease time.Duration) ([]task.Name, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.may == 0 {
		return nil, errBroken
	}
	u.may--
	return u.Backend.Extend(ctx, held, lease)
}

// Wake wakes nobody: so nothing but the lease ends a context.
func (*unextended) Wake(context.Context, int) (task.Woken, error) { return task.Woken{}, nil }

// A handler's context ends with its own lease: not with that of a task that was
// claimed before, and later where the lease was extended.
func TestEngine_ContextsEndWithTheirLeases(t *testing.T) {
	for name, c := range map[string]struct {
		may        int
		one, other time.Duration
	}{
		"never extended": {0, 30 * time.Second, 37 * time.Second},
		"extended once":  {1, 40 * time.Second, 40 * time.Second},
		"twice":          {2, 50 * time.Second, 50 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				w := newWorld(t, task.WithLease(30*time.Second), task.WithPoll(time.Second))
				w.store = &unextended{Backend: w.store, may: c.may}
				w.e = w.engine()
				var mu sync.Mutex
				ended := map[string]time.Duration{}
				began := time.Now()
				require.NoError(t, task.Register(w.e, task.Kind{Name: "k"}, func(ctx context.Context, j task.Job[struct{}]) error {
					<-ctx.Done()
					mu.Lock()
					defer mu.Unlock()
					ended[j.Key] = time.Since(began).Round(time.Second)
					require.ErrorIs(t, context.Cause(ctx), task.ErrLeaseLost)
					return ctx.Err()
				}))
				w.enqueue(troth.Work{Kind: "k", Key: "one"})
				defer run(t, w.e)()
				pass(6*time.Second + 500*time.Millisecond)
				w.enqueue(troth.Work{Kind: "k", Key: "other"})
				pass(time.Minute)
				mu.Lock()
				defer mu.Unlock()
				require.Equal(t, map[string]time.Duration{"one": c.one, "other": c.other}, ended)
			})
		})
	}
}

// A task that is run alone has its context ended with its lease too.
func TestEngine_RunOneEndsWithTheLease(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, task.WithLease(30*time.Second))
		w.store = &unextended{Backend: w.store, may: 1}
		w.e = w.engine()
		began := time.Now()
		var took time.Duration
		require.NoError(t, task.Register(w.e, task.Kind{Name: "k"}, func(ctx context.Context, _ task.Job[struct{}]) error {
			<-ctx.Done()
			took = time.Since(began)
			require.ErrorIs(t, context.Cause(ctx), task.ErrLeaseLost)
			return nil
		}))
		ref := w.enqueue(troth.Work{Kind: "k"})
		_ = w.e.RunOne(t.Context(), ref)
		require.Equal(t, 40*time.Second, took.Round(time.Second))
	})
}

// slow is a store whose second claim is answered late.
type slow struct {
	task.Backend
	mu     sync.Mutex
	claims int
	gate   chan struct{}
}

func (s *slow) Claim(ctx context.Context, c task.Claim) ([]task.Row, error) {
	rows, err := s.Backend.Claim(ctx, c)
	if len(rows) > 0 {
		s.mu.Lock()
		s.claims++
		second := s.claims == 2
		s.mu.Unlock()
		if second {
			<-s.gate
		}
	}
	return rows, err
}

// A lease begins when it is asked for. One of which that is heard late ends before
// those that were extended meanwhile.
func TestEngine_AClaimThatIsAnsweredLateEndsInTime(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, task.WithLease(30*time.Second), task.WithPoll(time.Second))
		gate := make(chan struct{})
		w.store = &slow{Backend: &unextended{Backend: w.store, may: 2}, gate: gate}
		w.e = w.engine()
		began := time.Now()
		var mu sync.Mutex
		ended := map[string]time.Duration{}
		require.NoError(t, task.Register(w.e, task.Kind{Name: "k"}, func(ctx context.Context, j task.Job[struct{}]) error {
			<-ctx.Done()
			mu.Lock()
			defer mu.Unlock()
			ended[j.Key] = time.Since(began).Round(time.Second)
			return ctx.Err()
		}))
		w.enqueue(troth.Work{Kind: "k", Key: "one"})
		defer run(t, w.e)()
		pass(5*time.Second + 500*time.Millisecond)
		w.enqueue(troth.Work{Kind: "k", Key: "late"}) // claimed at 6 s
		pass(26 * time.Second)
		close(gate) // heard of at 31 s; the other was extended at 20 s until 50
		pass(time.Minute)
		mu.Lock()
		defer mu.Unlock()
		require.Equal(t, map[string]time.Duration{"one": 50 * time.Second, "late": 36 * time.Second}, ended)
	})
}

// changed is a store whose first claim returns a task of a kind that nobody asked
// for, as one is that somebody changed.
type changed struct {
	task.Backend
	once sync.Once
}

func (s *changed) Claim(ctx context.Context, c task.Claim) ([]task.Row, error) {
	rows, err := s.Backend.Claim(ctx, c)
	if len(rows) > 0 {
		s.once.Do(func() { rows[0].Kind = "other" })
	}
	return rows, err
}

// What is claimed and cannot be run keeps no slot.
func TestEngine_ARowThatWasChangedKeepsNoSlot(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, task.WithConcurrency(1))
		w.store = &changed{Backend: w.store}
		w.e = w.engine()
		require.NoError(t, task.Register(w.e, task.Kind{Name: "k"}, nothing))
		one := w.enqueue(troth.Work{Kind: "k"})
		defer run(t, w.e)()
		pass(time.Second)
		w.is(one, task.Running)
		two := w.enqueue(troth.Work{Kind: "k"})
		pass(time.Minute)
		w.is(two, task.Completed)
	})
}
