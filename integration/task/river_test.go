package task_test

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"os"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverdatabasesql"
	"github.com/riverqueue/river/rivermigrate"
	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/storage/sqlstore"
	"github.com/trothdev/troth/task"
)

// taskArgs is what a job of River carries: a reference and nothing else.
type taskArgs struct {
	Ref troth.WorkRef `json:"ref"`
}

func (taskArgs) Kind() string { return "troth.task" }

// riverDispatcher is a troth.Dispatcher that inserts jobs of River in the
// transaction that makes a task due.
type riverDispatcher struct {
	h      *sqlstore.Handle
	client *river.Client[*sql.Tx]
}

func (d riverDispatcher) Dispatch(ctx context.Context, ref troth.WorkRef, notBefore time.Time) error {
	tx, ok := d.h.Tx(ctx)
	if !ok {
		return errors.New("not in a transaction")
	}
	_, err := d.client.InsertTx(ctx, tx, taskArgs{ref}, &river.InsertOpts{ScheduledAt: notBefore})
	return err
}

// taskWorker hands a reference to the engine.
type taskWorker struct {
	river.WorkerDefaults[taskArgs]
	e *task.Engine
}

func (w *taskWorker) Work(ctx context.Context, j *river.Job[taskArgs]) error {
	err := w.e.RunOne(ctx, j.Args.Ref)
	if later, ok := errors.AsType[*task.NotNowError](err); ok {
		return river.JobSnooze(max(time.Until(later.Until), 100*time.Millisecond))
	}
	return err
}

// riverClient returns a client that works for the engine, or one that only
// inserts, if there is none.
func riverClient(t *testing.T, db *sql.DB, e *task.Engine) *river.Client[*sql.Tx] {
	t.Helper()
	c := &river.Config{Logger: slog.New(slog.DiscardHandler)}
	if e != nil {
		c.Workers = river.NewWorkers()
		require.NoError(t, river.AddWorkerSafely(c.Workers, &taskWorker{e: e}))
		c.Queues = map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: 8}}
		c.FetchCooldown, c.FetchPollInterval = 20*time.Millisecond, 50*time.Millisecond
	}
	client, err := river.NewClient(riverdatabasesql.New(db), c)
	require.NoError(t, err)
	return client
}

// River on PostgreSQL starts the tasks; their state stays in troth's tables. One
// of its clients is stopped in the middle.
func TestDispatcher_River(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and nothing at once")
	}
	t.Parallel()
	works := 120
	if os.Getenv("TROTH_LONG") == "1" {
		works = 1000
	}
	s := newSite(t, backends[1])
	m, err := rivermigrate.New(riverdatabasesql.New(s.db), nil)
	require.NoError(t, err)
	_, err = m.Migrate(t.Context(), rivermigrate.DirectionUp, nil)
	require.NoError(t, err)
	dispatcher := riverDispatcher{s.h, riverClient(t, s.db, nil)}
	s.e, err = newEngine(t.Context(), backends[1].store(t, s.h),
		task.WithDispatcher(dispatcher), task.WithPoll(50*time.Millisecond), task.WithLease(2*time.Second))
	require.NoError(t, err)
	require.NoError(t, registerEffects(s.e, s.h, "river"))
	var order []string
	var failures atomic.Int64
	require.NoError(t, task.Register(s.e, task.Kind{Name: "graph", Backoff: 10 * time.Millisecond}, func(_ context.Context, j task.Job[struct{}]) error {
		if j.Key == "first" && j.Attempt < 3 {
			failures.Add(1)
			return errors.New("not yet")
		}
		order = append(order, j.Key) // one after the other, by their prerequisites
		return nil
	}))
	s.enqueue(t, works)
	require.Equal(t, works, s.count(t, "SELECT COUNT(*) FROM river_job"))
	step := func(name string, after ...string) task.Step {
		return task.Step{Name: name, Work: troth.Work{Tenant: tenant, Kind: "graph", Key: name}, After: after}
	}
	ids, err := s.e.EnqueueAll(t.Context(), step("last", "second"), step("second", "first"), step("first"))
	require.NoError(t, err)
	later, err := s.e.Enqueue(t.Context(), troth.Work{
		Tenant: tenant, Kind: inTx, Key: strconv.Itoa(works), NotBefore: time.Now().Add(2 * time.Second),
	})
	require.NoError(t, err)
	twin, err := s.e.Enqueue(t.Context(), troth.Work{Tenant: tenant, Kind: keyed, Key: strconv.Itoa(works + 1)})
	require.NoError(t, err)
	// A queue may deliver twice.
	for _, id := range []string{later, twin} {
		require.NoError(t, s.h.Atomically(t.Context(), func(ctx context.Context) error {
			return dispatcher.Dispatch(ctx, troth.WorkRef{Tenant: tenant, ID: id}, time.Time{})
		}))
	}

	run(t, s.e)
	first := riverClient(t, s.db, s.e)
	require.NoError(t, first.Start(t.Context()))
	s.await(t, works*3/4)
	require.NoError(t, first.StopAndCancel(t.Context()))
	require.Positive(t, s.count(t, "SELECT COUNT(*) FROM troth_task_turn WHERE phase < 6"))
	second := riverClient(t, s.db, s.e)
	require.NoError(t, second.Start(t.Context()))
	s.await(t, 0)
	require.NoError(t, second.Stop(t.Context()))
	require.Equal(t, []string{"first", "second", "last"}, order)
	require.EqualValues(t, 2, failures.Load())
	for _, id := range ids {
		got, err := s.e.Task(t.Context(), troth.WorkRef{Tenant: tenant, ID: id})
		require.NoError(t, err)
		require.Equal(t, task.Completed, got.State)
	}
	_, err = s.h.Querier(t.Context()).Exec(t.Context(), "DELETE FROM troth_task_turn WHERE kind = 'graph'") // effectsOnce counts the others
	require.NoError(t, err)
	s.effectsOnce(t, works+2)
}
