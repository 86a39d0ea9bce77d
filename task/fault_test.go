package task_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/storage/faultstore"
	"github.com/trothdev/troth/storage/faultstore/taskfault"
	"github.com/trothdev/troth/task"
	"github.com/trothdev/troth/task/tasktest"
)

// faulty puts the world's store under a plan, for engines that are made next.
func (w *world) faulty(p *faultstore.Plan) {
	tx := faultstore.Transactor(w.db, p)
	w.store = taskfault.New(w.store, tx, p)
	w.trail = tasktest.NewRecorder(tx)
}

// story is two works of one group, the second behind the first, which fails once.
// The effect of each commits with its end.
func story(t *testing.T, w *world, e *task.Engine) {
	t.Helper()
	require.NoError(t, task.Register(e, task.Kind{Name: "k"}, func(ctx context.Context, j task.Job[notice]) error {
		require.Equal(t, j.Key, j.Value.Order)
		if j.Attempt == 1 && j.Key == "one" {
			return errBroken
		}
		return w.db.Atomically(ctx, func(ctx context.Context) error {
			if err := w.effect(ctx, j.Key); err != nil {
				return err
			}
			return j.Complete(ctx)
		})
	}))
}

func steps(t *testing.T) []task.Step {
	t.Helper()
	var all []task.Step
	for _, key := range []string{"one", "two"} {
		work, err := task.NewWork(tenant, "k", notice{Order: key})
		require.NoError(t, err)
		work.Key, work.Group, work.Deadline = key, "g", time.Now().Add(100*time.Hour)
		all = append(all, task.Step{Name: key, Work: work})
	}
	all[1].After = []string{"one"}
	return all
}

// play enqueues the story and runs it for a while, with whatever goes wrong.
func play(t *testing.T, w *world, p *faultstore.Plan) {
	t.Helper()
	ctx, cancel := p.Context(t.Context())
	defer cancel()
	e, err := task.New(ctx, w.config(), task.Unmanaged("test"), task.WithLogger(logTo(w.log)))
	if err != nil {
		return
	}
	story(t, w, e)
	_, _ = e.EnqueueAll(ctx, steps(t)...)
	timed, stop := context.WithTimeout(ctx, 3*time.Minute)
	defer stop()
	_ = e.Run(timed)
}

func TestEngine_OneEffectWhateverFails(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and nothing at once")
	}
	var calls []faultstore.Call
	bubble(t, func(t *testing.T) {
		w, p := newWorld(t), faultstore.NewPlan()
		w.faulty(p)
		play(t, w, p)
		w.effected(map[string]int{"one": 1, "two": 1})
		for _, c := range p.Calls() {
			if c.Nth <= 4 { // polls repeat
				calls = append(calls, c)
			}
		}
	})
	n := 0
	for injection := range faultstore.Each(calls, faultstore.Faults()...) {
		n++
		t.Run(fmt.Sprintf("%s %d %s", injection.Method, injection.Nth, injection.Fault), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				w, p := newWorld(t), faultstore.NewPlan(injection)
				sound := w.config()
				w.faulty(p)
				play(t, w, p)

				// Another process, and a host that tries again.
				e, err := task.New(t.Context(), sound, task.Unmanaged("test"))
				require.NoError(t, err)
				story(t, w, e)
				ids, err := e.EnqueueAll(t.Context(), steps(t)...)
				require.NoError(t, err)
				defer run(t, e)()
				pass(10 * time.Minute)
				w.effected(map[string]int{"one": 1, "two": 1})
				for _, id := range ids {
					got, err := e.Task(t.Context(), troth.WorkRef{Tenant: tenant, ID: id})
					require.NoError(t, err)
					require.Equal(t, task.Completed, got.State)
				}
				require.Zero(t, w.sealer.Living(), "no key outlives the work")
			})
		})
	}
	t.Logf("%d injections", n)
	require.Greater(t, n, 100)
}

func TestEngine_OneAlarmWhateverFails(t *testing.T) {
	for _, method := range []string{"Alarms", "SetAlarm", faultstore.Begin, faultstore.Commit, faultstore.Savepoint, faultstore.Release} {
		for _, fault := range faultstore.Faults() {
			for nth := 1; nth <= 2; nth++ {
				t.Run(fmt.Sprintf("%s %d %s", method, nth, fault), func(t *testing.T) {
					bubble(t, func(t *testing.T) {
						w := newWorld(t)
						w.enqueue(troth.Work{Kind: "k", Deadline: time.Now().Add(2 * time.Hour)})
						pass(time.Hour)
						p := faultstore.NewPlan()
						w.faulty(p)
						var told []task.Notice
						e := w.engine(task.WithAlarms(bell{w: w, told: &told}))
						p.Add(faultstore.Injection{Method: method, Nth: nth + count(p, method), Fault: fault})
						ctx, cancel := p.Context(t.Context())
						defer cancel()
						_, _ = e.Alarm(ctx)
						pass(2 * time.Minute)
						_, err := e.Alarm(t.Context())
						require.NoError(t, err)
						require.Len(t, w.trail.Entries("task.alarm"), 1)
						rows, err := w.effects.Scan(t.Context(), nil, 0, nil)
						require.NoError(t, err)
						require.Len(t, rows, 1)
						require.Equal(t, 1, rows[0].Value)
					})
				})
			}
		}
	}
}

func count(p *faultstore.Plan, method string) (n int) {
	for _, c := range p.Calls() {
		if c.Method == method {
			n++
		}
	}
	return n
}
