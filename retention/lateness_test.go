package retention_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/retention"
)

func TestLateness_ACopyThatIsWaitedForIsToldOfOncePerThresholdBeforeThePromiseBreaks(t *testing.T) {
	w := newSpread(t)
	h := w.purged("1", "p") // trashed on 1 January: gone by 1 April; destroyed on 28 February
	require.NoError(t, w.confirm(h))
	w.ads.fails = errors.New("down")
	require.Error(t, w.works.run(t, w.k))
	// What the provider has is in its backups for 7 days, so it may take until 24 March.
	limit := endOf(t, "2026-03-25")
	ordered := w.now
	left := limit.Sub(ordered)
	for _, step := range []struct {
		at   time.Time
		told []string
	}{
		{ordered.Add(left/2 - time.Hour), nil},
		{ordered.Add(left/2 + time.Hour), []string{"half copies"}},
		{ordered.Add(left/10*8 + time.Hour), []string{"half copies", "most copies"}},
		{limit, []string{"half copies", "most copies"}},
		{limit.Add(time.Hour), []string{"half copies", "most copies", "broken copies"}},
		{limit.AddDate(0, 1, 0), []string{"half copies", "most copies", "broken copies"}},
	} {
		w.now = step.at
		for range 2 {
			w.tend()
			require.Equal(t, step.told, w.late(), step.at)
			require.Len(t, w.told.list, len(step.told))
		}
	}
	first := w.told.list[0]
	require.Equal(t, retention.Half, first.Threshold)
	require.Equal(t, []string{"ads"}, first.Copies)
	require.Equal(t, h, first.Handle)
	require.Equal(t, "trash", first.Rule)
	require.Equal(t, endOf(t, "2026-04-01"), first.By)
	require.Equal(t, limit, first.Limit, "done by then it is kept: %s", first)
	require.Contains(t, first.String(), "waiting for [ads]")

	w.ads.fails = nil
	require.NoError(t, w.works.run(t, w.k))
	w.after(8)
	require.Equal(t, 1, w.tend().Broken)
	require.Equal(t, "no", w.notes.of(t, "retention.gone")[0].Facts["kept"].Text())
}

func TestLateness_DoneAtTheLimitThePromiseIsKeptAndAnInstantLaterBroken(t *testing.T) {
	for late, kept := range map[time.Duration]string{0: "yes", time.Microsecond: "no"} {
		w := newSpread(t)
		h := w.purged("1", "p")
		require.NoError(t, w.confirm(h))
		w.now = endOf(t, "2026-03-25").Add(late)
		require.NoError(t, w.works.run(t, w.k))
		w.after(9)
		w.tend()
		require.Equal(t, kept, w.notes.of(t, "retention.gone")[0].Facts["kept"].Text(), late)
	}
}

func TestLateness_ARecordThatNoSweepDestroysIsToldOfOncePerClassAndPromise(t *testing.T) {
	w := newSpread(t)
	for _, id := range []string{"1", "2", "3"} {
		w.trashed(id, "p")
	}
	w.now = endOf(t, "2026-02-22") // due
	w.sweep()
	w.now = endOf(t, "2026-02-23").Add(12 * time.Hour)
	require.Zero(t, w.tend().Told)
	// Due on 22 February: with 30 days of backups it can be in time until 1 March.
	w.now = endOf(t, "2026-02-27")
	require.Equal(t, 1, w.tend().Told)
	require.Zero(t, w.tend().Told, "once")
	l := w.told.list[0]
	require.Equal(t, retention.DelayDue, l.Why)
	require.Equal(t, "content", l.Class)
	require.Equal(t, "trash", l.Rule)
	w.now = endOf(t, "2026-03-30")
	require.Equal(t, 1, w.tend().Told)
	require.Equal(t, retention.Broken, w.told.list[1].Threshold)
	require.Equal(t, 3, w.sweep().Destroyed)
	require.NoError(t, w.works.run(t, w.k))
	for _, o := range w.files.orders {
		require.NoError(t, w.confirm(o.Handle))
	}
	require.Zero(t, w.tend().Told)

	// It was better meanwhile: the next time is told of again.
	w.trashed("4", "p")
	w.after(89)
	require.Equal(t, 1, w.tend().Told)
}

func TestLateness_WhatAHoldKeepsIsNotLateAndWhatItKeptWasDeferred(t *testing.T) {
	w := newSpread(t)
	w.trashed("1", "p")
	w.hold(retention.Hold{ID: "h"})
	w.after(200)
	require.Equal(t, 1, w.sweep().Held)
	require.Zero(t, w.tend().Told)
	w.release("h")
	require.Zero(t, w.tend().Told)
	require.Equal(t, 1, w.sweep().Destroyed)
	require.NoError(t, w.works.run(t, w.k))
	require.NoError(t, w.confirm(w.files.orders[0].Handle))
	w.after(40)
	require.Equal(t, retention.Tended{Gone: 1}, w.tend())
	require.Equal(t, "deferred", w.notes.of(t, "retention.gone")[0].Facts["kept"].Text())
}

func TestLateness_ALookoutThatFailsIsToldAgainAndKeepsNothingElse(t *testing.T) {
	w := newSpread(t)
	w.purged("1", "p")
	w.trashed("2", "p")
	w.told.fails = errors.New("cannot mail jane@example.org")
	w.after(80)
	tended, err := w.k.Tend(w.ctx)
	require.Error(t, err)
	require.NotContains(t, err.Error(), "jane")
	require.Equal(t, 1, tended.Failed)
	require.Empty(t, w.late(), "what was not told is not on the trail")
	w.told.fails = nil
	w.now = w.now.Add(time.Minute)
	tended, err = w.k.Tend(w.ctx)
	require.NoError(t, err)
	require.Equal(t, 2, tended.Told)
}

func TestLateness_HiddenTooLateIsToldOf(t *testing.T) {
	p := changed(t, wide(t), func(p *retention.Policy) {
		p.Promises = append(p.Promises, retention.Promise{
			Name: "out-of-sight", Classes: []string{"content"}, From: "trashed", To: retention.Hidden, Within: days(28),
			Unless: []string{"restored"}, Cite: "c",
		})
	})
	w := newSpreadOf(t, p)
	w.trashed("1", "p")
	w.now = endOf(t, "2026-01-29")
	require.Zero(t, w.tend().Told)
	w.now = w.now.Add(time.Second)
	require.Equal(t, 1, w.tend().Told)
	require.Equal(t, "out-of-sight", w.told.list[0].Rule)
	w.sweep()
	require.Equal(t, retention.VisibleNone, w.sees("1"))
	require.Zero(t, w.tend().Told)
}

func TestLateness_WithoutAPolicyNothingIsWatched(t *testing.T) {
	w := newSpreadOf(t, nil)
	require.Zero(t, w.tend())
	_, err := w.k.Report(w.ctx, time.Time{})
	require.ErrorIs(t, err, retention.ErrNoPolicy)
}

func TestLateness_WhatWaitsForAPlanIsWatchedToo(t *testing.T) {
	w := newSpread(t)
	k, err := retention.New(w.ctx, retention.Config{Store: w.store, Recorder: w.notes},
		retention.WithClock(func() time.Time { return w.now }), retention.WithLookout(w.told),
		retention.WithRecords("file", retention.Registration{Handler: w.files}))
	require.NoError(t, err)
	w.k, w.files.keeper = k, k
	w.trashed("1", "p")
	w.after(54)
	require.Equal(t, 1, w.sweep().Waiting, "nothing was ever approved")
	w.after(4)
	require.Equal(t, 1, w.tend().Told)
	require.Equal(t, retention.DelayApproval, w.told.list[0].Why)
	require.Contains(t, w.told.list[0].String(), "waiting for a plan")
	require.Equal(t, retention.PromiseAtRisk, about(t, w.report(), "trash").Status)
}
