package rights_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/rights"
)

// step carries a request on until it stands.
func (w *world) step(id string) rights.Request {
	w.Helper()
	require.NoError(w, w.desk.Step(w.ctx, acme, id))
	return w.get(id)
}

// approved is a request whose review is over.
func (w *world) approved(right rights.Right, change ...func(s *rights.Submission)) rights.Request {
	w.Helper()
	r := w.accepted(right, change...)
	require.Equal(w, rights.StateReviewing, w.step(r.ID).State)
	r, err := w.desk.Approve(w.ctx, acme, r.ID)
	require.NoError(w, err)
	return r
}

// work is how far a request is, by source.
func (w *world) work(id string) map[string]rights.SourceWork {
	w.Helper()
	all, err := w.desk.Work(w.ctx, acme, id)
	require.NoError(w, err)
	by := map[string]rights.SourceWork{}
	for _, one := range all {
		by[one.Source] = one
	}
	return by
}

// outcomes are the outcomes of a request, by source.
func (w *world) outcomes(id string) map[string]rights.Outcome {
	w.Helper()
	by := map[string]rights.Outcome{}
	for name, one := range w.work(id) {
		by[name] = one.Outcome
	}
	return by
}

func (w *world) obligations(id string) (kinds []rights.ObligationKind) {
	w.Helper()
	all, err := w.desk.Obligations(w.ctx, acme, id)
	require.NoError(w, err)
	for _, o := range all {
		kinds = append(kinds, o.Kind)
	}
	return kinds
}

func TestCollect_GoesOnUntilNobodyNamesAnythingNew(t *testing.T) {
	s := newShop()
	w := newWorld(t, s.options()...)
	r := w.accepted(rights.Access)
	r = w.step(r.ID)
	require.Equal(t, rights.StateReviewing, r.State)
	for name, found := range map[string]uint64{"account": 1, "orders": 3, "provider": 2, "index": 4, "mailbox": 0} {
		require.True(t, w.work(r.ID)[name].Located, name)
		require.Equal(t, found, w.work(r.ID)[name].Found, name)
	}
	require.Empty(t, s.acts(), "nothing was changed")
}

func TestCollect_StopsAtASourceThatNeverStops(t *testing.T) {
	s := newShop()
	for i := range 1100 {
		s.account.names = append(s.account.names, id("number", time.Duration(i).String()))
	}
	w := newWorld(t, s.options(rights.WithTries(1))...)
	r := w.accepted(rights.Access)
	require.NoError(t, w.desk.Step(w.ctx, acme, r.ID))
	w.clock.Move(time.Hour)
	require.Equal(t, rights.StateReviewing, w.step(r.ID).State)
	require.False(t, w.work(r.ID)["account"].Located)
}

func TestSettle_APersonSaysWhatBecameOfASource(t *testing.T) {
	s := newShop()
	w := newWorld(t, s.options(rights.WithTries(1))...)
	r := w.approved(rights.Erase)
	s.provider.fails = 1
	require.NoError(t, w.desk.Step(w.ctx, acme, r.ID))
	r = w.step(r.ID)
	said := rights.Report{Outcome: rights.Done, Method: rights.Deleted, Records: 2}
	err := w.desk.Settle(w.ctx, acme, r.ID, "provider", said)
	require.ErrorIs(t, err, rights.ErrReport, "nothing shows it")
	require.ErrorContains(t, err, "needs a Ref")
	said.Ref = "letter-12"
	require.Error(t, w.desk.Settle(w.ctx, acme, r.ID, "orders", said), "that is done")
	require.ErrorIs(t, w.desk.Settle(w.ctx, globex, r.ID, "provider", said), rights.ErrNotFound)
	require.NoError(t, w.desk.Settle(w.ctx, acme, r.ID, "provider", said))
	require.Equal(t, rights.Done, w.outcomes(r.ID)["provider"])
	require.Equal(t, "letter-12", w.work(r.ID)["provider"].Ref)
	require.Empty(t, w.obligations(r.ID))
}

func TestChange_WhatNeedsNoIdentityNeedsNoReview(t *testing.T) {
	for _, right := range []rights.Right{rights.OptOut, rights.LimitSensitive, rights.WithdrawConsent} {
		s := newShop()
		w := newWorld(t, s.options()...)
		r := w.submit(right)
		p, err := w.desk.Proof(w.ctx, acme, r.ID)
		require.NoError(t, err)
		_, err = w.desk.Accept(w.ctx, acme, r.ID, p)
		require.NoError(t, err)
		r = w.step(r.ID)
		require.Equal(t, rights.StateDelivering, r.State, right)
		require.Contains(t, s.acts(), "object account", right)
	}
}

func TestChange_EachRightHasItsOwnPart(t *testing.T) {
	for right, what := range map[rights.Right]string{
		rights.Correct: "correct", rights.Restrict: "restrict", rights.Object: "object",
	} {
		s := newShop()
		w := newWorld(t, s.options()...)
		r := w.approved(right)
		require.Equal(t, rights.StateDelivering, w.step(r.ID).State, right)
		require.Contains(t, s.acts(), what+" orders", right)
		require.Len(t, s.acts(), 5, right)
	}
}

func TestReport_MustSayWhatBelongsToIt(t *testing.T) {
	kept := []rights.Kept{{Basis: rights.LegalClaims, Records: 1, Review: time.Unix(1, 0)}}
	for name, r := range map[string]rights.Report{
		"nothing":                      {},
		"no such outcome":              {Outcome: "perhaps"},
		"done, and not how":            {Outcome: rights.Done},
		"done, and kept":               {Outcome: rights.Done, Method: rights.Deleted, Kept: kept},
		"nothing found, and not asked": {Outcome: rights.NothingFound},
		"nothing found of three":       {Outcome: rights.NothingFound, Asked: []string{"email"}, Records: 3},
		"kept, and not what":           {Outcome: rights.Retained, Method: rights.Deleted},
		"kept for ever":                {Outcome: rights.Retained, Kept: []rights.Kept{{Basis: rights.LegalClaims, Records: 1}}},
		"kept for no reason":           {Outcome: rights.Retained, Kept: []rights.Kept{{Basis: "because", Review: time.Unix(1, 0)}}},
		"a person among the kinds":     {Outcome: rights.NothingFound, Asked: []string{"ada canary\n"}},
		"failed, and done":             {Outcome: rights.Failed, Records: 1},
		"no such method":               {Outcome: rights.Done, Method: "hidden"},
	} {
		s := newShop()
		w := newWorld(t, s.options(rights.WithTries(1), rights.WithSource(rights.Source{
			Name: "odd", Order: rights.Derived, Eraser: says{r},
		}))...)
		q := w.approved(rights.Erase)
		require.NoError(t, w.desk.Step(w.ctx, acme, q.ID), name)
		w.clock.Move(time.Hour)
		w.step(q.ID)
		require.Equal(t, rights.Failed, w.outcomes(q.ID)["odd"], name)
	}
}

// TestRequest_OfTwoTenants: sources are asked with the tenant of the request, and what is
// known of one is nobody else's.
func TestRequest_OfTwoTenants(t *testing.T) {
	s := newShop()
	w := newWorld(t, s.options()...)
	r := w.approved(rights.Erase)
	work, err := w.desk.Work(w.ctx, globex, r.ID)
	require.NoError(t, err)
	require.Empty(t, work)
	require.NoError(t, w.desk.Step(w.ctx, globex, r.ID))
	require.Equal(t, rights.StateCoolingOff, w.get(r.ID).State)
	_, err = w.desk.Certify(w.ctx, globex, r.ID)
	require.ErrorIs(t, err, rights.ErrNotFound)
	w.step(r.ID)
	erased, err := w.desk.Erased(w.ctx, globex, []rights.Identifier{id("email", canary)})
	require.NoError(t, err)
	require.Equal(t, []bool{false}, erased)
}

func TestSource_IsAskedForItsRightsAlone(t *testing.T) {
	s := newShop()
	only := s.index.source()
	only.Name, only.For = "only", []rights.Right{rights.Erase}
	w := newWorld(t, s.options(rights.WithSource(only))...)
	r := w.accepted(rights.Access)
	w.step(r.ID)
	require.NotContains(t, w.work(r.ID), "only")
	require.Contains(t, w.work(w.approved(rights.Erase).ID), "only")
}
