package retention_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/retention"
)

// queue notes what is enqueued, whether it commits or not.
type queue struct {
	works []troth.Work
	err   error
}

func (q *queue) Enqueue(_ context.Context, w troth.Work) (string, error) {
	q.works = append(q.works, w)
	return "1", q.err
}

func TestConflict_IsOneTaskUntilItIsDecided(t *testing.T) {
	w := newKept(t, content(t))
	q := &queue{}
	w.k = w.keeper(retention.WithTasks(q), retention.WithBatch(2))
	w.files.keeper = w.k
	for _, id := range []string{"1", "2", "3", "4", "5"} {
		w.add(id, "p"+id)
		w.happened(id, "trashed")
	}
	w.hold(retention.Hold{ID: "h", Matter: "secret-matter"})
	w.hold(retention.Hold{ID: "h2"})
	w.after(30)
	require.Empty(t, w.sweep().Conflicts)
	w.after(60)
	q.err = errors.New("full")
	require.Len(t, w.sweep().Conflicts, 5, "whatever the queue says")
	q.works, q.err = nil, nil
	w.sweep()
	w.sweep()
	require.Len(t, q.works, 1, "one for all records and both holds: the first keeps")
	require.Equal(t, retention.WorkConflict, q.works[0].Kind)
	require.Contains(t, retention.Works(), retention.WorkConflict)
	require.NotContains(t, string(q.works[0].Payload), "secret-matter")
	open, err := w.k.Conflicts(w.ctx, ours)
	require.NoError(t, err)
	require.Len(t, open, 1)
	require.Equal(t, retention.Reason{Ground: retention.ByHold, Rule: "h"}, open[0].Keeps)
	require.Equal(t, retention.Reason{Ground: retention.ByPromise, Rule: "trash", Cite: "policy 1"}, open[0].Against)

	job := troth.Job{Ref: troth.WorkRef{Tenant: ours, ID: "1"}, Kind: retention.WorkConflict, Payload: q.works[0].Payload}
	does := func(want troth.Outcome) {
		t.Helper()
		outcome, _ := w.k.Do(w.ctx, job)
		require.Equal(t, want, outcome)
	}
	does(troth.Manual)
	id := open[0].ID
	require.ErrorIs(t, w.k.DecideConflict(w.lawyer(), ours, id, retention.KeepAndTell, ""), retention.ErrRole)
	require.ErrorIs(t, w.k.DecideConflict(w.officer(), ours, id, "whatever", ""), retention.ErrDecision)
	require.ErrorIs(t, w.k.DecideConflict(w.officer(), "other", id, retention.KeepAndTell, ""), retention.ErrNotFound)
	require.NoError(t, w.k.DecideConflict(w.officer(), ours, id, retention.KeepAndTell, "note-3"))
	require.NoError(t, w.k.DecideConflict(w.officer(), ours, id, retention.KeepAndTell, "note-3"), "again")
	require.ErrorIs(t, w.k.DecideConflict(w.officer(), ours, id, retention.AmendPolicy, ""), retention.ErrConflict)
	does(troth.Completed)
	job.Ref.Tenant = "other"
	does(troth.Failed)

	w.release("h") // the other hold still keeps them: that is another conflict
	w.sweep()
	w.sweep()
	require.Len(t, q.works, 2)
	require.Len(t, w.notes.of(t, "retention.conflict"), 2)
	require.Len(t, w.notes.of(t, "retention.decide"), 1)
	w.release("h2")
	require.Equal(t, 5, w.sweep().Destroyed, "a conflict that is open keeps nothing")
}

func TestConflict_WithoutAQueueIsListed(t *testing.T) {
	w := newKept(t, content(t))
	w.add("1", "p")
	w.hold(retention.Hold{ID: "h"})
	w.grant(retention.ErasureGrant{Request: "r", SubjectID: "p", By: w.now.AddDate(0, 1, 0)})
	w.sweep()
	w.after(40)
	w.release("h")
	w.hold(retention.Hold{ID: "h2"})
	w.sweep()
	open, err := w.k.Conflicts(w.ctx, ours)
	require.NoError(t, err)
	require.Len(t, open, 1)
	require.Equal(t, retention.ByErasure, open[0].Against.Ground)
	require.Equal(t, "r", open[0].Against.Rule)
	other, err := w.k.Conflicts(w.ctx, "other")
	require.NoError(t, err)
	require.Empty(t, other)
}

func TestHold_ItsReviewIsToldOfOnce(t *testing.T) {
	w := newKept(t, content(t))
	var told []retention.Hold
	broken := errors.New("no mail")
	fail := true
	w.k = w.keeper(retention.WithReviews(func(_ context.Context, hold retention.Hold) error {
		if fail {
			return broken
		}
		told = append(told, hold)
		return nil
	}))
	place := func(id string, days int) {
		require.NoError(t, w.k.Place(w.lawyer(), retention.Hold{Tenant: ours, ID: id, Matter: "m", Review: w.now.AddDate(0, 0, days)}))
	}
	place("a", 10)
	place("b", 20)
	place("c", 10)
	w.release("c")
	w.sweep()
	w.after(10)
	w.sweep()
	require.Empty(t, w.notes.of(t, "retention.review-due"), "who could not be told is told again")
	fail = false
	for range 2 {
		w.sweep()
		require.Len(t, told, 1)
		require.Equal(t, "a", told[0].ID)
	}
	require.ErrorIs(t, w.k.ReviewHold(w.officer(), ours, "a", w.now.AddDate(0, 0, 5)), retention.ErrRole)
	require.ErrorIs(t, w.k.ReviewHold(w.lawyer(), ours, "a", w.now), retention.ErrHold)
	require.ErrorIs(t, w.k.ReviewHold(w.lawyer(), ours, "c", w.now.Add(time.Hour)), retention.ErrNotFound)
	require.NoError(t, w.k.ReviewHold(w.lawyer(), ours, "a", w.now.AddDate(0, 0, 5)))
	w.after(5)
	w.sweep()
	require.Len(t, told, 2)
	w.after(5)
	w.sweep()
	require.Len(t, told, 3)
	require.Equal(t, "b", told[2].ID)
	require.Len(t, w.notes.of(t, "retention.review-due"), 3)
	active, err := w.k.Holds(w.ctx, ours)
	require.NoError(t, err)
	require.Len(t, active, 2, "a review ends nothing")
}
