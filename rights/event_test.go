package rights_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/rights"
)

// eventRows are the rows of a request's events.
func (w *world) eventRows(id string) []rights.EventRow {
	w.Helper()
	rows, err := w.store.Events(w.ctx, acme, id)
	require.NoError(w, err)
	return rows
}

// TestEvents_OfOneTransactionShareRows: what fourteen sources report in one transaction takes a
// row for every eight events, numbered as if each had its own.
func TestEvents_OfOneTransactionShareRows(t *testing.T) {
	w, _ := many(t)
	r := w.approved(rights.Erase)
	before := w.eventRows(r.ID)
	require.Equal(t, rights.StateDelivering, w.step(r.ID).State)
	rows := w.eventRows(r.ID)
	require.Equal(t, before, rows[:len(before)], "no row is changed")
	events, err := w.desk.Events(w.ctx, acme, r.ID)
	require.NoError(t, err)
	done := 0
	for i, e := range events {
		require.Equal(t, i+1, e.Seq)
		if e.Kind == rights.SourceDone {
			done++
		}
	}
	require.Equal(t, 14, done)
	for i, row := range rows[1:] {
		require.LessOrEqual(t, row.Seq-rows[i].Seq, uint32(8))
	}
	require.Less(t, len(rows), len(events)/2)
}

// TestHostile_ARowOfEventsThatIsTakenAway: nobody is shown, and nothing is erased by, the half
// of a history, whichever row is gone, put back as another, or of another request.
func TestHostile_ARowOfEventsThatIsTakenAway(t *testing.T) {
	s := newShop()
	w := newWorld(t)
	w.desk = w.open(s.options(rights.WithEvidence(w.trail))...)
	r := w.approved(rights.Erase)
	all := w.dump(r.ID)
	require.Greater(t, len(all.events), 2)
	for n := range all.events {
		less := all
		less.events = append(append([]rights.EventRow{}, all.events[:n]...), all.events[n+1:]...)
		w.putBack(less)
		require.ErrorIs(t, w.desk.Step(w.ctx, acme, r.ID), rights.ErrRecord, n)
		_, err := w.desk.Events(w.ctx, acme, r.ID)
		require.ErrorIs(t, err, rights.ErrRecord, n)
		swapped := all
		swapped.events = append([]rights.EventRow{}, all.events...)
		other := (n + 1) % len(all.events)
		swapped.events[n].Record, swapped.events[other].Record = all.events[other].Record, all.events[n].Record
		w.putBack(swapped)
		require.ErrorIs(t, w.desk.Step(w.ctx, acme, r.ID), rights.ErrRecord, n)
		require.Empty(t, s.acts(), n)
	}
	w.putBack(all)
	require.NoError(t, w.desk.Step(w.ctx, acme, r.ID))
	require.NotEmpty(t, s.acts())
}
