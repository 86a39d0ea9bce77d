package rights_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/rights"
)

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
