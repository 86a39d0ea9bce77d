package rights_test

import (
	"bytes"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/rights"
)

// exchange puts an item in the place of the one that is there, past the desk.
func (w *world) exchange(rows ...rights.ItemRow) {
	w.Helper()
	for _, row := range rows {
		require.NoError(w, w.store.PutItem(w.ctx, row))
	}
}

// old demands that an error says that a part of a request is older than the rest.
func old(t *testing.T, id string, err error) {
	t.Helper()
	require.ErrorIs(t, err, rights.ErrRecord)
	bad, ok := errors.AsType[*rights.TamperedError](err)
	require.True(t, ok, err)
	require.Equal(t, []rights.Tampering{{Request: id, Kind: rights.RequestOld}}, bad.Found)
}

// TestHostile_AnOlderSheetThatIsPutBack: a sheet of before its sources were settled is as genuine
// as it was then. Nobody is asked by it, nothing is claimed by it, and it is named.
func TestHostile_AnOlderSheetThatIsPutBack(t *testing.T) {
	w, all := many(t)
	opts := []rights.Option{rights.WithCoolingOff(0), rights.WithController("Acme Ltd."), rights.WithEvidence(w.trail)}
	for _, s := range all {
		opts = append(opts, rights.WithSource(s.source()))
	}
	w.desk = w.open(opts...)
	r := w.approved(rights.Erase)
	before := w.sheets(r.ID)
	all[3].fails = 1 // of the last order: the others are settled
	require.Equal(t, rights.StateExecuting, w.step(r.ID).State)
	halfway := w.sheets(r.ID)
	asked := 0
	for _, s := range all {
		asked += len(s.acts())
	}
	for n := range before {
		w.exchange(before[n])
		w.clock.Move(time.Minute)
		old(t, r.ID, w.desk.Step(w.ctx, acme, r.ID))
		_, err := w.desk.Work(w.ctx, acme, r.ID)
		old(t, r.ID, err)
		require.Equal(t, []rights.Tampering{{Request: r.ID, Kind: rights.RequestOld}}, w.tampered())
		w.exchange(halfway[n])
	}
	for _, s := range all {
		asked -= len(s.acts())
	}
	require.Zero(t, asked, "nobody was asked once more")
	require.Equal(t, rights.StateDelivering, w.step(r.ID).State)
	require.Empty(t, w.tampered())
	last := w.sheets(r.ID)
	for _, sheets := range [][]rights.ItemRow{before, halfway} {
		for n := range sheets {
			if bytes.Equal(sheets[n].Record, last[n].Record) {
				continue
			}
			w.exchange(sheets[n])
			_, err := w.desk.Certify(w.ctx, acme, r.ID)
			old(t, r.ID, err)
			w.clock.Move(time.Minute)
			require.Equal(t, []rights.Tampering{{Request: r.ID, Kind: rights.RequestOld}}, w.tampered())
			w.exchange(last[n])
		}
	}
	made, err := w.desk.Certify(w.ctx, acme, r.ID)
	require.NoError(t, err)
	require.Equal(t, rights.Final, made.Stage)
}

// TestHostile_WhatWasKeptIsPutBack: what a hold kept is gone by now, and somebody would have it
// look as if it were there; or it is there, and somebody would have it look gone.
func TestHostile_WhatWasKeptIsPutBack(t *testing.T) {
	s := newShop()
	w := newWorld(t, s.options()...)
	s.orders.kept = []rights.Kept{{Basis: rights.LegalClaims, Records: 1, Review: w.clock.Now().AddDate(1, 0, 0)}}
	r := w.approved(rights.Erase)
	w.step(r.ID)
	kept := w.sheets(r.ID)
	s.orders.kept = nil
	w.clock.Move(26 * time.Hour)
	w.sweep()
	require.Equal(t, rights.Done, w.outcomes(r.ID)["orders"])
	gone := w.sheets(r.ID)
	w.exchange(kept...)
	_, err := w.desk.Certify(w.ctx, acme, r.ID)
	old(t, r.ID, err)
	w.exchange(gone...)

	events := w.eventRows(r.ID)
	all := w.dump(r.ID)
	all.events = events[:len(events)-1] // the sheet is newer than its events
	w.putBack(all)
	_, err = w.desk.Certify(w.ctx, acme, r.ID)
	old(t, r.ID, err)
}

// TestHostile_ARestrictionIsPutBack: that it was lifted cannot be taken back by an older sheet.
func TestHostile_ARestrictionIsPutBack(t *testing.T) {
	w, _, r := restricted(t)
	held := w.sheets(r.ID)
	l := lifting(r)
	l.ToldAt = w.clock.Now()
	_, err := w.desk.Lift(w.ctx, l)
	require.NoError(t, err)
	w.clock.Move(time.Minute)
	w.sweep()
	lifted := w.sheets(r.ID)
	require.NotEqual(t, held, lifted)
	for _, one := range w.work(r.ID) {
		require.NotEqual(t, rights.Restricted, one.Method)
	}
	w.exchange(held...)
	_, err = w.desk.Work(w.ctx, acme, r.ID)
	old(t, r.ID, err)
	w.exchange(lifted...)
	require.NotEmpty(t, w.work(r.ID))
}

// TestHostile_EventsOfAnotherHistory: what was written under the same number before a copy of the
// database was restored is as genuine as what came instead, and fits nowhere.
func TestHostile_EventsOfAnotherHistory(t *testing.T) {
	s := newShop()
	w := newWorld(t)
	w.desk = w.open(s.options(rights.WithEvidence(w.trail))...)
	r := w.accepted(rights.Erase)
	before := w.dump(r.ID)
	w.step(r.ID)
	_, err := w.desk.Approve(w.ctx, acme, r.ID)
	require.NoError(t, err)
	other := w.eventRows(r.ID)[len(before.events):]
	require.GreaterOrEqual(t, len(other), 2)
	w.putBack(before)
	_, err = w.desk.Assign(w.ctx, acme, r.ID, "privacy") // one event where there were two
	require.NoError(t, err)
	require.Equal(t, rights.StateReviewing, w.step(r.ID).State)
	_, err = w.desk.Approve(w.ctx, acme, r.ID)
	require.NoError(t, err)
	all := w.dump(r.ID)
	for _, row := range other {
		for n := len(before.events); n <= len(all.events); n++ {
			mixed := all
			mixed.events = append([]rights.EventRow{}, all.events[:n]...)
			for _, e := range all.events[n:] {
				if e.Seq != row.Seq {
					mixed.events = append(mixed.events, e)
				}
			}
			if taken := func(e rights.EventRow) bool { return e.Seq == row.Seq }; slices.ContainsFunc(mixed.events, taken) {
				continue
			}
			mixed.events = append(mixed.events, row) // instead of one, between two, or behind the last
			w.putBack(mixed)
			require.ErrorIs(t, w.desk.Step(w.ctx, acme, r.ID), rights.ErrRecord)
			_, err = w.desk.Work(w.ctx, acme, r.ID)
			require.ErrorIs(t, err, rights.ErrRecord)
			w.clock.Move(time.Second)
			require.NotEmpty(t, w.tampered())
		}
	}
	require.Empty(t, s.acts())
}

// TestHostile_RowsOfOthers: nothing of one request, tenant or place is taken for another's.
func TestHostile_RowsOfOthers(t *testing.T) {
	s := newShop()
	w := newWorld(t)
	w.desk = w.open(s.options(rights.WithEvidence(w.trail))...)
	theirs := w.approved(rights.Restrict)
	r := w.approved(rights.Erase)
	all, others := w.dump(r.ID), w.dump(theirs.ID)
	require.Len(t, w.sheets(r.ID), 1)
	for n := range all.events {
		mixed := all
		mixed.events = slices.Clone(all.events)
		mixed.events[n].Record = others.events[n].Record
		w.putBack(mixed)
		require.ErrorIs(t, w.desk.Step(w.ctx, acme, r.ID), rights.ErrRecord, n)
	}
	mixed := all
	mixed.items = slices.Clone(all.items)
	for i := range mixed.items {
		if mixed.items[i].Kind == rights.ItemSources {
			mixed.items[i].Record = w.sheets(theirs.ID)[0].Record
		}
	}
	w.putBack(mixed)
	require.ErrorIs(t, w.desk.Step(w.ctx, acme, r.ID), rights.ErrRecord)
	for i := range mixed.items {
		if mixed.items[i].Kind == rights.ItemSources { // one sheet twice
			mixed.items[i] = all.items[i]
			twice := all.items[i]
			twice.ID = "0001"
			mixed.items = append(mixed.items, twice)
		}
	}
	w.putBack(mixed)
	require.ErrorIs(t, w.desk.Step(w.ctx, acme, r.ID), rights.ErrRecord)
	moved := all
	moved.row.Tenant = globex
	moved.events, moved.items = slices.Clone(all.events), slices.Clone(all.items)
	for i := range moved.events {
		moved.events[i].Tenant = globex
	}
	for i := range moved.items {
		moved.items[i].Tenant = globex
	}
	w.putBack(moved)
	ctx := troth.WithActor(t.Context(), troth.Actor{Kind: troth.Service, ID: "shop"})
	require.ErrorIs(t, w.desk.Step(ctx, globex, r.ID), rights.ErrRecord)
	require.Empty(t, s.acts())
	w.putBack(all)
	require.Equal(t, rights.StateDelivering, w.step(r.ID).State)
}
