package task_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/storage/memory"
	"github.com/trothdev/troth/task"
)

// queue is a host's queue in the same database, which delivers at least once.
type queue struct {
	w    *world
	rows *memory.Table[string, delivery]
}

type delivery struct {
	ref       troth.WorkRef
	notBefore time.Time
}

func newQueue(w *world) *queue {
	return &queue{w, memory.NewTable[string, delivery](w.db, strings.Compare)}
}

func (q *queue) Dispatch(ctx context.Context, ref troth.WorkRef, notBefore time.Time) error {
	return q.rows.Put(ctx, troth.NewEntryID(time.Now()).String(), delivery{ref, notBefore})
}

// deliver hands out once what is due, each twice, and returns how many there were.
func (q *queue) deliver(e *task.Engine) (n int) {
	q.w.t.Helper()
	rows, err := q.rows.Scan(q.w.t.Context(), nil, 0, func(_ string, d delivery) bool { return !d.notBefore.After(time.Now()) })
	require.NoError(q.w.t, err)
	for _, r := range rows {
		err := e.RunOne(q.w.t.Context(), r.Value.ref)
		again := e.RunOne(q.w.t.Context(), r.Value.ref)
		for _, err := range []error{err, again} {
			_, notNow := errors.AsType[*task.NotNowError](err)
			require.True(q.w.t, err == nil || notNow, "%v", err)
		}
		if err == nil {
			_, err = q.rows.Delete(q.w.t.Context(), r.Key)
			require.NoError(q.w.t, err)
		}
	}
	return len(rows)
}

func TestDispatcher_StartsEveryTaskThatIsDue(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		q := newQueue(w)
		e := w.engine(task.WithDispatcher(q))
		w.e = e
		require.NoError(t, task.Register(e, task.Kind{Name: "k"}, func(ctx context.Context, j task.Job[struct{}]) error {
			if j.Key == "fails twice" && j.Attempt < 3 {
				return errBroken
			}
			return w.db.Atomically(ctx, func(ctx context.Context) error {
				if err := w.effect(ctx, j.Key); err != nil {
					return err
				}
				return j.Complete(ctx)
			})
		}))
		_ = w.db.Atomically(t.Context(), func(ctx context.Context) error {
			_, err := e.Enqueue(ctx, troth.Work{Tenant: tenant, Kind: "k", Key: "undone"})
			require.NoError(t, err)
			return errBroken
		})
		require.Zero(t, q.deliver(e), "what is undone is not dispatched")
		plain := w.enqueue(troth.Work{Kind: "k", Key: "plain"})
		w.enqueue(troth.Work{Kind: "k", Key: "plain"}) // known: not dispatched again
		later := w.enqueue(troth.Work{Kind: "k", Key: "later", NotBefore: time.Now().Add(time.Hour)})
		fails := w.enqueue(troth.Work{Kind: "k", Key: "fails twice"})
		waits := w.enqueue(troth.Work{Kind: "k", Key: "waits", After: []string{fails.ID, later.ID}})
		defer run(t, e)()
		require.Equal(t, 2, q.deliver(e))
		w.is(plain, task.Completed)
		w.is(later, task.Delayed)
		for range 7200 {
			pass(time.Second)
			q.deliver(e)
		}
		w.is(fails, task.Completed)
		w.is(waits, task.Completed)
		w.effected(map[string]int{"plain": 1, "later": 1, "fails twice": 1, "waits": 1})
		left, err := q.rows.Scan(t.Context(), nil, 0, nil)
		require.NoError(t, err)
		require.Empty(t, left)
	})
}

// The host's queue has lost its worker, and thinks that all is well.
func TestDispatcher_ATaskWhoseLeaseEndedIsDispatchedAgain(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		q := newQueue(w)
		e := w.engine(task.WithDispatcher(q))
		require.NoError(t, task.Register(e, task.Kind{Name: "k"}, nothing))
		id, err := e.Enqueue(t.Context(), troth.Work{Tenant: tenant, Kind: "k"})
		require.NoError(t, err)
		rows, err := q.rows.Scan(t.Context(), nil, 0, nil)
		require.NoError(t, err)
		require.Len(t, rows, 1)
		_, err = q.rows.Delete(t.Context(), rows[0].Key)
		require.NoError(t, err)
		n := task.Name{Tenant: tenant}
		n.ID, err = troth.ParseEntryID(id)
		require.NoError(t, err)
		_, claimed, err := w.store.ClaimOne(t.Context(), n, task.KindClaim{Kind: "k"}, time.Minute)
		require.NoError(t, err)
		require.True(t, claimed)
		defer run(t, e)()
		pass(2 * time.Minute)
		require.Equal(t, 1, q.deliver(e))
		w.is(troth.WorkRef{Tenant: tenant, ID: id}, task.Completed)
	})
}

func TestRunOne_TellsTheQueueWhatToDo(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		require.NoError(t, task.Register(w.e, task.Kind{Name: "k", Backoff: time.Minute}, func(_ context.Context, j task.Job[struct{}]) error {
			switch j.Key {
			case "fails":
				return errBroken
			case "permanent":
				return task.Permanent(errBroken)
			}
			return nil
		}))
		ctx := t.Context()
		notNow := func(ref troth.WorkRef, state task.State) *task.NotNowError {
			t.Helper()
			err := w.e.RunOne(ctx, ref)
			e, ok := errors.AsType[*task.NotNowError](err)
			require.True(t, ok, "%v", err)
			require.Equal(t, state, e.State)
			require.True(t, troth.Retryable(err))
			return e
		}
		fails := w.enqueue(troth.Work{Kind: "k", Key: "fails"})
		until := notNow(fails, task.Delayed).Until
		require.Greater(t, time.Until(until), 29*time.Second)
		notNow(fails, task.Delayed)
		notNow(w.enqueue(troth.Work{Kind: "k", After: []string{fails.ID}}), task.Blocked)
		soon := time.Now().Add(time.Hour)
		require.WithinDuration(t, soon, notNow(w.enqueue(troth.Work{Kind: "k", NotBefore: soon}), task.Delayed).Until, time.Microsecond)
		permanent := w.enqueue(troth.Work{Kind: "k", Key: "permanent"})
		require.NoError(t, w.e.RunOne(ctx, permanent))
		require.NoError(t, w.e.RunOne(ctx, permanent))
		require.ErrorIs(t, w.e.RunOne(ctx, w.enqueue(troth.Work{Kind: "unknown"})), task.ErrKind)
		for _, ref := range []troth.WorkRef{
			{Tenant: tenant, ID: troth.NewEntryID(time.Now()).String()}, {Tenant: tenant, ID: "4711"}, {Tenant: "other", ID: fails.ID},
		} {
			require.ErrorIs(t, w.e.RunOne(ctx, ref), task.ErrNotFound)
		}
		require.Error(t, w.e.RunOne(ctx, troth.WorkRef{ID: fails.ID}))
		require.NoError(t, w.db.Atomically(ctx, func(ctx context.Context) error {
			require.ErrorIs(t, w.e.RunOne(ctx, fails), task.ErrInTx)
			return nil
		}))
	})
}

func TestRunOne_ACallerThatGoesAwayPutsTheTaskBack(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		require.NoError(t, task.Register(w.e, task.Kind{Name: "k"}, func(ctx context.Context, _ task.Job[struct{}]) error {
			<-ctx.Done()
			return ctx.Err()
		}))
		ref := w.enqueue(troth.Work{Kind: "k"})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err := w.e.RunOne(ctx, ref)
		_, ok := errors.AsType[*task.NotNowError](err)
		require.True(t, ok, "%v", err)
		require.Zero(t, w.is(ref, task.Waiting).Attempts)
	})
}
