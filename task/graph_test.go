package task_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/task"
)

func step(name string, after ...string) task.Step {
	return task.Step{Name: name, Work: troth.Work{Tenant: tenant, Kind: "k", Key: name}, After: after}
}

func TestEnqueueAll_StepsRunBehindThoseTheyWaitFor(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		var order []string
		require.NoError(t, task.Register(w.e, task.Kind{Name: "k"}, func(_ context.Context, j task.Job[struct{}]) error {
			if j.Key == "search" && j.Attempt == 1 {
				return errBroken // those behind wait for it to succeed
			}
			order = append(order, j.Key)
			return nil
		}))
		before := w.enqueue(troth.Work{Kind: "k", Key: "before"})
		last := step("identity", "search", "provider")
		first := step("search")
		first.Work.After = []string{before.ID}
		ids, err := w.e.EnqueueAll(t.Context(), last, step("provider", "search"), first)
		require.NoError(t, err)
		require.Len(t, ids, 3)
		again, err := w.e.EnqueueAll(t.Context(), last, step("provider", "search"), first)
		require.NoError(t, err)
		require.Equal(t, ids, again)
		require.Equal(t, 2, w.task(troth.WorkRef{Tenant: tenant, ID: ids["identity"]}).Blocked)
		defer run(t, w.e)()
		pass(time.Minute)
		require.Equal(t, []string{"before", "search", "provider", "identity"}, order)
	})
}

func TestEnqueueAll_CyclesAreRefusedAndNothingIsEnqueued(t *testing.T) {
	w := newWorld(t)
	_, err := w.e.EnqueueAll(t.Context(), step("free"), step("a", "b"), step("b", "c"), step("c", "a"), step("d", "a"))
	cycle, ok := errors.AsType[*task.CycleError](err)
	require.True(t, ok)
	require.Equal(t, []string{"a", "b", "c", "d"}, cycle.Steps)
	_, err = w.e.EnqueueAll(t.Context(), step("a", "a"))
	_, ok = errors.AsType[*task.CycleError](err)
	require.True(t, ok)
	for name, steps := range map[string][]task.Step{
		"unknown": {step("a", "b")}, "twice": {step("a"), step("a")}, "no name": {step("")},
		"odd": {step("a"), {Name: "b", Work: troth.Work{Tenant: tenant}}},
	} {
		_, err := w.e.EnqueueAll(t.Context(), steps...)
		require.Error(t, err, name)
	}
	for range w.e.Tasks(t.Context(), task.Query{Tenant: tenant}) {
		t.Fatal("something was enqueued")
	}
}
