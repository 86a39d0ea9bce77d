package retention_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/deadline"
	"github.com/trothdev/troth/retention"
)

// bounded has a keeper with a ceiling for its class, and n files that are due.
func bounded(t *testing.T, n int, opts ...retention.Option) *kept {
	t.Helper()
	w := careful(t, append([]retention.Option{retention.UnsafeWithoutApproval()}, opts...)...)
	for i := range n {
		w.trash(fmt.Sprint(i))
	}
	w.after(60)
	return w
}

func (w *kept) left(n int) (left int) {
	w.Helper()
	for i := range n {
		if w.sees(fmt.Sprint(i)) != "" {
			left++
		}
	}
	return left
}

func TestCeiling_StopsBeforeTheFirstTooMany(t *testing.T) {
	w := bounded(t, 5, retention.WithCeiling("content", retention.Ceiling{Records: 3}))
	s := w.sweepAwaiting(retention.AwaitsCeiling)
	require.Equal(t, 3, s.Destroyed)
	require.Equal(t, 2, s.Waiting)
	require.Equal(t, 2, w.left(5))
	for i := range 5 {
		require.Contains(t, []retention.Visibility{"", retention.VisibleNone}, w.sees(fmt.Sprint(i)), "out of sight all the same")
	}
	told := w.notes.of(t, "retention.await")
	require.Len(t, told, 1)
	require.Equal(t, "content", told[0].Facts["class"].Text())
	require.Equal(t, "ceiling", told[0].Facts["why"].Text())
	require.EqualValues(t, 3, told[0].Facts["spent"].Number())

	w.after(2) // no day's end opens it again
	w.trash("new")
	w.after(60)
	s = w.sweepAwaiting(retention.AwaitsCeiling)
	require.Zero(t, s.Destroyed)
	require.Equal(t, 1, s.Waiting)
	p := w.preview()
	require.EqualValues(t, 3, p.Destroys())
	w.agree(p)
	require.Equal(t, 3, w.sweep().Destroyed)
	require.Zero(t, w.left(5))
	require.Len(t, w.notes.of(t, "retention.await"), 1)
}

func TestCeiling_IsForADay(t *testing.T) {
	w := bounded(t, 3, retention.WithCeiling("", retention.Ceiling{Records: 3}))
	require.Equal(t, 3, w.sweep().Destroyed)
	w.trash("a", "b")
	w.now = w.now.Add(24*time.Hour - time.Microsecond)
	w.sweep()
	w.after(60)
	require.Equal(t, 2, w.sweep().Destroyed)
	w.trash("c")
	w.now = w.now.Add(time.Hour)
	require.Zero(t, w.sweep())
}

func TestCeiling_AsAShareOfWhatIsStored(t *testing.T) {
	half := retention.WithCeiling("content", retention.Ceiling{Percent: 50, Least: 2})
	w := bounded(t, 10, half)
	s := w.sweepAwaiting(retention.AwaitsCeiling)
	require.Equal(t, 5, s.Destroyed)
	require.EqualValues(t, 10, w.notes.of(t, "retention.await")[0].Facts["stored"].Number())

	w = bounded(t, 10, half)
	for i := range 10 {
		w.add(fmt.Sprintf("live%d", i), "p")
	}
	require.Equal(t, 10, w.sweep().Destroyed, "half of twenty")

	w = bounded(t, 2, half)
	require.Equal(t, 2, w.sweep().Destroyed, "few may always go")

	both := retention.WithCeiling("content", retention.Ceiling{Percent: 50, Least: 2, Records: 4})
	w = bounded(t, 10, both)
	require.Equal(t, 4, w.sweepAwaiting(retention.AwaitsCeiling).Destroyed)
	w = bounded(t, 10, half, retention.WithCeiling("", retention.Ceiling{Records: 1}))
	require.Equal(t, 5, w.sweepAwaiting(retention.AwaitsCeiling).Destroyed, "the class's own")
}

// What comes and goes within the day is no part of what was there.
func TestCeiling_WhatCameSinceIsNoShare(t *testing.T) {
	p := changed(t, content(t), func(p *retention.Policy) {
		p.Labels = []retention.Label{{Name: "brief", From: retention.Created, For: deadline.Period{Hours: 1}, Why: "w"}}
	})
	w := newKept(t, p)
	w.k = w.keeper(retention.WithCeiling("", retention.Ceiling{Percent: 10}))
	w.files.keeper = w.k
	for i := range 20 {
		w.add(fmt.Sprint(i), "p")
	}
	w.add("old", "p", "brief")
	w.now = w.now.Add(2 * time.Hour)
	require.Equal(t, 1, w.sweep().Destroyed)
	for i := range 9 {
		w.add(fmt.Sprintf("brief%d", i), "p", "brief")
	}
	w.now = w.now.Add(2 * time.Hour)
	require.Equal(t, 9, w.sweep().Destroyed)
}

func TestCeiling_DefaultIsHalfOfWhatLivesLong(t *testing.T) {
	const n = 1100
	w := careful(t)
	w.many(n)
	require.Equal(t, 1000, w.sweepAwaiting(retention.AwaitsCeiling).Destroyed)
	require.Equal(t, n-1000, w.left(n))

	w = newKept(t, changed(t, content(t), func(p *retention.Policy) {
		p.Classes[0].Lifecycle = retention.Lifecycle{Stages: []retention.Stage{{Name: "active", Visible: retention.VisibleAll, For: days(9)}}}
		p.Promises = nil
	}))
	w.many(n)
	require.Equal(t, n, w.sweep().Destroyed, "all of it goes every few days")
}

// many makes n files that are due, by a keeper that keeps no evidence, and is quick.
func (w *kept) many(n int) {
	w.Helper()
	var err error
	w.k, err = retention.New(w.ctx, retention.Config{Store: w.store, Recorder: troth.UnsafeNoEvidence(w.db)},
		retention.WithClock(func() time.Time { return w.now }), retention.WithRecords("file", retention.Registration{Handler: w.files}),
		retention.UnsafeWithoutApproval(), retention.WithBatch(2*n))
	require.NoError(w, err)
	w.files.keeper = w.k
	require.NoError(w, w.db.Atomically(w.ctx, func(ctx context.Context) error {
		for i := range n {
			key := fileKey(fmt.Sprint(i))
			if err := errors.Join(
				w.files.rows.Put(ctx, string(ours)+key.ID, retention.VisibleAll),
				w.k.Created(ctx, retention.NewRecord{RecordKey: key, At: w.now}),
			); err != nil {
				return err
			}
			_ = w.k.Happened(ctx, key, retention.Occurrence{Event: "trashed", At: w.now}) // where there is a trash
		}
		return nil
	}))
	w.after(60)
}

func TestCeiling_OptionsAreChecked(t *testing.T) {
	w := careful(t)
	for _, o := range []retention.Option{
		retention.WithCeiling("content", retention.Ceiling{Records: -1}),
		retention.WithCeiling("content", retention.Ceiling{Percent: 101}),
		retention.WithCeiling("con\ntent", retention.Ceiling{}),
		retention.WithPlanLife(0),
		retention.WithOperator(""),
	} {
		_, err := retention.New(w.ctx, retention.Config{Store: w.store, Recorder: w.notes}, o)
		require.Error(t, err)
	}
}

// The clock jumps ten years ahead: the ceiling keeps most of it, and approving a plan
// when the clock is right again opens what was closed.
func TestCeiling_AClockThatRanAhead(t *testing.T) {
	w := careful(t, retention.UnsafeWithoutApproval(), retention.WithCeiling("", retention.Ceiling{Percent: 20, Least: 1}))
	for i := range 20 {
		w.trash(fmt.Sprint(i))
	}
	right := w.now
	w.now = right.AddDate(10, 0, 0)
	require.Equal(t, 4, w.sweepAwaiting(retention.AwaitsCeiling).Destroyed)
	require.Equal(t, 16, w.left(20))
	w.now = right.Add(time.Minute)
	p := w.preview()
	require.Zero(t, p.Destroys())
	w.agree(p)
	require.Zero(t, w.sweep().Destroyed)
	require.Equal(t, 16, w.left(20))
	w.now = right.AddDate(0, 0, 60)
	require.Equal(t, 3, w.sweepAwaiting(retention.AwaitsCeiling).Destroyed, "a fifth of sixteen")
}

func TestCeiling_AnErrorNamesTheClassAndNothingElse(t *testing.T) {
	w := bounded(t, 2, retention.WithCeiling("", retention.Ceiling{Records: 1}))
	_, err := w.k.Sweep(w.ctx)
	require.EqualError(t, err, `retention: this needs an approved plan: ceiling of class "content"; see Keeper.Preview`)
	var swept []retention.Swept
	ctx, cancel := context.WithCancel(w.ctx)
	k := w.keeper(retention.WithSwept(func(s retention.Swept) { swept = append(swept, s); cancel() }))
	require.ErrorIs(t, k.Run(ctx), context.Canceled)
	require.Len(t, swept, 1)
}
