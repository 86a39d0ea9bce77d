package task_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/storage/memory"
	"github.com/trothdev/troth/storage/memory/taskmem"
	"github.com/trothdev/troth/task"
)

type notice struct {
	Order string `json:"order"`
}

func TestEngine_WorkIsDoneIfAndOnlyIfItsTransactionCommits(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		var seen []string
		require.NoError(t, task.Register(w.e, task.Kind{Name: "notice"}, func(_ context.Context, j task.Job[notice]) error {
			seen = append(seen, j.Value.Order)
			return nil
		}))
		for _, fails := range []error{errBroken, nil} {
			err := w.db.Atomically(t.Context(), func(ctx context.Context) error {
				work, err := task.NewWork(tenant, "notice", notice{Order: fmt.Sprint(fails)})
				require.NoError(t, err)
				_, err = w.e.Enqueue(ctx, work)
				require.NoError(t, err)
				return fails
			})
			require.ErrorIs(t, err, fails)
		}
		defer run(t, w.e)()
		pass(time.Minute)
		require.Equal(t, []string{"<nil>"}, seen)
	})
}

func TestEngine_EqualWorkIsEnqueuedOnce(t *testing.T) {
	w := newWorld(t)
	first := w.enqueue(troth.Work{Kind: "k", Key: "1", Payload: []byte("{}"), Group: "g"})
	require.Equal(t, first, w.enqueue(troth.Work{Kind: "k", Key: "1", Payload: []byte("{}"), Group: "g"}))
	require.Equal(t, first, w.enqueue(troth.Work{Kind: "k", Key: "1"}))
	require.NotEqual(t, first.ID, w.enqueue(troth.Work{Tenant: "other", Kind: "k", Key: "1"}).ID)
	one := w.enqueue(troth.Work{Kind: "k"})
	require.NotEqual(t, one, w.enqueue(troth.Work{Kind: "k"}), "without a key each is new")
	require.Equal(t, 1, w.sealer.Living(), "nothing is sealed for work that is known")
}

func TestEngine_AFailureIsTriedAgainWithGrowingPauses(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		var at []time.Time
		var keys []string
		kind := task.Kind{Name: "k", Backoff: 10 * time.Second, Cap: time.Minute}
		require.NoError(t, task.Register(w.e, kind, func(_ context.Context, j task.Job[struct{}]) error {
			at, keys = append(at, time.Now()), append(keys, j.EffectKey)
			require.Equal(t, len(at), j.Attempt)
			if len(at) < 7 {
				return errBroken
			}
			return nil
		}))
		ref := w.enqueue(troth.Work{Kind: "k"})
		defer run(t, w.e)()
		pass(time.Hour)
		require.Len(t, at, 7)
		w.is(ref, task.Completed)
		for i, seconds := range []int{10, 20, 40, 60, 60, 60} {
			longest := time.Duration(seconds) * time.Second
			pause := at[i+1].Sub(at[i])
			require.GreaterOrEqual(t, pause, longest/2)
			require.LessOrEqual(t, pause, longest+2*time.Second, "and a poll")
		}
		for _, k := range keys {
			require.Equal(t, keys[0], k)
		}
		require.NotEqual(t, keys[0], task.EffectKey(task.Name{Tenant: "other"}))
	})
}

// laterError is an error of a package that does not know this one.
type laterError struct{ after time.Duration }

func (laterError) Error() string { return "later" }

func (e laterError) RetryIn() (time.Duration, bool) { return e.after, e.after > 0 }

func TestEngine_RetryAfterOverridesTheBackoff(t *testing.T) {
	for name, tc := range map[string]struct {
		err  error
		want time.Duration
	}{
		"our own error":                {task.RetryAfter(30*time.Minute, errBroken), 30 * time.Minute},
		"one that says so":             {fmt.Errorf("x: %w", laterError{20 * time.Minute}), 20 * time.Minute},
		"one that could, and does not": {laterError{}, 10 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				w := newWorld(t)
				var at []time.Time
				kind := task.Kind{Name: "k", Backoff: 10 * time.Minute, Cap: 10 * time.Minute}
				require.NoError(t, task.Register(w.e, kind, func(context.Context, task.Job[struct{}]) error {
					if at = append(at, time.Now()); len(at) == 1 {
						return tc.err
					}
					return nil
				}))
				w.enqueue(troth.Work{Kind: "k"})
				defer run(t, w.e)()
				pass(time.Hour)
				require.Len(t, at, 2)
				require.InDelta(t, tc.want, at[1].Sub(at[0]), float64(tc.want/2))
			})
		})
	}
}

func TestEngine_OutcomesOfHandlers(t *testing.T) {
	sensitive := troth.Protect("call them")
	for name, tc := range map[string]struct {
		err    error
		kind   task.Kind
		state  task.State
		reason string
		owner  string
	}{
		"nil":                {nil, task.Kind{}, task.Completed, "", ""},
		"permanent":          {fmt.Errorf("x: %w", task.Permanent(errBroken)), task.Kind{}, task.Failed, task.ReasonPermanent, ""},
		"manual":             {task.ManualNeeded("legal", sensitive), task.Kind{}, task.Manual, task.ReasonManual, "legal"},
		"manual, kind's own": {task.ManualNeeded("", sensitive), task.Kind{Owner: "dpo"}, task.Manual, task.ReasonManual, "dpo"},
		"exhausted":          {errBroken, task.Kind{MaxAttempts: 3}, task.Manual, task.ReasonExhausted, task.DefaultOwner},
		"exhausted, failing": {errBroken, task.Kind{MaxAttempts: 3, FailExhausted: true}, task.Failed, task.ReasonExhausted, ""},
		"retry":              {errBroken, task.Kind{Backoff: 10 * time.Hour, Cap: 10 * time.Hour}, task.Delayed, task.ReasonError, ""},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				w := newWorld(t)
				tc.kind.Name = "k"
				require.NoError(t, task.Register(w.e, tc.kind, func(context.Context, task.Job[struct{}]) error { return tc.err }))
				ref := w.enqueue(troth.Work{Kind: "k"})
				defer run(t, w.e)()
				pass(time.Hour)
				got := w.is(ref, tc.state)
				require.Equal(t, tc.reason, got.Reason)
				require.Equal(t, tc.owner, got.Owner)
				parked, failed := w.trail.Entries("task.park"), w.trail.Entries("task.fail")
				require.Len(t, parked, map[bool]int{true: 1}[tc.state == task.Manual])
				require.Len(t, failed, map[bool]int{true: 1}[tc.state == task.Failed])
				for _, e := range append(parked, failed...) {
					require.Equal(t, tc.reason, e.Facts["reason"].Text())
					require.Equal(t, ref.ID, e.Facts["task"].Text())
					require.Equal(t, tenant, e.Tenant)
				}
			})
		})
	}
}

func TestEngine_HandlersThatDoNotKnowThisPackage(t *testing.T) {
	for name, tc := range map[string]struct {
		outcome troth.Outcome
		err     error
		state   task.State
	}{
		"completed":            {troth.Completed, nil, task.Completed},
		"completed, and error": {troth.Completed, errBroken, task.Delayed},
		"retry":                {troth.Retry, errBroken, task.Delayed},
		"retry, no error":      {troth.Retry, nil, task.Delayed},
		"failed":               {troth.Failed, errBroken, task.Failed},
		"failed, no error":     {troth.Failed, nil, task.Failed},
		"manual":               {troth.Manual, errBroken, task.Manual},
		"manual, no error":     {troth.Manual, nil, task.Manual},
		"none of these":        {"", nil, task.Delayed},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				w := newWorld(t)
				kind := task.Kind{Name: "k", Backoff: 10 * time.Hour, Cap: 10 * time.Hour}
				require.NoError(t, w.e.Handle(kind, func(_ context.Context, j troth.Job) (troth.Outcome, error) {
					require.Equal(t, "raw", string(j.Payload))
					return tc.outcome, tc.err
				}))
				ref := w.enqueue(troth.Work{Kind: "k", Payload: []byte("raw")})
				defer run(t, w.e)()
				pass(time.Minute)
				w.is(ref, tc.state)
			})
		})
	}
}

func TestEngine_APoisonTaskStopsNobodyElse(t *testing.T) {
	const canary = "ada.lovelace@canary.example"
	bubble(t, func(t *testing.T) {
		w := newWorld(t, task.WithPoll(time.Minute))
		require.NoError(t, task.Register(w.e, task.Kind{Name: "k"}, func(_ context.Context, j task.Job[notice]) error {
			switch j.Key {
			case "panics":
				panic(j.Value.Order)
			case "panics with an error":
				panic(fmt.Errorf("lost %s", j.Value.Order))
			case "runtime":
				return []error{}[len(j.Value.Order)]
			case "exits":
				runtime.Goexit()
			}
			return w.effect(t.Context(), j.Key)
		}))
		for _, key := range []string{"panics", "panics with an error", "runtime", "exits", "good"} {
			work, err := task.NewWork(tenant, "k", notice{Order: canary})
			require.NoError(t, err)
			work.Key = key
			w.enqueue(work)
		}
		defer run(t, w.e)()
		pass(time.Second)
		w.effected(map[string]int{"good": 1})
		pass(20 * time.Hour)
		n := 0
		for got, err := range w.e.Tasks(t.Context(), task.Query{Tenant: tenant, State: task.Manual}) {
			require.NoError(t, err)
			require.Equal(t, task.ReasonExhausted, got.Reason)
			n++
		}
		require.Equal(t, 4, n)
		require.Contains(t, w.log.String(), "engine_test.go", "the stack shows where")
		require.Contains(t, w.log.String(), "index out of range")
		require.NotContains(t, w.log.String(), canary)
	})
}

func TestEngine_PayloadsThatAreNotOfTheirKindFail(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		require.NoError(t, task.Register(w.e, task.Kind{Name: "k"}, func(context.Context, task.Job[notice]) error { return nil }))
		for payload, want := range map[string]task.State{
			`{"order":"1"}`: task.Completed, ``: task.Completed, ` {"order":"1"} `: task.Completed,
			`{"order":"1","more":2}`: task.Failed, `{"order":1}`: task.Failed, `{"order":"1"}{}`: task.Failed,
			`[]`: task.Failed, `x`: task.Failed, `{"order":"1"} x`: task.Failed,
		} {
			ref := w.enqueue(troth.Work{Kind: "k", Key: "p" + payload, Payload: []byte(payload)})
			stop := run(t, w.e)
			pass(2 * time.Second)
			stop()
			got := w.is(ref, want)
			if want == task.Failed {
				require.Equal(t, task.ReasonPayload, got.Reason)
			}
		}
	})
}

func TestEngine_TooLargeAndUnsealablePayloadsAreRefused(t *testing.T) {
	w := newWorld(t)
	_, err := w.e.Enqueue(t.Context(), troth.Work{Tenant: tenant, Kind: "k", Payload: make([]byte, task.MaxPayload+1)})
	require.ErrorIs(t, err, task.ErrPayload)
	w.enqueue(troth.Work{Kind: "k", Payload: make([]byte, task.MaxPayload)})

	c := w.config()
	c.Sealer = nil
	bare, err := task.New(t.Context(), c, task.Unmanaged("test"))
	require.NoError(t, err)
	_, err = bare.Enqueue(t.Context(), troth.Work{Tenant: tenant, Kind: "k", Payload: []byte("x")})
	require.ErrorIs(t, err, task.ErrNoSealer)
	_, err = bare.Enqueue(t.Context(), troth.Work{Tenant: tenant, Kind: "k"})
	require.NoError(t, err)
}

func TestEngine_OddWorkIsRefused(t *testing.T) {
	w := newWorld(t)
	good := troth.Work{Tenant: tenant, Kind: "k"}
	for name, change := range map[string]func(*troth.Work){
		"no tenant":           func(x *troth.Work) { x.Tenant = "" },
		"no kind":             func(x *troth.Work) { x.Kind = "" },
		"reserved kind":       func(x *troth.Work) { x.Kind = "~k" },
		"control in the key":  func(x *troth.Work) { x.Key = "a\x00" },
		"long line":           func(x *troth.Work) { x.Line = string(make([]byte, 300)) },
		"group is not UTF-8":  func(x *troth.Work) { x.Group = "\xff" },
		"before 1970":         func(x *troth.Work) { x.NotBefore = time.Unix(-1, 0) },
		"after 9999":          func(x *troth.Work) { x.Deadline = time.Date(10_001, 1, 1, 0, 0, 0, 0, time.UTC) },
		"beyond microseconds": func(x *troth.Work) { x.Deadline = time.Unix(1<<60, 0) },
		"odd prerequisite":    func(x *troth.Work) { x.After = []string{"4711"} },
	} {
		work := good
		change(&work)
		_, err := w.e.Enqueue(t.Context(), work)
		require.Error(t, err, name)
	}
	work := good
	work.After = []string{troth.NewEntryID(time.Now()).String()}
	_, err := w.e.Enqueue(t.Context(), work)
	_, ok := errors.AsType[*task.PrerequisiteError](err)
	require.True(t, ok)
}

func TestEngine_KindsAreChecked(t *testing.T) {
	w := newWorld(t)
	require.NoError(t, task.Register(w.e, task.Kind{Name: "k"}, nothing))
	for name, k := range map[string]task.Kind{
		"twice": {Name: "k"}, "no name": {}, "attempts": {Name: "a", MaxAttempts: -1}, "cap": {Name: "b", Backoff: time.Hour, Cap: time.Second},
		"timeout": {Name: "c", Timeout: -1}, "limit": {Name: "d", Whole: task.Limit{AtOnce: -1}}, "reserved": {Name: "~x"},
	} {
		require.ErrorIs(t, task.Register(w.e, k, nothing), task.ErrKind, name)
	}
	// A value that has no JSON is not quoted.
	_, err := task.NewWork(tenant, "k", func() {})
	require.ErrorIs(t, err, task.ErrPayload)
}

func TestNew_IsWiredWhole(t *testing.T) {
	w := newWorld(t)
	good := w.config()
	for name, change := range map[string]func(c *task.Config) []task.Option{
		"no store":      func(c *task.Config) []task.Option { c.Store = nil; return []task.Option{task.Unmanaged("x")} },
		"no recorder":   func(c *task.Config) []task.Option { c.Recorder = nil; return []task.Option{task.Unmanaged("x")} },
		"nobody to ask": func(*task.Config) []task.Option { return nil },
		"both":          func(c *task.Config) []task.Option { c.Disposer = refusing{}; return []task.Option{task.Unmanaged("x")} },
		"bad ground":    func(*task.Config) []task.Option { return []task.Option{task.Unmanaged("")} },
		"bad lease": func(*task.Config) []task.Option {
			return []task.Option{task.Unmanaged("x"), task.WithLease(time.Microsecond)}
		},
		"no slots":     func(*task.Config) []task.Option { return []task.Option{task.Unmanaged("x"), task.WithConcurrency(0)} },
		"nil logger":   func(*task.Config) []task.Option { return []task.Option{task.Unmanaged("x"), task.WithLogger(nil)} },
		"nil clock":    func(*task.Config) []task.Option { return []task.Option{task.Unmanaged("x"), task.WithClock(nil)} },
		"nil alarms":   func(*task.Config) []task.Option { return []task.Option{task.Unmanaged("x"), task.WithAlarms(nil)} },
		"nil queue":    func(*task.Config) []task.Option { return []task.Option{task.Unmanaged("x"), task.WithDispatcher(nil)} },
		"nil observer": func(*task.Config) []task.Option { return []task.Option{task.Unmanaged("x"), task.WithObserver(nil)} },
	} {
		c := good
		_, err := task.New(t.Context(), c, change(&c)...)
		if name == "no store" || name == "no recorder" || name == "both" {
			opts := change(&c)
			_, err = task.New(t.Context(), c, opts...)
		}
		require.Error(t, err, name)
	}
	other := good
	other.Store = taskmem.New(memory.Open())
	_, err := task.New(t.Context(), other, task.Unmanaged("x"))
	require.ErrorIs(t, err, troth.ErrNotShared)
}

func TestEngine_RunsNoMoreAtOnceThanItMay(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, task.WithConcurrency(3))
		var now, most atomic.Int64
		busy := func(context.Context, task.Job[struct{}]) error {
			most.Store(max(most.Load(), now.Add(1)))
			time.Sleep(time.Second) //nolint:forbidigo // virtual
			now.Add(-1)
			return nil
		}
		require.NoError(t, task.Register(w.e, task.Kind{Name: "a"}, busy))
		require.NoError(t, task.Register(w.e, task.Kind{Name: "b"}, busy))
		for range 10 {
			w.enqueue(troth.Work{Kind: "a"})
			w.enqueue(troth.Work{Kind: "b"})
		}
		defer run(t, w.e)()
		pass(time.Minute)
		require.EqualValues(t, 3, most.Load())
		got, err := w.e.Progress(t.Context(), tenant)
		require.NoError(t, err)
		require.Equal(t, 20, got.Ended)
	})
}

func TestEngine_LimitsHoldInAllProcessesTogether(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, task.WithPoll(10*time.Millisecond))
		other := w.engine()
		var now, most atomic.Int64
		kind := task.Kind{Name: "k", Whole: task.Limit{AtOnce: 2, Every: time.Second, Burst: 2}}
		var mu sync.Mutex
		var begun []time.Time
		handler := func(context.Context, task.Job[struct{}]) error {
			mu.Lock()
			begun = append(begun, time.Now())
			mu.Unlock()
			most.Store(max(most.Load(), now.Add(1)))
			time.Sleep(100 * time.Millisecond) //nolint:forbidigo // virtual
			now.Add(-1)
			return nil
		}
		for _, e := range []*task.Engine{w.e, other} {
			require.NoError(t, task.Register(e, kind, handler))
		}
		for range 12 {
			w.enqueue(troth.Work{Kind: "k"})
		}
		defer run(t, w.e, other)()
		pass(time.Minute)
		require.Len(t, begun, 12)
		require.LessOrEqual(t, most.Load(), int64(2))
		for i := 2; i < len(begun); i++ {
			require.GreaterOrEqual(t, begun[i].Sub(begun[i-2]), time.Second, "no three in one second")
		}
	})
}
