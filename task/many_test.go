package task_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/task"
)

func TestEnqueueMany_IsEnqueuingOneAfterTheOther(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		known := w.enqueue(troth.Work{Kind: "k", Key: "known"})
		first := w.enqueue(troth.Work{Kind: "k", Key: "first"})
		deadline := time.Now().Add(time.Hour)
		works := []troth.Work{
			{Tenant: tenant, Kind: "k", Key: "known"},
			{Tenant: tenant, Kind: "k", Key: "new", Line: "l", Deadline: deadline},
			{Tenant: tenant, Kind: "k", Key: "new"},
			{Tenant: tenant, Kind: "k", Payload: []byte("x"), Group: "g"},
			{Tenant: tenant, Kind: "k", After: []string{first.ID}},
			{Tenant: "other", Kind: "k", Key: "known", NotBefore: time.Now().Add(time.Minute)},
		}
		for i := range 2500 {
			works = append(works, troth.Work{Tenant: tenant, Kind: "many", Key: fmt.Sprint(i)})
		}
		ids, err := w.e.EnqueueMany(t.Context(), works)
		require.NoError(t, err)
		require.Len(t, ids, len(works))
		require.Equal(t, known.ID, ids[0])
		require.Equal(t, ids[1], ids[2], "equal works of one call are one")
		seen := map[string]bool{}
		for i, id := range ids {
			require.True(t, i == 2 || !seen[id])
			seen[id] = true
			got := w.task(troth.WorkRef{Tenant: works[i].Tenant, ID: id})
			require.Equal(t, works[i].Key, got.Key)
			require.Equal(t, works[i].Kind, got.Kind)
		}
		require.Equal(t, deadline.UnixMicro(), w.is(troth.WorkRef{Tenant: tenant, ID: ids[1]}, task.Waiting).Deadline.UnixMicro())
		require.NotNil(t, w.row(troth.WorkRef{Tenant: tenant, ID: ids[3]}).Payload)
		w.is(troth.WorkRef{Tenant: tenant, ID: ids[4]}, task.Blocked)
		w.is(troth.WorkRef{Tenant: "other", ID: ids[5]}, task.Delayed)

		again, err := w.e.EnqueueMany(t.Context(), works[6:])
		require.NoError(t, err)
		require.Equal(t, ids[6:], again)
		none, err := w.e.EnqueueMany(t.Context(), nil)
		require.NoError(t, err)
		require.Empty(t, none)
	})
}

// The works of a group share one key, which dies with the last of them, whether
// they were enqueued together or not, and however often.
func TestEnqueueMany_AGroupLivesUntilItsLastWorkHasEnded(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		require.NoError(t, w.e.Handle(task.Kind{Name: "k"}, func(context.Context, troth.Job) (troth.Outcome, error) {
			return troth.Completed, nil
		}))
		var works []troth.Work
		for i := range 5 {
			works = append(works, troth.Work{
				Tenant: tenant, Kind: "k", Key: fmt.Sprint(i), Group: "g", Payload: []byte("x"),
				NotBefore: time.Now().Add(time.Duration(i+1) * time.Hour),
			})
		}
		first, err := w.e.EnqueueMany(t.Context(), works[:3])
		require.NoError(t, err)
		twice := append(works, works[4]) //nolint:gocritic // one of them comes twice
		all, err := w.e.EnqueueMany(t.Context(), twice)
		require.NoError(t, err)
		require.Equal(t, first, all[:3])
		require.Equal(t, all[4], all[5])
		require.Equal(t, 1, w.sealer.Living())
		defer run(t, w.e)()
		pass(5*time.Hour - time.Minute)
		require.Equal(t, 1, w.sealer.Living(), "one is open")
		pass(2 * time.Minute)
		require.Zero(t, w.sealer.Living())
		for _, id := range all {
			require.Nil(t, w.row(troth.WorkRef{Tenant: tenant, ID: id}).Payload)
		}
	})
}

func TestEnqueueMany_AllOrNone(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		good := troth.Work{Tenant: tenant, Kind: "k", Key: "good"}
		nobody := troth.Work{Tenant: tenant, Kind: "k", After: []string{troth.NewEntryID(time.Now()).String()}}
		for name, works := range map[string][]troth.Work{
			"odd":          {good, {Tenant: tenant}},
			"too large":    {good, {Tenant: tenant, Kind: "k", Payload: make([]byte, task.MaxPayload+1)}},
			"for ever":     {good, nobody},
			"for ever too": {nobody, good},
		} {
			_, err := w.e.EnqueueMany(t.Context(), works)
			require.Error(t, err, name)
		}
		err := w.db.Atomically(t.Context(), func(ctx context.Context) error {
			_, err := w.e.EnqueueMany(ctx, []troth.Work{good})
			require.NoError(t, err)
			return errBroken
		})
		require.ErrorIs(t, err, errBroken)
		for got, err := range w.e.Tasks(t.Context(), task.Query{Tenant: tenant}) {
			require.NoError(t, err)
			t.Errorf("%v was enqueued", got)
		}
	})
}

// counted is a queue that counts how often it got each reference.
type counted struct {
	mu sync.Mutex
	n  map[troth.WorkRef]int
}

func (c *counted) Dispatch(_ context.Context, ref troth.WorkRef, _ time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n[ref]++
	return nil
}

// A queue that loses what it was given loses no work: alarms tell, and an engine
// that needs no queue does it, once.
func TestDispatcher_WhatTheQueueLosesIsNotLost(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var told []task.Notice
		w := newWorld(t)
		lost := w.engine(task.WithDispatcher(&counted{n: map[troth.WorkRef]int{}}), task.WithAlarms(bell{w: w, told: &told}))
		id, err := lost.Enqueue(t.Context(), troth.Work{Tenant: tenant, Kind: "k", Deadline: time.Now().Add(time.Hour)})
		require.NoError(t, err)
		ref := troth.WorkRef{Tenant: tenant, ID: id}
		stop := run(t, lost)
		pass(50 * time.Minute)
		w.is(ref, task.Waiting)
		require.Len(t, heard(&told), 2)
		stop()
		ran := 0
		require.NoError(t, task.Register(w.e, task.Kind{Name: "k"}, func(context.Context, task.Job[struct{}]) error {
			ran++
			return nil
		}))
		defer run(t, w.e)()
		pass(time.Minute)
		w.is(ref, task.Completed)
		require.NoError(t, w.e.RunOne(t.Context(), ref), "the reference turned up after all")
		require.Equal(t, 1, ran)
	})
}

func TestEnqueueMany_DispatchesWhatIsNewOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		q := &counted{n: map[troth.WorkRef]int{}}
		w := newWorld(t, task.WithDispatcher(q))
		works := []troth.Work{
			{Tenant: tenant, Kind: "k", Key: "1"},
			{Tenant: tenant, Kind: "k", Key: "2", Payload: []byte("x")},
			{Tenant: tenant, Kind: "k", Key: "1"},
			{Tenant: tenant, Kind: "k"},
		}
		var ids []string
		for range 2 {
			var err error
			ids, err = w.e.EnqueueMany(t.Context(), works[:3])
			require.NoError(t, err)
		}
		require.Equal(t, map[troth.WorkRef]int{{Tenant: tenant, ID: ids[0]}: 1, {Tenant: tenant, ID: ids[1]}: 1}, q.n)
	})
}
