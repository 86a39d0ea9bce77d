package consent_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/consent"
)

func TestWithdrawal_ReachesEveryProcessorUntilItKnows(t *testing.T) {
	var told []consent.Withdrawal
	down := true
	w := newWorld(t,
		consent.WithProcessor("mailer", consent.ProcessorFunc(func(_ context.Context, one consent.Withdrawal) error {
			if down {
				return errors.New("down")
			}
			told = append(told, one)
			return nil
		})),
		consent.WithProcessor("ads", consent.ProcessorFunc(func(context.Context, consent.Withdrawal) error { return nil }), stats))
	w.publish(consent.Terms{Purpose: letter})
	w.publish(consent.Terms{Purpose: stats})
	w.say(ada, letter, consent.Granted)
	require.Empty(t, w.queue.Pending(""))
	e := w.say(ada, letter, consent.Withdrawn)
	work := w.queue.Pending(consent.WorkWithdraw)
	require.Len(t, work, 1, "advertising has nothing to do with the letter")
	outcome, err := w.ledger.Do(w.ctx, work[0])
	require.Error(t, err)
	require.Equal(t, troth.Retry, outcome)
	d, err := w.ledger.Deliveries(w.ctx, acme, e.ID)
	require.NoError(t, err)
	require.Len(t, d, 1)
	require.Zero(t, d[0].AckedAt)
	down = false
	for range 2 {
		outcome, err = w.ledger.Do(w.ctx, work[0])
		require.NoError(t, err)
		require.Equal(t, troth.Completed, outcome)
	}
	require.Equal(t, consent.Withdrawal{Subject: ada, Purpose: letter, Kind: consent.Withdrawn, Event: e.ID, GivenAt: e.GivenAt}, told[0])
	require.Len(t, w.trail.Of("consent.told"), 1, "acknowledged once")
	d, err = w.ledger.Deliveries(w.ctx, acme, e.ID)
	require.NoError(t, err)
	require.NotZero(t, d[0].AckedAt)
	w.say(ada, stats, consent.Objected)
	require.Len(t, w.queue.Pending(consent.WorkWithdraw), 3)
	// What cannot be enqueued is not withdrawn.
	w.say(subject("c-18"), letter, consent.Granted)
	full := errors.New("full")
	w.queue.Fail(full)
	_, err = w.ledger.Record(w.ctx, w.form(subject("c-18"), letter, consent.Withdrawn))
	require.ErrorIs(t, err, full)
	w.wants(subject("c-18"), letter, consent.ReasonGranted)
	for _, bad := range []troth.Work{{Kind: "x"}, {Kind: consent.WorkNotify, Payload: []byte("x")}, {Kind: consent.WorkAnnounce, Tenant: globex, Payload: []byte(`{"Tenant":"acme"}`)}} {
		outcome, err = w.ledger.Do(w.ctx, bad)
		require.Error(t, err)
		require.Equal(t, troth.Failed, outcome)
	}
}

func TestMarketing_IsToldAndAskedInBothDirections(t *testing.T) {
	p := &peer{objects: map[troth.Subject]bool{}}
	w := newWorld(t, consent.WithObjections(p))
	w.publish(consent.Terms{Purpose: letter, DirectMarketing: true})
	w.publish(consent.Terms{Purpose: stats})
	w.say(ada, letter, consent.Granted)
	w.say(ada, stats, consent.Granted)
	w.say(ada, stats, consent.Withdrawn)
	require.Empty(t, p.told, "statistics are no marketing")
	e := w.say(ada, letter, consent.Withdrawn)
	require.Equal(t, []troth.Objection{{Subject: ada, Purpose: letter, At: e.GivenAt, OriginID: e.ID}}, p.told)
	// An echo changes nothing; and what only looks like one does.
	require.NoError(t, w.ledger.Object(w.ctx, p.told[0]))
	require.Len(t, w.trail.Of("consent.event"), 4)
	bo := subject("c-18")
	w.say(bo, letter, consent.Granted)
	require.NoError(t, w.ledger.Object(w.ctx, troth.Objection{Subject: bo, Purpose: letter, OriginID: e.ID}))
	w.wants(bo, letter, consent.ReasonObjected)
	require.Len(t, p.told, 1, "what a ledger told is not told back")
	// What the other knows denies, and so does that it does not answer.
	cy := subject("c-19")
	w.say(cy, letter, consent.Granted)
	w.wants(cy, letter, consent.ReasonGranted)
	p.objects[cy] = true
	d := w.wants(cy, letter, consent.ReasonObjected)
	require.Equal(t, "opt-out-1", d.Event)
	batch, err := w.ledger.CheckBatch(w.ctx, consent.Batch{Tenant: acme, Purpose: letter, SubjectIDs: []string{cy.ID}})
	require.NoError(t, err)
	require.Equal(t, consent.ReasonObjected, batch[0].Reason)
	p.fail = errors.New("down")
	d, err = w.ledger.Check(w.ctx, cy, letter, time.Time{})
	require.ErrorIs(t, err, p.fail)
	require.False(t, d.Allowed)
	require.Equal(t, consent.ReasonUnavailable, d.Reason)
	_, err = w.ledger.CheckBatch(w.ctx, consent.Batch{Tenant: acme, Purpose: letter, SubjectIDs: []string{cy.ID}})
	require.ErrorIs(t, err, p.fail)
	_, err = w.ledger.Record(w.ctx, w.form(cy, letter, consent.Withdrawn))
	require.ErrorIs(t, err, p.fail)
	p.fail = nil
	answers, err := w.ledger.Objected(w.ctx, []troth.ObjectionQuery{{Subject: ada, Purpose: letter}, {Subject: cy, Purpose: letter}, {Subject: bo, Purpose: letter}})
	require.NoError(t, err)
	require.Equal(t, []bool{true, false, true}, []bool{answers[0].Objected, answers[1].Objected, answers[2].Objected}, "this ledger answers for itself")
}

func TestObject_IsIdempotentByOriginAndTakesEverything(t *testing.T) {
	w := newWorld(t)
	w.publish(consent.Terms{Purpose: letter, DirectMarketing: true})
	w.publish(consent.Terms{Purpose: stats})
	w.say(ada, letter, consent.Granted)
	w.say(ada, stats, consent.Granted)
	o := troth.Objection{Subject: ada, OriginID: "opt-out-1", At: w.clock.Now().Add(time.Hour)}
	for range 2 {
		require.NoError(t, w.ledger.Object(w.ctx, o))
	}
	require.Len(t, w.trail.Of("consent.event"), 3)
	w.wants(ada, letter, consent.ReasonObjected)
	w.wants(ada, stats, consent.ReasonGranted)
	// Also to what no catalogue knows.
	require.NoError(t, w.ledger.Object(w.ctx, troth.Objection{Subject: ada, Purpose: "unheard-of", OriginID: "opt-out-2"}))
	answers, err := w.ledger.Objected(w.ctx, []troth.ObjectionQuery{{Subject: ada, Purpose: "unheard-of"}})
	require.NoError(t, err)
	require.True(t, answers[0].Objected)
}

func TestLink_UpgradesNobodyAndRewritesNothing(t *testing.T) {
	w := newWorld(t)
	for _, p := range []troth.Purpose{letter, stats, "ads"} {
		w.publish(consent.Terms{Purpose: p})
	}
	device := subject("device")
	before := w.say(device, letter, consent.Granted)
	w.say(ada, stats, consent.Refused)
	w.say(device, stats, consent.Granted)
	w.say(ada, "ads", consent.Granted)
	w.say(device, "ads", consent.Withdrawn)
	w.clock.Move(time.Hour)
	known := w.clock.Now()
	w.wants(ada, letter, consent.ReasonUnknown)
	w.clock.Move(time.Hour)
	p := consent.LinkParams{Tenant: acme, Device: device.ID, Account: ada.ID}
	for range 2 {
		require.NoError(t, w.ledger.Link(w.ctx, p))
	}
	require.Len(t, w.trail.Of("consent.link"), 1)
	require.Equal(t, before.ID, w.wants(ada, letter, consent.ReasonGranted).Event)
	w.wants(ada, stats, consent.ReasonRefused)
	w.wants(ada, "ads", consent.ReasonWithdrawn)
	d, err := w.ledger.CheckAsKnown(w.ctx, ada, letter, w.clock.Now(), known)
	require.NoError(t, err)
	require.Equal(t, consent.ReasonUnknown, d.Reason, "as known before the link")
	w.say(device, letter, consent.Withdrawn)
	w.wants(ada, letter, consent.ReasonGranted)
	w.wants(device, letter, consent.ReasonWithdrawn)
	require.NoError(t, w.ledger.VerifyPerson(w.ctx, ada))
	require.ErrorIs(t, w.ledger.Link(w.ctx, consent.LinkParams{Tenant: acme, Device: device.ID, Account: "c-18"}), consent.ErrLinked)
	require.Error(t, w.ledger.Link(w.ctx, consent.LinkParams{Tenant: acme, Device: ada.ID, Account: ada.ID}))
}

func TestRefusal_EndsOnlyWhatWasGranted(t *testing.T) {
	w := newWorld(t, consent.WithProcessor("mailer", consent.ProcessorFunc(func(context.Context, consent.Withdrawal) error { return nil })))
	w.publish(consent.Terms{Purpose: letter})
	w.say(ada, letter, consent.Refused)
	require.Empty(t, w.queue.Pending(consent.WorkWithdraw))
	w.say(ada, letter, consent.Granted)
	w.say(ada, letter, consent.Refused)
	require.Len(t, w.queue.Pending(consent.WorkWithdraw), 1)
	f := w.form(ada, letter, consent.Imported)
	_, err := w.ledger.Record(w.ctx, f)
	require.Error(t, err, "an import says that it is one")
	f.Method, f.Import = consent.ByImport, &consent.Import{From: "old-crm", By: "migration-2026"}
	w.sayForm(f)
	w.wants(ada, letter, consent.ReasonGranted)
}
