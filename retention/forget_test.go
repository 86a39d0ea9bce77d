package retention_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/retention"
)

func (w *kept) eventsOf(scope retention.Scope, id string) int {
	w.Helper()
	rows, err := w.store.EventsOf(w.ctx, ours, []retention.Many{{Scope: scope, ID: id}})
	require.NoError(w, err)
	return len(rows)
}

func TestForget_WhatWasReportedGoesWhenAllIsOver(t *testing.T) {
	w := newKept(t, withMany(t))
	w.belongs("1", retention.NewRecord{AccountID: "a", SubjectID: "p"})
	w.toAll("a", "account.closed", time.Time{})
	w.toAll("b", "account.closed", time.Time{})
	account := retention.Whole{Tenant: ours, ID: "a"}
	require.ErrorIs(t, w.k.Forget(w.ctx, account, retention.OfAccount), retention.ErrNotOver, "it has not come to all")
	w.sweep()
	require.ErrorIs(t, w.k.Forget(w.ctx, account, retention.OfAccount), retention.ErrNotOver, "a record is left")
	w.after(60)
	require.Equal(t, 1, w.sweep().Destroyed)
	failed := errors.New("undone")
	require.ErrorIs(t, w.db.Atomically(w.ctx, func(ctx context.Context) error {
		require.NoError(t, w.k.Forget(ctx, account, retention.OfAccount))
		return failed
	}), failed)
	require.Equal(t, 1, w.eventsOf(retention.OfAccount, "a"), "in the caller's transaction")
	require.NoError(t, w.k.Forget(w.ctx, account, retention.OfAccount))
	require.NoError(t, w.k.Forget(w.ctx, account, retention.OfAccount), "again")
	require.Zero(t, w.eventsOf(retention.OfAccount, "a"))
	require.Equal(t, 1, w.eventsOf(retention.OfAccount, "b"))
	forgotten := w.notes.of(t, "retention.forget")
	require.Len(t, forgotten, 1)
	require.EqualValues(t, 1, forgotten[0].Facts["events"].Number())
	require.Empty(t, forgotten[0].SubjectID)

	require.Error(t, w.k.Forget(w.ctx, retention.Whole{ID: "a"}, retention.OfAccount))
	require.Error(t, w.k.Forget(w.ctx, retention.Whole{Tenant: ours}, retention.OfSubject))
	require.ErrorIs(t, w.k.Forget(w.ctx, account, retention.OfRecord), retention.ErrEvent)
	require.NoError(t, w.k.Forget(w.ctx, retention.Whole{Tenant: "other", ID: "b"}, retention.OfAccount))
	require.Equal(t, 1, w.eventsOf(retention.OfAccount, "b"), "another tenant's")
}

func TestForget_AnErasureForgetsWhatWasReportedOfItsPerson(t *testing.T) {
	w := newKept(t, withMany(t))
	w.belongs("1", retention.NewRecord{SubjectID: "p"})
	w.toAll("p", "opted-out", time.Time{})
	w.toAll("q", "opted-out", time.Time{})
	w.sweep()
	w.grant(retention.ErasureGrant{Request: "r", SubjectID: "p"})
	require.Equal(t, 1, w.sweep().Destroyed)
	require.Equal(t, 1, w.eventsOf(retention.OfSubject, "p"), "somebody may still write")
	w.now = w.now.Add(2 * time.Hour)
	w.sweep()
	require.True(t, w.erasure("r").Complete())
	require.Zero(t, w.eventsOf(retention.OfSubject, "p"))
	require.Equal(t, 1, w.eventsOf(retention.OfSubject, "q"))
}

// What is known of a record that no sweep has come to counts for what is told of its
// erasure: the obligation begins with the event.
func TestErasure_TellsOfWhatHappenedAndHasNotComeYet(t *testing.T) {
	w := newKept(t, changed(t, withMany(t), func(p *retention.Policy) {
		p.Obligations = []retention.Obligation{{
			Name: "tax", Classes: []string{"content"}, From: "account.closed", For: days(200), Cite: "law 1",
		}}
		for i := range p.Promises {
			p.Promises[i].Yields = []string{"tax"}
		}
	}))
	w.belongs("1", retention.NewRecord{AccountID: "a", SubjectID: "p"})
	w.grant(retention.ErasureGrant{Request: "r", SubjectID: "p"})
	w.toAll("a", "account.closed", time.Time{})
	state := w.erasure("r")
	require.Len(t, state.Obliged, 1)
	require.Equal(t, endOf(t, "2026-07-20"), state.Obliged[0].Until)
	require.Zero(t, state.Open+state.Unknown)
}

// An account may have more events than a row of a record holds: nothing is lost, and
// nobody waits for ever.
func TestMany_MoreEventsThanARowHolds(t *testing.T) {
	w := newKept(t, withMany(t))
	w.k = w.keeper(retention.WithBatch(2))
	w.files.keeper = w.k
	for _, id := range []string{"1", "2", "3"} {
		w.belongs(id, retention.NewRecord{AccountID: "a", SubjectID: "p"})
	}
	w.belongs("other", retention.NewRecord{AccountID: "b"})
	for i := range 1600 { // they came to all, one at a time
		w.now = w.now.Add(time.Second)
		_, err := w.store.InsertEvent(w.ctx, retention.EventRow{EventKey: retention.EventKey{
			Tenant: ours, Many: retention.Many{Scope: retention.OfAccount, ID: "a"}, Event: []string{"account.closed", "account.opened"}[i%2],
			At: w.now.UnixMicro(),
		}, DoneAt: w.now.UnixMicro()})
		require.NoError(t, err)
	}
	for _, event := range []string{"account.closed", "account.opened"} {
		w.now = w.now.Add(time.Second)
		w.toAll("a", event, w.now)
	}
	for open := 1; open > 0; {
		s := w.sweep()
		require.Empty(t, s.Failed)
		open = s.Open
	}
	require.Equal(t, "active", w.stage("1"), "the last opened it again")
	row, _, err := w.store.Record(w.ctx, fileKey("1"))
	require.NoError(t, err)
	require.LessOrEqual(t, len(row.Detail), retention.MaxDetail)
	w.belongs("late", retention.NewRecord{AccountID: "a"})
	w.now = w.now.Add(time.Second)
	w.toAll("a", "account.closed", w.now)
	for open := 1; open > 0; {
		s := w.sweep()
		require.Empty(t, s.Failed)
		open = s.Open
	}
	require.Equal(t, retention.VisibleNone, w.sees("1"))
	require.Equal(t, retention.VisibleNone, w.sees("late"))
	w.after(59)
	require.Equal(t, 4, w.sweep().Destroyed)
	require.NotEmpty(t, w.sees("other"))
	require.NoError(t, w.k.Forget(w.ctx, retention.Whole{Tenant: ours, ID: "a"}, retention.OfAccount))
}

// A record's own events are refused when its row is full, and it ends on time.
func TestKeeper_ARecordThatIsFullTakesNoMoreAndEnds(t *testing.T) {
	w := newKept(t, content(t))
	var labels []string
	for i := range 600 { // so that few events fill the rest
		labels = append(labels, strings.Repeat("x", 96)+fmt.Sprint(1000+i))
	}
	w.add("1", "p", labels...)
	bad := retention.NewRecord{RecordKey: fileKey("3"), Labels: []string{"two\nlines"}}
	var name *troth.IdentifierError
	require.ErrorAs(t, w.k.Created(w.ctx, bad), &name)
	bad.Labels = nil
	for i := range 3000 {
		bad.Labels = append(bad.Labels, fmt.Sprint("a-label-of-some-length-", i))
	}
	require.ErrorIs(t, w.k.Created(w.ctx, bad), retention.ErrFull)
	w.add("2", "p")
	var err error
	n := 0
	for ; err == nil && n < 5000; n++ {
		w.now = w.now.Add(time.Second)
		err = w.k.Happened(w.ctx, fileKey("1"), retention.Occurrence{Event: []string{"trashed", "restored"}[n%2], At: w.now})
	}
	require.ErrorIs(t, err, retention.ErrFull)
	require.Greater(t, n, 50)
	stood, sees := w.stage("1"), w.sees("1")
	require.ErrorIs(t, w.k.Happened(w.ctx, fileKey("1"), retention.Occurrence{Event: "trashed", At: w.now}), retention.ErrFull)
	require.Equal(t, stood, w.stage("1"))
	require.Equal(t, sees, w.sees("1"), "nothing of it was done")
	w.happened("2", "trashed")
	w.hold(retention.Hold{ID: "h", SubjectID: "p"})
	w.release("h")
	w.grant(retention.ErasureGrant{Request: "r", SubjectID: "p"})
	s := w.sweep()
	require.Empty(t, s.Failed)
	require.Equal(t, 2, s.Destroyed)
	require.Empty(t, w.sees("1"))
}
