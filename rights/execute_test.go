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

func TestErase_DerivedAndRemoteFirstIdentityLast(t *testing.T) {
	s := newShop()
	w := newWorld(t, s.options()...)
	r := w.approved(rights.Erase)
	require.Equal(t, rights.StateCoolingOff, r.State)
	r = w.step(r.ID)
	require.Equal(t, rights.StateDelivering, r.State)
	require.Equal(t, []string{"erase index", "erase provider", "erase mailbox", "erase orders", "erase account"}, s.acts())
	require.Equal(t, map[string]rights.Outcome{
		"index": rights.Done, "provider": rights.Done, "mailbox": rights.NothingFound, "orders": rights.Done, "account": rights.Done,
	}, w.outcomes(r.ID))
	require.Equal(t, map[string]uint64{"4712": 9}, s.orders.held, "somebody else's")
	require.Equal(t, 5, r.Done)
	require.Zero(t, r.Left)
	require.Empty(t, w.obligations(r.ID))
}

// TestErase_GoesOnWhenSourcesHaveLostHer: what she is found by was written down before
// anything was destroyed, so that a source which failed finds her when those are gone
// that named it.
func TestErase_GoesOnWhenSourcesHaveLostHer(t *testing.T) {
	s := newShop()
	w := newWorld(t, s.options(rights.WithTries(3))...)
	r := w.approved(rights.Erase)
	s.provider.fails = 3
	for range 3 {
		require.NoError(t, w.desk.Step(w.ctx, acme, r.ID))
		w.clock.Move(time.Hour)
	}
	require.Equal(t, rights.StateDelivering, w.step(r.ID).State)
	require.Equal(t, rights.Failed, w.outcomes(r.ID)["provider"])
	require.Equal(t, []rights.ObligationKind{rights.ManualTask}, w.obligations(r.ID))
	require.NotContains(t, s.account.held, canary)
	require.Equal(t, 1, w.get(r.ID).Left)
}

func TestErase_BatchesAddUp(t *testing.T) {
	s := newShop()
	s.orders.held["4711"], s.orders.batch = 10, 3
	w := newWorld(t, s.options()...)
	r := w.approved(rights.Erase)
	w.step(r.ID)
	require.EqualValues(t, 10, w.work(r.ID)["orders"].Records)
	require.Equal(t, rights.Done, w.outcomes(r.ID)["orders"])
}

func TestErase_AFailureIsTriedAgainAndCountedOnce(t *testing.T) {
	s := newShop()
	w := newWorld(t, s.options()...)
	r := w.approved(rights.Erase)
	s.orders.fails = 2
	require.Equal(t, rights.StateExecuting, w.step(r.ID).State)
	require.Equal(t, 1, w.work(r.ID)["orders"].Tries)
	require.Contains(t, s.account.held, canary, "the next order waits")
	require.Equal(t, rights.NothingFound, w.outcomes(r.ID)["mailbox"], "its own does not")
	w.clock.Move(time.Minute)
	w.sweep()
	w.clock.Move(time.Minute)
	w.sweep()
	require.Equal(t, rights.StateDelivering, w.get(r.ID).State)
	require.EqualValues(t, 3, w.work(r.ID)["orders"].Records)
	require.Equal(t, 5, w.get(r.ID).Done)
}

func TestErase_APanicIsAFailure(t *testing.T) {
	s := newShop()
	w := newWorld(t, s.options(rights.WithTries(1))...)
	r := w.approved(rights.Erase)
	s.orders.panics = true
	require.NoError(t, w.desk.Step(w.ctx, acme, r.ID))
	require.Equal(t, rights.StateDelivering, w.step(r.ID).State)
	require.Equal(t, rights.Failed, w.outcomes(r.ID)["orders"])
}

func TestErase_WhatASourceCannotDoIsNeverDone(t *testing.T) {
	s := newShop()
	logs := rights.Source{Name: "logs", Order: rights.Derived}
	w := newWorld(t, s.options(rights.WithSource(logs))...)
	r := w.approved(rights.Erase)
	r = w.step(r.ID)
	require.Equal(t, rights.Unsupported, w.outcomes(r.ID)["logs"])
	require.Equal(t, 1, r.Left)
	r, err := w.desk.Fire(w.ctx, acme, r.ID, rights.Delivered)
	require.NoError(t, err)
	require.Equal(t, rights.StatePartiallyFulfilled, r.State)
}

// TestErase_KnowsTheSourcesOfItsAcceptance: what is registered later is not asked, and
// what is gone by then is missed.
func TestErase_KnowsTheSourcesOfItsAcceptance(t *testing.T) {
	s := newShop()
	w := newWorld(t, s.options()...)
	r := w.approved(rights.Erase)
	late := &shelf{house: s.house, name: "late", order: rights.Derived, by: "subject", held: map[string]uint64{ada.ID: 1}}
	w.desk = w.open(
		rights.WithController("Acme Ltd."), rights.WithSource(late.source()), rights.WithSource(s.account.source()),
		rights.WithSource(s.provider.source()), rights.WithSource(s.index.source()), rights.WithSource(s.mailbox.source()),
	)
	r = w.step(r.ID)
	require.Equal(t, rights.StateDelivering, r.State)
	require.Equal(t, rights.Failed, w.outcomes(r.ID)["orders"])
	require.NotContains(t, w.outcomes(r.ID), "late")
	require.Equal(t, []rights.ObligationKind{rights.ManualTask}, w.obligations(r.ID))
}

// TestErase_ReleaseOfTheHoldFinishesByItself: what is held stays and says so, the rest
// goes, and what was held goes when it may, long after the answer.
func TestErase_ReleaseOfTheHoldFinishesByItself(t *testing.T) {
	s := newShop()
	w := newWorld(t, s.options()...)
	review := w.clock.Now().AddDate(1, 0, 0)
	s.orders.kept = []rights.Kept{{Basis: rights.LegalClaims, Records: 1, Review: review, Cite: "Art. 17(3)(e) GDPR"}}
	r := w.approved(rights.Erase)
	r = w.step(r.ID)
	require.Equal(t, rights.Retained, w.outcomes(r.ID)["orders"])
	require.EqualValues(t, 2, w.work(r.ID)["orders"].Records)
	require.Equal(t, []rights.ObligationKind{rights.DeferredErasure}, w.obligations(r.ID))
	require.NotContains(t, s.account.held, canary, "the rest goes")
	r, err := w.desk.Fire(w.ctx, acme, r.ID, rights.Delivered)
	require.NoError(t, err)
	require.Equal(t, rights.StatePartiallyFulfilled, r.State)

	w.sweep()
	entries := len(w.trail.All())
	for range 5 {
		w.clock.Move(25 * time.Hour)
		w.sweep()
	}
	require.Len(t, w.trail.All(), entries, "nothing new is told of")
	require.EqualValues(t, 2, w.work(r.ID)["orders"].Records)

	s.orders.kept = nil
	w.clock.Move(25 * time.Hour)
	w.sweep()
	require.Equal(t, rights.Done, w.outcomes(r.ID)["orders"])
	require.EqualValues(t, 3, w.work(r.ID)["orders"].Records)
	require.Empty(t, w.obligations(r.ID))
	require.Equal(t, map[string]uint64{"4712": 9}, s.orders.held)
	calls := len(s.acts())
	w.clock.Move(25 * time.Hour)
	w.sweep()
	require.Len(t, s.acts(), calls, "it is asked no more")
}

func TestErase_ARecipientWhoHasNotAnswered(t *testing.T) {
	s := newShop()
	w := newWorld(t, s.options(rights.WithAnswerTime(48*time.Hour))...)
	s.provider.pending = true
	r := w.approved(rights.Erase)
	r = w.step(r.ID)
	require.Equal(t, rights.StateDelivering, r.State, "it keeps nobody waiting")
	require.Equal(t, []rights.ObligationKind{rights.RecipientAnswer}, w.obligations(r.ID))
	require.Equal(t, 1, r.Left)
	w.clock.Move(49 * time.Hour)
	w.sweep()
	require.Contains(t, w.bells.stages(), rights.Late)
	s.provider.pending = false
	w.clock.Move(25 * time.Hour)
	w.sweep()
	require.Equal(t, rights.Done, w.outcomes(r.ID)["provider"])
	require.EqualValues(t, 2, w.work(r.ID)["provider"].Records, "what was told twice was done once")
	require.Empty(t, w.obligations(r.ID))
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

// TestErase_NotBeforeSheHasSeenIt: a request to erase waits for one to see the data.
func TestErase_NotBeforeSheHasSeenIt(t *testing.T) {
	s := newShop()
	w := newWorld(t, s.options()...)
	see := w.accepted(rights.Access)
	erase := w.approved(rights.Erase)
	require.Equal(t, rights.StateCoolingOff, w.step(erase.ID).State)
	w.step(see.ID)
	_, err := w.desk.Approve(w.ctx, acme, see.ID)
	require.NoError(t, err)
	w.clock.Move(2 * time.Hour)
	require.Equal(t, rights.StateCoolingOff, w.step(erase.ID).State)
	_, err = w.desk.Fire(w.ctx, acme, see.ID, rights.Delivered)
	require.NoError(t, err)
	w.clock.Move(2 * time.Hour)
	require.Equal(t, rights.StateDelivering, w.step(erase.ID).State)
}

func TestErase_CoolsOff(t *testing.T) {
	s := newShop()
	w := newWorld(t, append(s.options(), rights.WithCoolingOff(72*time.Hour))...)
	r := w.approved(rights.Erase)
	w.clock.Move(71 * time.Hour)
	w.sweep()
	require.Equal(t, rights.StateCoolingOff, w.step(r.ID).State)
	require.Empty(t, s.acts())
	w.clock.Move(2 * time.Hour)
	w.sweep()
	require.Equal(t, rights.StateDelivering, w.get(r.ID).State)
}

func TestErase_CanBeTakenBackWhileItCoolsOff(t *testing.T) {
	s := newShop()
	w := newWorld(t, append(s.options(), rights.WithCoolingOff(72*time.Hour))...)
	r := w.approved(rights.Erase)
	p, err := w.desk.Proof(w.ctx, acme, r.ID)
	require.NoError(t, err)
	_, err = w.desk.Withdraw(w.ctx, acme, r.ID, p)
	require.NoError(t, err)
	w.clock.Move(80 * time.Hour)
	w.sweep()
	require.Equal(t, rights.StateWithdrawn, w.step(r.ID).State)
	require.Empty(t, s.acts())
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

// TestErase_WhatEndsByItselfKeepsNoContents: a duty to keep something for a time, and
// backups, need nothing of what the person is found by.
func TestErase_WhatEndsByItselfKeepsNoContents(t *testing.T) {
	s := newShop()
	w := newWorld(t, s.options()...)
	until := w.clock.Now().AddDate(1, 0, 0)
	s.orders.kept = []rights.Kept{{Basis: rights.LegalObligation, Records: 1, Until: until, Cite: "§ 147 AO"}}
	s.account.copies = w.clock.Now().AddDate(0, 6, 0)
	r := w.step(w.approved(rights.Erase).ID)
	require.Equal(t, []rights.ObligationKind{rights.BackupExpiry, rights.KeptUntil}, w.obligations(r.ID))
	_, err := w.desk.Fire(w.ctx, acme, r.ID, rights.Delivered)
	require.NoError(t, err)
	w.clock.Move(91 * 24 * time.Hour)
	w.sweep()
	_, err = w.desk.Contents(w.ctx, acme, r.ID, "test")
	require.ErrorIs(t, err, rights.ErrGone)
	require.Len(t, w.obligations(r.ID), 2)
	s.orders.by, s.orders.kept, s.orders.held = "subject", nil, map[string]uint64{ada.ID: 1}
	w.clock.Set(until.Add(25 * time.Hour))
	w.sweep()
	require.Empty(t, w.obligations(r.ID))
	require.Equal(t, rights.Done, w.outcomes(r.ID)["orders"])
}

// TestErase_CopiesThatGoLater: when the last copy is gone may have changed since, and is
// asked for before anybody says that it is.
func TestErase_CopiesThatGoLater(t *testing.T) {
	s := newShop()
	w := newWorld(t, s.options()...)
	first := w.clock.Now().AddDate(0, 0, 10)
	s.orders.copies = first
	r := w.step(w.approved(rights.Erase).ID)
	s.orders.copies = first.AddDate(0, 0, 10)
	w.clock.Set(first.Add(time.Minute))
	w.sweep()
	require.Equal(t, []rights.ObligationKind{rights.BackupExpiry}, w.obligations(r.ID))
	require.EqualValues(t, 3, w.work(r.ID)["orders"].Records)
	w.clock.Set(first.AddDate(0, 0, 11))
	w.sweep()
	require.Empty(t, w.obligations(r.ID))
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

// By which rules a source works is noted when the request is accepted, and told with what
// became of it.
func TestErase_SaysByWhichPolicyItWasAccepted(t *testing.T) {
	s := newShop()
	by := func(policy string) []rights.Option {
		source := s.account.source()
		source.Policy = policy
		return []rights.Option{rights.WithCoolingOff(0), rights.WithSource(source)}
	}
	w := newWorld(t, by("policy-1")...)
	r := w.approved(rights.Erase)
	w.desk = w.open(by("policy-2")...)
	require.Equal(t, rights.StateDelivering, w.step(r.ID).State)
	require.Equal(t, "policy-1", w.work(r.ID)["account"].Policy)
	told := 0
	for _, e := range w.trail.All() {
		if e.Act.Name == "rights.source" {
			require.Equal(t, "policy-1", e.Facts["policy"].Text())
			told++
		}
	}
	require.Equal(t, 1, told)
}
