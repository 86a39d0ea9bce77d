package rights_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/rights"
)

// TestErase_WhatWasKeptGoesInOrderToo: whoever was asked in between, and is due a little later
// than the account by which others know the person, still has its turn before it.
func TestErase_WhatWasKeptGoesInOrderToo(t *testing.T) {
	s := newShop()
	w := newWorld(t, s.options()...)
	kept := []rights.Kept{{Basis: rights.LegalClaims, Records: 1, Review: w.clock.Now().AddDate(1, 0, 0)}}
	s.orders.kept, s.account.kept = kept, kept
	r := w.step(w.approved(rights.Erase).ID)
	_, err := w.desk.Fire(w.ctx, acme, r.ID, rights.Delivered)
	require.NoError(t, err)

	w.clock.Move(time.Hour)
	require.NoError(t, w.desk.Wake(w.ctx, acme, r.ID, "orders"))
	asked := len(s.acts())
	for range 2 { // the request's clock may run ahead by a moment
		w.clock.Move(time.Second)
		w.sweep()
	}
	require.Equal(t, []string{"erase orders"}, s.acts()[asked:])
	require.Equal(t, rights.Retained, w.outcomes(r.ID)["orders"])

	s.orders.kept, s.account.kept = nil, nil
	asked = len(s.acts())
	w.clock.Move(26 * time.Hour)
	w.sweep()
	require.Equal(t, []string{"erase orders", "erase account"}, s.acts()[asked:])
	require.Equal(t, rights.Done, w.outcomes(r.ID)["orders"])
	require.Equal(t, rights.Done, w.outcomes(r.ID)["account"])
}

// TestErase_WhatWasKeptGoesInParts: until the last part of what a hold kept is gone something is
// kept, for the reason that was given, also for who cannot ask the source any more.
func TestErase_WhatWasKeptGoesInParts(t *testing.T) {
	s := newShop()
	w := newWorld(t, s.options()...)
	s.orders.kept = []rights.Kept{{Basis: rights.LegalClaims, Records: 3, Review: w.clock.Now().AddDate(1, 0, 0)}}
	r := w.approved(rights.Erase)
	w.step(r.ID)
	_, err := w.desk.Deliver(w.ctx, acme, r.ID, time.Time{})
	require.NoError(t, err)
	kept := w.work(r.ID)["orders"].Kept
	require.Len(t, kept, 1)
	s.orders.kept, s.orders.batch = nil, 1
	for _, desk := range []*rights.Desk{w.desk, w.open(rights.WithController("Acme Ltd."))} {
		w.clock.Move(26 * time.Hour)
		require.NoError(t, desk.RecheckNow(w.ctx, rights.ItemKey{Tenant: acme, Owner: r.ID, Kind: rights.ItemCheck, ID: "orders"}))
		require.Equal(t, rights.Retained, w.outcomes(r.ID)["orders"])
		require.Equal(t, kept, w.work(r.ID)["orders"].Kept)
		require.Equal(t, []rights.ObligationKind{rights.DeferredErasure}, w.obligations(r.ID))
		made, err := w.desk.Certify(w.ctx, acme, r.ID)
		require.NoError(t, err)
		require.Nil(t, made.Complete, "nobody knows when it will be complete")
	}
	require.EqualValues(t, 1, w.work(r.ID)["orders"].Records)
	for range 4 {
		w.clock.Move(26 * time.Hour)
		w.sweep()
	}
	require.Equal(t, rights.Done, w.outcomes(r.ID)["orders"])
	require.EqualValues(t, 3, w.work(r.ID)["orders"].Records)
	require.Empty(t, w.obligations(r.ID))
}

// TestErase_WhoSaysTheSameIsToldNobody: also where instants have nanoseconds and a zone.
func TestErase_WhoSaysTheSameIsToldNobody(t *testing.T) {
	at := time.Date(2027, 1, 1, 0, 0, 0, 1, time.FixedZone("here", 3600))
	kept := rights.Report{
		Outcome: rights.Retained, CopiesUntil: at.AddDate(1, 0, 0),
		Kept: []rights.Kept{{Basis: rights.LegalClaims, Records: 1, Review: at}},
	}
	w := newWorld(t, rights.WithCoolingOff(0), rights.WithSource(rights.Source{Name: "orders", Order: rights.Primary, Eraser: says{kept}}))
	r := w.step(w.approved(rights.Erase).ID)
	for range 5 {
		w.clock.Move(26 * time.Hour)
		w.sweep()
	}
	require.Len(t, w.trail.events(rights.SourceDone), 1)
	require.Equal(t, at.Truncate(time.Microsecond).UTC(), w.work(r.ID)["orders"].Kept[0].Review)
	require.Equal(t, at, kept.Kept[0].Review, "a source's own is left alone")
}

// TestErase_AnotherMethodIsSomethingNew: what a certificate says of how is on the trail.
func TestErase_AnotherMethodIsSomethingNew(t *testing.T) {
	method := rights.Overwritten
	w := newWorld(t)
	w.desk = w.open(rights.WithCoolingOff(0), rights.WithSource(rights.Source{
		Name: "orders", Order: rights.Primary, Eraser: does(func(context.Context, rights.Inquiry) (rights.Report, error) {
			return rights.Report{
				Outcome: rights.Retained, Method: method,
				Kept: []rights.Kept{{Basis: rights.LegalClaims, Records: 1, Review: time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)}},
			}, nil
		}),
	}))
	r := w.step(w.approved(rights.Erase).ID)
	method = rights.Deleted
	for range 3 {
		w.clock.Move(26 * time.Hour)
		w.sweep()
	}
	work := w.work(r.ID)["orders"]
	require.Equal(t, rights.Deleted, work.Method)
	var told []string
	for _, e := range w.trail.All() {
		if e.Act.Name == "rights.source" {
			told = append(told, e.Facts["method"].Text())
		}
	}
	require.Equal(t, []string{"overwritten", "deleted"}, told)
	require.Len(t, w.trail.events(rights.SourceDone), 2)
}
