package task_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/task"
)

// parked enqueues work that is handed to "legal" and returns it.
func (w *world) parked(key string) troth.WorkRef {
	w.t.Helper()
	_ = task.Register(w.e, task.Kind{Name: "manual", Owner: "legal"}, func(_ context.Context, j task.Job[notice]) error {
		if j.Key == "second time" && j.Attempt == 1 && w.resumed {
			return nil
		}
		return &task.ManualError{Instructions: troth.Protect("call +44 20 7946 0000"), Due: time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC), Err: errBroken}
	})
	work, err := task.NewWork(tenant, "manual", notice{Order: "4711"})
	require.NoError(w.t, err)
	work.Key = key
	ref := w.enqueue(work)
	require.NoError(w.t, w.e.RunOne(w.t.Context(), ref))
	got := w.is(ref, task.Manual)
	require.Equal(w.t, "legal", got.Owner)
	require.Equal(w.t, 2030, got.OwnerDue.Year())
	return ref
}

func TestManual_ThePersonSeesWhatToDoAndConfirmsItWithEvidence(t *testing.T) {
	w := newWorld(t)
	ref := w.parked("1")
	list := w.e.Tasks(t.Context(), task.Query{Tenant: tenant, State: task.Manual, Owner: "legal"})
	n := 0
	for got, err := range list {
		require.NoError(t, err)
		require.Equal(t, ref, got.Ref)
		n++
	}
	require.Equal(t, 1, n)

	kim := person(t.Context(), tenant, "legal")
	c, err := w.e.Open(kim, ref, "erasure")
	require.NoError(t, err)
	payload, err := c.Payload.Reveal("erasure")
	require.NoError(t, err)
	require.JSONEq(t, `{"order":"4711"}`, string(payload))
	text, err := c.Instructions.Reveal("erasure")
	require.NoError(t, err)
	require.Equal(t, "call +44 20 7946 0000", text)

	digest := [32]byte{1, 2, 3}
	require.ErrorIs(t, w.e.Confirm(kim, ref, task.Evidence{}), task.ErrNoEvidence)
	require.NoError(t, w.e.Confirm(kim, ref, task.Evidence{Name: "ticket-99", Digest: digest}))
	w.is(ref, task.Completed)
	es := w.trail.Entries("task.confirm")
	require.Len(t, es, 1)
	require.Equal(t, "kim", es[0].Actor.ID)
	require.Equal(t, ref.ID, es[0].Facts["task"].Text())
	require.Equal(t, "legal", es[0].Facts["owner"].Text())
	require.Equal(t, "ticket-99", es[0].Facts["evidence"].Text())
	require.Equal(t, string(digest[:]), es[0].Facts["digest"].Text())
	require.ErrorIs(t, w.e.Confirm(kim, ref, task.Evidence{Name: "again"}), task.ErrState)
	_, err = w.e.Open(kim, ref, "erasure")
	require.ErrorIs(t, err, task.ErrState)
}

func TestManual_NobodyElseConfirms(t *testing.T) {
	w := newWorld(t)
	ref := w.parked("1")
	ev := task.Evidence{Name: "x"}
	require.ErrorIs(t, w.e.Confirm(t.Context(), ref, ev), troth.ErrNoActor)
	require.ErrorIs(t, w.e.Confirm(person(t.Context(), tenant), ref, ev), task.ErrNotOwner)
	require.ErrorIs(t, w.e.Confirm(person(t.Context(), tenant, "support"), ref, ev), task.ErrNotOwner)
	stranger := person(t.Context(), "other", "legal")
	require.ErrorIs(t, w.e.Confirm(stranger, ref, ev), task.ErrNotOwner)
	_, err := w.e.Open(stranger, ref, "erasure")
	require.ErrorIs(t, err, task.ErrNotOwner)
	require.ErrorIs(t, w.e.Cancel(stranger, ref, "x"), task.ErrNotOwner)
	require.ErrorIs(t, w.e.Resume(stranger, ref), task.ErrNotOwner)
	require.ErrorIs(t, w.e.Reassign(stranger, ref, "x", time.Time{}), task.ErrNotOwner)
	// Another tenant's person under their own tenant's name finds nothing.
	moved := troth.WorkRef{Tenant: "other", ID: ref.ID}
	require.ErrorIs(t, w.e.Confirm(stranger, moved, ev), task.ErrNotFound)
	require.NoError(t, w.e.Confirm(person(t.Context(), troth.Platform, "legal"), ref, ev))
}

func TestManual_ReassignAndEscalate(t *testing.T) {
	w := newWorld(t)
	ref := w.parked("1")
	kim := person(t.Context(), tenant, "legal")
	require.NoError(t, w.e.Reassign(kim, ref, "support", time.Time{}))
	got := w.is(ref, task.Manual)
	require.Equal(t, "support", got.Owner)
	require.Equal(t, 2030, got.OwnerDue.Year())
	due := time.Date(2029, 5, 5, 0, 0, 0, 0, time.UTC)
	require.NoError(t, w.e.Escalate(kim, ref, "dpo", due))
	require.Equal(t, due, w.is(ref, task.Manual).OwnerDue)
	require.ErrorIs(t, w.e.Confirm(kim, ref, task.Evidence{Name: "x"}), task.ErrNotOwner)
	require.Error(t, w.e.Reassign(kim, ref, "", time.Time{}))
	require.NoError(t, w.e.Confirm(person(t.Context(), tenant, "dpo"), ref, task.Evidence{Name: "x"}))
	require.ErrorIs(t, w.e.Reassign(kim, ref, "support", time.Time{}), task.ErrState)
	es := w.trail.Entries("task.assign")
	require.Len(t, es, 2)
	require.Equal(t, "legal", es[0].Facts["from"].Text())
	require.Equal(t, "support", es[0].Facts["to"].Text())
	require.Equal(t, "reassigned", es[0].Facts["how"].Text())
	require.Equal(t, "escalated", es[1].Facts["how"].Text())
	require.Equal(t, due.UnixMicro(), es[1].Facts["due"].Number())
}

func TestManual_ResumeTriesAgain(t *testing.T) {
	w := newWorld(t)
	ref := w.parked("second time")
	w.resumed = true
	kim := person(t.Context(), tenant)
	require.NoError(t, w.e.Resume(kim, ref))
	require.ErrorIs(t, w.e.Resume(kim, ref), task.ErrState)
	require.Zero(t, w.is(ref, task.Waiting).Attempts)
	require.NoError(t, w.e.RunOne(t.Context(), ref))
	w.is(ref, task.Completed)
	require.Len(t, w.trail.Entries("task.resume"), 1)
}

func TestCancel_EndsWorkWhateverItsStateAndTellsWhoWaits(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		var cause error
		require.NoError(t, task.Register(w.e, task.Kind{Name: "long"}, func(ctx context.Context, _ task.Job[struct{}]) error {
			<-ctx.Done()
			cause = context.Cause(ctx)
			return nil
		}))
		running := w.enqueue(troth.Work{Kind: "long"})
		waits := w.enqueue(troth.Work{Kind: "other", After: []string{running.ID}})
		delayed := w.enqueue(troth.Work{Kind: "other", NotBefore: time.Now().Add(time.Hour)})
		defer run(t, w.e)()
		pass(time.Second)
		kim := person(t.Context(), tenant)
		require.Error(t, w.e.Cancel(kim, running, ""))
		for _, ref := range []troth.WorkRef{running, delayed} {
			require.NoError(t, w.e.Cancel(kim, ref, "withdrawn"))
			w.is(ref, task.Cancelled)
			require.ErrorIs(t, w.e.Cancel(kim, ref, "withdrawn"), task.ErrState)
		}
		got := w.is(waits, task.Manual)
		require.Equal(t, task.ReasonPrerequisite, got.Reason)
		require.Equal(t, task.DefaultOwner, got.Owner)
		require.Len(t, w.trail.Entries("task.park"), 1)
		pass(time.Minute)
		require.ErrorIs(t, cause, task.ErrLeaseLost)
		w.is(running, task.Cancelled)
		es := w.trail.Entries("task.cancel")
		require.Len(t, es, 2)
		require.Equal(t, "withdrawn", es[0].Facts["ground"].Text())
		require.Equal(t, "kim", es[0].Actor.ID)
	})
}

// meanwhile is a store in which something happens whenever a task has been looked at:
// as another transaction commits between a look and a change.
type meanwhile struct {
	task.Backend
	then func(ctx context.Context, n task.Name)
}

func (m *meanwhile) Task(ctx context.Context, n task.Name) (task.Row, bool, error) {
	row, found, err := m.Backend.Task(ctx, n)
	if then := m.then; then != nil {
		m.then = nil
		then(ctx, n)
	}
	return row, found, err
}

func TestManual_WhoNoLongerOwnsWorkNeitherConfirmsNorHandsItOn(t *testing.T) {
	for name, do := range map[string]func(e *task.Engine, ctx context.Context, ref troth.WorkRef) error{
		"confirm": func(e *task.Engine, ctx context.Context, ref troth.WorkRef) error {
			return e.Confirm(ctx, ref, task.Evidence{Name: "x"})
		},
		"reassign": func(e *task.Engine, ctx context.Context, ref troth.WorkRef) error {
			return e.Reassign(ctx, ref, "support", time.Time{})
		},
		"escalate": func(e *task.Engine, ctx context.Context, ref troth.WorkRef) error {
			return e.Escalate(ctx, ref, "board", time.Time{})
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			ref := w.parked("1")
			m := &meanwhile{Backend: w.store}
			w.store = m
			e := w.engine()
			m.then = func(ctx context.Context, n task.Name) {
				assigned, err := m.Assign(ctx, task.Assignment{Name: n, Owner: "dpo"})
				require.NoError(t, err)
				require.True(t, assigned)
			}
			require.ErrorIs(t, do(e, person(t.Context(), tenant, "legal"), ref), task.ErrState)
			require.Empty(t, w.trail.Entries("task."+name))
			m.then = nil
			require.NotEqual(t, task.Completed, w.task(ref).State)
		})
	}
}
