package retention_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/retention"
)

// withMany has events of persons and purposes beside that of accounts, which can be
// undone.
func withMany(tb testing.TB) *retention.Policy {
	tb.Helper()
	return changed(tb, content(tb), func(p *retention.Policy) {
		p.Events = append(p.Events,
			retention.Event{Name: "account.opened", Scope: retention.OfAccount},
			retention.Event{Name: "opted-out", Scope: retention.OfSubject},
			retention.Event{Name: "campaign.over", Scope: retention.OfPurpose})
		life := &p.Classes[0].Lifecycle
		life.Stages[3].Restorable = true
		life.On = append(life.On,
			retention.Transition{Event: "account.opened", From: []string{"closed"}, Goto: "active"},
			retention.Transition{Event: "opted-out", From: []string{"active"}, Goto: "closed"},
			retention.Transition{Event: "campaign.over", Goto: retention.Purged})
		life.On = slices.DeleteFunc(life.On, func(n retention.Transition) bool { return n.Event == "restored" })
		life.Stages[1].Restorable = false
		p.Promises[0].Unless = []string{"account.opened"}
		p.Promises[1].Unless = []string{"account.opened"}
	})
}

// belongs makes a file that belongs to something.
func (w *kept) belongs(id string, n retention.NewRecord) {
	w.Helper()
	require.NoError(w, w.db.Atomically(w.ctx, func(ctx context.Context) error {
		if err := w.files.rows.Put(ctx, string(ours)+id, retention.VisibleAll); err != nil {
			return err
		}
		n.RecordKey = fileKey(id)
		return w.k.Created(ctx, n)
	}))
}

func (w *kept) toAll(id, event string, at time.Time) {
	w.Helper()
	require.NoError(w, w.k.HappenedTo(w.ctx, retention.Whole{Tenant: ours, ID: id}, retention.Occurrence{Event: event, At: at}))
}

func (w *kept) stage(id string) string {
	w.Helper()
	row, _, err := w.store.Record(w.ctx, fileKey(id))
	require.NoError(w, err)
	return row.Stage
}

func (w *kept) decided(id string) retention.Decision {
	w.Helper()
	d, err := w.k.Record(w.ctx, fileKey(id))
	require.NoError(w, err)
	return d
}

func TestMany_ReachesWhatBelongsToItAndNothingElse(t *testing.T) {
	for event, whole := range map[string]string{"account.closed": "a", "opted-out": "p"} {
		w := newKept(t, withMany(t))
		w.belongs("mine", retention.NewRecord{AccountID: "a", SubjectID: "p"})
		w.belongs("other", retention.NewRecord{AccountID: "b", SubjectID: "q"})
		w.belongs("nobody's", retention.NewRecord{})
		w.after(3)
		w.toAll(whole, event, time.Time{})
		require.Equal(t, "active", w.stage("mine"), "one row, for all")
		require.Equal(t, retention.VisibleNone, w.decided("mine").Visible, "decided as if it had come")
		require.Equal(t, "closed", w.decided("mine").Stage)
		s := w.sweep()
		require.Equal(t, 1, s.Reached)
		require.Zero(t, s.Open)
		require.Equal(t, "closed", w.stage("mine"))
		require.Equal(t, retention.VisibleNone, w.sees("mine"))
		for _, id := range []string{"other", "nobody's"} {
			require.Equal(t, "active", w.stage(id))
			require.Equal(t, retention.VisibleAll, w.decided(id).Visible)
		}
		require.Zero(t, w.sweep(), "once")
		require.Len(t, w.notes.of(t, "retention.report"), 1)
		reach := w.notes.of(t, "retention.reach")
		require.Len(t, reach, 1)
		require.EqualValues(t, 1, reach[0].Facts["records"].Number())
		w.toAll(whole, event, w.now)
		require.Zero(t, w.sweep(), "reporting the same again changes nothing")
		w.after(26)
		require.Equal(t, 1, w.sweep().Destroyed)
		require.Empty(t, w.sees("mine"))
	}
}

func TestMany_AnAccountWithoutIDIsTheTenant(t *testing.T) {
	w := newKept(t, withMany(t))
	w.belongs("1", retention.NewRecord{AccountID: "a"})
	w.belongs("2", retention.NewRecord{})
	require.NoError(t, w.k.HappenedTo(w.ctx, retention.Whole{Tenant: "other"}, retention.Occurrence{Event: "account.closed"}))
	require.Zero(t, w.sweep().Reached)
	w.toAll("", "account.closed", time.Time{})
	require.Equal(t, 2, w.sweep().Reached)
	require.Equal(t, "closed", w.stage("1"))
	require.Equal(t, "closed", w.stage("2"))
}

func TestMany_WhatLeadsToTheEndIsTheEnd(t *testing.T) {
	w := newKept(t, withMany(t))
	w.belongs("1", retention.NewRecord{Purpose: "summer"})
	w.belongs("2", retention.NewRecord{Purpose: "winter"})
	w.after(2)
	w.toAll("summer", "campaign.over", time.Time{})
	require.Equal(t, retention.Due, w.decided("1").Verdict)
	s := w.sweep()
	require.Equal(t, 1, s.Destroyed)
	require.Empty(t, w.sees("1"))
	require.NotEmpty(t, w.sees("2"))
}

// What comes later is under it all the same, whenever it was created, and promises count
// from when it happened.
func TestMany_HoldsForWhatIsReportedLater(t *testing.T) {
	w := newKept(t, withMany(t))
	w.after(10)
	closed := w.now
	w.toAll("a", "account.closed", closed)
	w.sweep()
	w.after(5)
	w.belongs("after", retention.NewRecord{AccountID: "a"})
	w.belongs("before", retention.NewRecord{AccountID: "a", At: closed.AddDate(0, 0, -3)})
	w.belongs("other", retention.NewRecord{AccountID: "b"})
	for _, id := range []string{"after", "before"} {
		require.Equal(t, "closed", w.stage(id))
		require.Equal(t, retention.VisibleNone, w.sees(id))
	}
	require.Equal(t, "active", w.stage("other"))
	require.Equal(t, w.now, since(w, "after"))
	require.Equal(t, closed, since(w, "before"))
	require.Equal(t, dayEnd(closed, 60), w.decided("after").GoneBy)

	// What is reported with an earlier time is there too.
	w.toAll("b", "account.closed", closed.AddDate(0, 0, -1))
	w.sweep()
	require.Equal(t, "closed", w.stage("other"))

	w.toAll("a", "account.opened", time.Time{})
	require.Equal(t, retention.VisibleAll, w.decided("after").Visible)
	w.sweep()
	require.Equal(t, retention.VisibleAll, w.sees("after"))
	w.belongs("new", retention.NewRecord{AccountID: "a"})
	require.Equal(t, "active", w.stage("new"))
	w.after(100)
	w.sweep()
	require.NotEmpty(t, w.sees("before"))
	require.NotEmpty(t, w.sees("new"))
}

// dayEnd is the end of the day that comes days later.
func dayEnd(t time.Time, days int) time.Time { return t.Truncate(24*time.Hour).AddDate(0, 0, days+1) }

func since(w *kept, id string) time.Time {
	w.Helper()
	row, _, err := w.store.Record(w.ctx, fileKey(id))
	require.NoError(w, err)
	return time.UnixMicro(row.Since).UTC()
}

// Trashed on day 0: cancelled on day 10 it is gone by day 70, on day 60 by day 90, backups
// of 30 days and a day of sweeping included, also while the event has not come to it.
func TestMany_TheEarliestOfOverlappingPromisesBinds(t *testing.T) {
	for closed, want := range map[int]struct{ gone, promised int }{10: {40, 70}, 29: {59, 89}, 50: {56, 90}} {
		w := newKept(t, withMany(t))
		w.belongs("1", retention.NewRecord{AccountID: "a"})
		zero := w.now
		w.happened("1", "trashed")
		for day := 0; w.sees("1") != ""; day++ {
			require.LessOrEqual(t, day, want.gone, closed)
			if day == closed {
				w.toAll("a", "account.closed", time.Time{})
				require.Equal(t, dayEnd(zero, want.promised), w.decided("1").GoneBy)
			}
			w.sweep()
			w.after(1)
		}
	}
	// On day 60 nothing is left but backups: by the promise of the trash it would have to
	// go on day 90, and so it does where something kept it.
	w := newKept(t, withMany(t))
	w.belongs("1", retention.NewRecord{AccountID: "a"})
	zero := w.now
	w.happened("1", "trashed")
	w.hold(retention.Hold{ID: "h"})
	w.after(60)
	w.sweep()
	w.toAll("a", "account.closed", time.Time{})
	require.Equal(t, dayEnd(zero, 90), w.decided("1").GoneBy)
	require.Equal(t, "trash", w.decided("1").Promise.Rule)
	w.sweep()
	require.Equal(t, dayEnd(zero, 90), w.decided("1").GoneBy)
	w.release("h")
	require.Equal(t, 1, w.sweep().Destroyed)
}

func TestMany_GoesOnInBatches(t *testing.T) {
	w := newKept(t, withMany(t))
	for i := range 25 {
		w.belongs(fmt.Sprint(i), retention.NewRecord{AccountID: "a"})
	}
	k := w.keeper(retention.WithBatch(4))
	w.toAll("a", "account.closed", time.Time{})
	s, err := k.Sweep(w.ctx)
	require.NoError(t, err)
	require.Equal(t, 25, s.Reached)
	require.Len(t, w.notes.of(t, "retention.move"), 25)
	require.EqualValues(t, 25, w.notes.of(t, "retention.reach")[0].Facts["records"].Number())
}

// A handler that fails leaves the event known to its record, and keeps nobody else from it.
func TestMany_AFailingHandlerIsTriedAgain(t *testing.T) {
	w := newKept(t, withMany(t))
	for _, id := range []string{"1", "2", "3"} {
		w.belongs(id, retention.NewRecord{AccountID: "a"})
	}
	w.files.seeing = func(_ context.Context, o retention.Order) error {
		if o.ID == "2" {
			return errors.New("the index does not answer")
		}
		return nil
	}
	w.toAll("a", "account.closed", time.Time{})
	s := w.sweep()
	require.Len(t, s.Failed, 1)
	require.Zero(t, s.Open)
	require.Equal(t, "active", w.stage("2"))
	require.Equal(t, retention.VisibleNone, w.decided("2").Visible)
	require.Equal(t, retention.VisibleNone, w.sees("3"))
	w.files.seeing = nil
	w.now = w.now.Add(time.Hour)
	w.sweep()
	require.Equal(t, "closed", w.stage("2"))
	require.Equal(t, retention.VisibleNone, w.sees("2"))
	w.after(26)
	require.Equal(t, 3, w.sweep().Destroyed)
}

func TestMany_RefusesWhatIsNoEventOfMany(t *testing.T) {
	w := newKept(t, withMany(t))
	whole := retention.Whole{Tenant: ours, ID: "a"}
	report := func(event string) error { return w.k.HappenedTo(w.ctx, whole, retention.Occurrence{Event: event}) }
	for _, event := range []string{"trashed", "unheard", retention.Created} {
		require.ErrorIs(t, report(event), retention.ErrEvent)
	}
	whole.ID = ""
	var bad *troth.IdentifierError
	require.ErrorAs(t, report("opted-out"), &bad, "everybody is nobody")
	require.ErrorAs(t, report("campaign.over"), &bad)
	whole.ID = "a\x00"
	require.ErrorAs(t, report("account.closed"), &bad)
	whole.ID = "a"
	future := retention.Occurrence{Event: "account.closed", At: w.now.Add(time.Second)}
	require.ErrorIs(t, w.k.HappenedTo(w.ctx, whole, future), retention.ErrFuture)
}
