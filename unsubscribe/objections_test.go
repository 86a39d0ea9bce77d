package unsubscribe_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/unsubscribe"
)

var regC17 = troth.Subject{Tenant: regAcme, ID: "c-17"}

// withPeer opens a registry beside another ledger.
func (w *regWorld) withPeer(opts ...unsubscribe.Option) (*unsubscribe.Registry, *regPeer) {
	w.Helper()
	peer := &regPeer{}
	return w.open(append(opts, unsubscribe.WithDirectory(w.directory), unsubscribe.WithObjections(peer))...), peer
}

func TestObjections_TheOtherLedgerIsTold(t *testing.T) {
	w := newRegWorld(t)
	w.directory.add(regC17, regAda)
	w.directory.add(troth.Subject{Tenant: regGlobex, ID: "g-1"}, regAda)
	r, peer := w.withPeer(unsubscribe.WithListPurpose("letter", "newsletter"))
	for _, scope := range []unsubscribe.Scope{unsubscribe.List, unsubscribe.Client, unsubscribe.Everything} {
		p := regOut(regAda, scope)
		e, err := r.OptOut(w.ctx, p)
		require.NoError(t, err)
		want := troth.Objection{Subject: regC17, Channel: "email", At: e.At, OriginID: e.ID}
		if scope == unsubscribe.List {
			want.Purpose = "newsletter"
		}
		require.Equal(t, want, peer.told[len(peer.told)-1])
	}
	require.Len(t, peer.told, 3, "of this client's people and no others")
	_, err := r.Report(w.ctx, unsubscribe.ReportParams{
		Tenant: regAcme, Channel: unsubscribe.Email, Address: troth.Protect(regAda), Kind: unsubscribe.KindBounce, Scope: unsubscribe.Client,
	})
	require.NoError(t, err)
	require.Len(t, peer.told, 3, "a bounce is nobody's word")
	_, err = r.OptOut(w.ctx, regOut("stranger@example.org", unsubscribe.Client))
	require.NoError(t, err)
	require.Len(t, peer.told, 3)
	w.wants(unsubscribe.ReasonOptOut, "stranger@example.org")
}

func TestObjections_BothOrNeither(t *testing.T) {
	w := newRegWorld(t)
	w.directory.add(regC17, regAda)
	r, peer := w.withPeer()
	peer.fail = errors.New("the ledger is down")
	_, err := r.OptOut(w.ctx, regOut(regAda, unsubscribe.Client))
	require.ErrorIs(t, err, peer.fail)
	w.wants(unsubscribe.ReasonClear, regAda)
	require.Empty(t, w.trail.Of("unsubscribe.event"))
	peer.fail, w.directory.fail = nil, errors.New("the directory is down")
	_, err = r.OptOut(w.ctx, regOut(regAda, unsubscribe.Client))
	require.ErrorIs(t, err, w.directory.fail)
	w.wants(unsubscribe.ReasonClear, regAda)
}

func TestObjections_WhatAnotherLedgerTellsIsKept(t *testing.T) {
	w := newRegWorld(t)
	w.directory.add(regC17, regAda)
	w.directory.add(regC17, "ada@work.example")
	r, peer := w.withPeer()
	o := troth.Objection{Subject: regC17, Purpose: "letter", At: w.clock.Now(), OriginID: "consent-event-1"}
	for range 2 {
		require.NoError(t, r.Object(w.ctx, o))
	}
	require.Empty(t, peer.told, "no echo")
	require.Len(t, w.trail.Of("unsubscribe.event"), 2, "one for each address, once")
	for _, address := range []string{regAda, "ada@work.example"} {
		require.Equal(t, unsubscribe.List, w.wants(unsubscribe.ReasonOptOut, address).Place.Scope)
	}
	offers := regLetter(regAcme)
	offers.List = "offers"
	require.True(t, w.check(offers, regAda).Send)
	o.Purpose, o.OriginID, o.At = "", "consent-event-2", w.clock.Now().Add(time.Second) // its clock is ahead
	require.NoError(t, r.Object(w.ctx, o))
	require.False(t, w.check(offers, regAda).Send)
}

func TestObjections_ItsOwnComesBackAsNothing(t *testing.T) {
	w := newRegWorld(t)
	w.directory.add(regC17, regAda)
	r, peer := w.withPeer()
	for _, scope := range []unsubscribe.Scope{unsubscribe.Client, unsubscribe.Everything} {
		_, err := r.OptOut(w.ctx, regOut(regAda, scope))
		require.NoError(t, err)
		before := len(w.trail.Of("unsubscribe.event"))
		require.NoError(t, r.Object(w.ctx, peer.told[len(peer.told)-1]))
		require.Len(t, w.trail.Of("unsubscribe.event"), before)
	}
	// Another client's event under the id is no reason to ignore a no.
	foreign := troth.Objection{Subject: troth.Subject{Tenant: regGlobex, ID: "g-1"}, At: w.clock.Now(), OriginID: peer.told[1].OriginID}
	w.directory.add(foreign.Subject, regAda)
	before := len(w.trail.Of("unsubscribe.event"))
	require.NoError(t, r.Object(w.ctx, foreign))
	require.Len(t, w.trail.Of("unsubscribe.event"), before+1)
}

func TestObjections_AreAnswered(t *testing.T) {
	w := newRegWorld(t)
	w.directory.add(regC17, regAda)
	w.directory.add(troth.Subject{Tenant: regGlobex, ID: "g-1"}, regAda)
	r, _ := w.withPeer()
	query := []troth.ObjectionQuery{
		{Subject: regC17, Purpose: "letter"},
		{Subject: regC17, Purpose: "offers"},
		{Subject: regC17, Purpose: "letter", Channel: "sms"},
		{Subject: troth.Subject{Tenant: regGlobex, ID: "g-1"}, Purpose: "letter"},
		{Subject: troth.Subject{Tenant: regAcme, ID: "nobody"}, Purpose: "letter"},
	}
	answers := func(want ...bool) {
		t.Helper()
		got, err := r.Objected(w.ctx, query)
		require.NoError(t, err)
		for i, a := range got {
			require.Equal(t, want[i], a.Objected, "%d: %+v", i, a)
			require.Equal(t, want[i], a.OriginID != "")
		}
	}
	// A bounce is nobody's word, and hides none.
	_, err := r.Report(w.ctx, unsubscribe.ReportParams{
		Tenant: regAcme, Channel: unsubscribe.Email, Address: troth.Protect(regAda), Kind: unsubscribe.KindBounce, Scope: unsubscribe.Client,
	})
	require.NoError(t, err)
	answers(false, false, false, false, false)
	_, err = r.OptOut(w.ctx, regOut(regAda, unsubscribe.List))
	require.NoError(t, err)
	answers(true, false, false, false, false)
	_, err = r.OptOut(w.ctx, regOut(regAda, unsubscribe.Everything))
	require.NoError(t, err)
	answers(true, true, false, true, false)
	w.directory.fail = errors.New("down")
	_, err = r.Objected(w.ctx, query)
	require.ErrorIs(t, err, w.directory.fail, "no answer is never permission")
	_, err = w.r.Objected(w.ctx, query)
	require.ErrorIs(t, err, unsubscribe.ErrNeeds)
}

func TestImport_TakesOptOutsWithoutProofAndNothingElse(t *testing.T) {
	w := newRegWorld(t)
	w.directory.add(regC17, regAda)
	r, peer := w.withPeer()
	params := unsubscribe.ImportParams{Tenant: regAcme, Channel: unsubscribe.Email, Scope: unsubscribe.Client, Source: "old-tool"}
	year := w.clock.Now().AddDate(-1, 0, 0)
	rows := func(yield func(unsubscribe.Imported, error) bool) {
		for _, row := range []unsubscribe.Imported{
			{Address: troth.Protect(regAda), At: year},
			{Address: troth.Protect("not an address")},
			{Address: troth.Protect("eve@example.org")},
			{Address: troth.Protect("back@example.org"), At: year},
			{Address: troth.Protect("later@example.org"), At: w.clock.Now().Add(time.Hour)},
			{Address: troth.Protect("EVE@example.org")},
		} {
			if !yield(row, nil) {
				return
			}
		}
	}
	w.optIn("back@example.org", unsubscribe.Client)
	report, err := r.Import(w.ctx, params, rows)
	require.NoError(t, err)
	require.Equal(t, unsubscribe.ImportReport{New: 4, Known: 1, Unreadable: []int{1}}, report)
	require.Equal(t, year, w.wants(unsubscribe.ReasonImport, regAda).At)
	w.wants(unsubscribe.ReasonImport, "eve@example.org")
	w.wants(unsubscribe.ReasonClear, "back@example.org")
	require.Len(t, w.trail.Of("unsubscribe.import"), 1)
	require.Len(t, peer.told, 1)
	report, err = r.Import(w.ctx, params, rows)
	require.NoError(t, err)
	require.Equal(t, unsubscribe.ImportReport{Known: 5, Unreadable: []int{1}}, report)
	require.Len(t, w.trail.Of("unsubscribe.import"), 1)
}

func TestImport_GoesOnWhereItFailed(t *testing.T) {
	w := newRegWorld(t)
	broken := errors.New("disk")
	params := unsubscribe.ImportParams{Tenant: regAcme, Channel: unsubscribe.Email, Scope: unsubscribe.Everything, Source: "old-tool"}
	rows := func(until int) func(yield func(unsubscribe.Imported, error) bool) {
		return func(yield func(unsubscribe.Imported, error) bool) {
			for i := range 700 {
				if i == until {
					yield(unsubscribe.Imported{}, broken)
					return
				}
				if !yield(unsubscribe.Imported{Address: troth.Protect("a" + time.Duration(i).String() + "@example.org")}, nil) {
					return
				}
			}
		}
	}
	report, err := w.r.Import(w.ctx, params, rows(600))
	require.ErrorIs(t, err, broken)
	require.Equal(t, 500, report.New, "whole batches")
	report, err = w.r.Import(w.ctx, params, rows(-1))
	require.NoError(t, err)
	require.Equal(t, unsubscribe.ImportReport{New: 200, Known: 500}, report)
	n := 0
	for row, err := range w.r.Entries(w.ctx, troth.Platform) {
		require.NoError(t, err)
		require.True(t, row.Live(unsubscribe.ReasonImport))
		n++
	}
	require.Equal(t, 700, n)
}

func TestObjections_PeopleOfOneAddressAreToldInOneOrder(t *testing.T) {
	w := newRegWorld(t)
	for _, id := range []string{"c-3", "c-1", "c-2"} {
		w.directory.add(troth.Subject{Tenant: regAcme, ID: id}, regAda)
	}
	r, peer := w.withPeer()
	_, err := r.OptOut(w.ctx, regOut(regAda, unsubscribe.Client))
	require.NoError(t, err)
	require.Len(t, peer.told, 3)
	for i, id := range []string{"c-1", "c-2", "c-3"} {
		require.Equal(t, id, peer.told[i].Subject.ID, "or two of them at once would wait for each other")
	}
}
