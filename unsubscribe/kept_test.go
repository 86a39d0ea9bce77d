package unsubscribe_test

import (
	"context"
	"iter"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/deadline"
	"github.com/trothdev/troth/internal/seamtest"
	"github.com/trothdev/troth/unsubscribe"
)

// A no is kept, whatever else is not in order.

func TestKept_AnAddressThatNobodyCanReadIsNoReasonToRefuse(t *testing.T) {
	w := newRegWorld(t)
	w.directory.add(regC17, regAda)
	w.directory.known = append(w.directory.known, regContact{regC17, unsubscribe.SMS, "0171 1234567"}) // national
	r, _ := w.withPeer(unsubscribe.Unmanaged("test"))
	require.NoError(t, r.Object(w.ctx, troth.Objection{Subject: regC17, At: w.clock.Now(), OriginID: "consent-event-1"}))
	w.wants(unsubscribe.ReasonOptOut, regAda)
	answers, err := r.Objected(w.ctx, []troth.ObjectionQuery{{Subject: regC17, Purpose: "letter"}})
	require.NoError(t, err)
	require.True(t, answers[0].Objected)
	n, err := r.Erase(w.ctx, unsubscribe.EraseParams{Tenant: regAcme, SubjectID: "c-17", Ground: "erasure-request"})
	require.NoError(t, err)
	require.Equal(t, 1, n)
}

func TestKept_WithoutARuleTheDefaultGivesTheDeadline(t *testing.T) {
	later, err := unsubscribe.Rules("canspam.optout.honour")
	require.NoError(t, err)
	later[0].From = deadline.Date{Year: 2099, Month: 1, Day: 1}
	for name, rules := range map[string][]deadline.Rule{"none": nil, "not in force": later, "not a rule": {{ID: "x"}}} {
		t.Run(name, func(t *testing.T) {
			w := newRegWorld(t)
			w.r = w.open(unsubscribe.WithProvider("mailer", &regProvider{}), unsubscribe.WithRules(func(troth.Tenant) []deadline.Rule { return rules }))
			e := w.optOut(regAda, unsubscribe.Client)
			told, err := w.r.Deliveries(w.ctx, regAcme, e.ID)
			require.NoError(t, err)
			require.Len(t, told, 1)
			require.Equal(t, unsubscribe.DefaultRule, told[0].Rule)
			require.Equal(t, w.clock.Now().Add(48*time.Hour).UnixMicro(), told[0].DueAt)
		})
	}
}

func TestKept_OfAPersonWhoseKeysAreDestroyedThereIsNoEvidence(t *testing.T) {
	w := newRegWorld(t)
	require.NoError(t, w.sealer.Shred(w.ctx, troth.Permit{}, troth.Subject{Tenant: "acme", ID: "c-17"}))
	p := regOut(regAda, unsubscribe.Client)
	p.SubjectID, p.Evidence.Note = "c-17", troth.Protect("an old message's link")
	e, err := w.r.OptOut(w.ctx, p)
	require.NoError(t, err)
	require.False(t, e.HasEvidence)
	w.wants(unsubscribe.ReasonOptOut, regAda)
}

func TestKept_AnInstantThatCannotBeIsNow(t *testing.T) {
	w := newRegWorld(t)
	imported := func(rows ...unsubscribe.Imported) iter.Seq2[unsubscribe.Imported, error] {
		return func(yield func(unsubscribe.Imported, error) bool) {
			for _, row := range rows {
				if !yield(row, nil) {
					return
				}
			}
		}
	}
	p := unsubscribe.ImportParams{Tenant: regAcme, Channel: unsubscribe.Email, Scope: unsubscribe.Client, Source: "old-tool"}
	report, err := w.r.Import(w.ctx, p, imported(
		unsubscribe.Imported{Address: troth.Protect("ahead@example.org"), At: w.clock.Now().Add(14 * time.Hour)},
		unsubscribe.Imported{Address: troth.Protect("zero@example.org"), At: time.Unix(0, 0)},
		unsubscribe.Imported{Address: troth.Protect("nobody")},
	))
	require.NoError(t, err)
	require.Equal(t, unsubscribe.ImportReport{New: 2, Unreadable: []int{2}}, report)
	for _, address := range []string{"ahead@example.org", "zero@example.org"} {
		require.Equal(t, w.clock.Now(), w.wants(unsubscribe.ReasonImport, address).At)
	}
	p.Tenant, p.Scope = troth.Platform, unsubscribe.Everything
	_, err = w.r.Import(w.ctx, p, imported(unsubscribe.Imported{Address: troth.Protect(regAda)}))
	require.ErrorIs(t, err, unsubscribe.ErrScope, "no list is taken for one that cannot be read")
}

func TestKept_AWiderObjectionIsNoEchoOfANarrowOptOut(t *testing.T) {
	w := newRegWorld(t)
	w.directory.add(regC17, regAda)
	r, _ := w.withPeer()
	p := regOut(regAda, unsubscribe.List)
	p.ID = "request-1"
	_, err := r.OptOut(w.ctx, p)
	require.NoError(t, err)
	// The host gives both ledgers the id of the request.
	require.NoError(t, r.Object(w.ctx, troth.Objection{Subject: regC17, At: w.clock.Now(), OriginID: "request-1"}))
	offers := regLetter(regAcme)
	offers.List = "offers"
	require.False(t, w.check(offers, regAda).Send)
}

func TestKept_ANewNoHasTheMailboxOfTheRulesInForce(t *testing.T) {
	w := newRegWorld(t)
	exact := w.open(unsubscribe.WithExactAddresses(func(troth.Tenant) bool { return true }))
	_, err := exact.OptOut(w.ctx, regOut("a.da+shop@gmail.com", unsubscribe.Client))
	require.NoError(t, err)
	w.wants(unsubscribe.ReasonClear, "ada@gmail.com")
	w.optOut("a.da+shop@gmail.com", unsubscribe.Client)
	w.wants(unsubscribe.ReasonOptOut, "ada@gmail.com")
}

func TestKept_ErasureTakesNothingOfAnotherClient(t *testing.T) {
	w := newRegWorld(t)
	r := w.open(unsubscribe.Unmanaged("test"), unsubscribe.WithShredder(w.sealer.Shred))
	for _, client := range []troth.Tenant{regAcme, regGlobex} {
		p := regOut(regAda, unsubscribe.Everything)
		p.Tenant, p.Evidence.Note = client, troth.Protect("rang up")
		_, err := r.OptOut(w.ctx, p)
		require.NoError(t, err)
	}
	w.clock.Move(time.Second)
	n, err := r.Erase(w.ctx, unsubscribe.EraseParams{
		Tenant: regAcme, Channel: unsubscribe.Email, Address: troth.Protect(regAda), Ground: "erasure-request",
	})
	require.NoError(t, err)
	require.Equal(t, 1, n)
	for client, gone := range map[troth.Tenant]bool{regAcme: true, regGlobex: false} {
		h, err := r.History(w.ctx, client, unsubscribe.Email, troth.Protect(regAda), "court")
		require.NoError(t, err)
		require.Equal(t, unsubscribe.KindOptOut, h.Events[0].Event.Kind)
		require.Equal(t, gone, h.Events[0].EvidenceGone, "%s", client)
	}
}

// goneQueue cannot seal anything of Acme, whose keys are destroyed.
type goneQueue struct{ *seamtest.Queue }

func (q goneQueue) Enqueue(ctx context.Context, w troth.Work) (string, error) {
	if w.Tenant == regAcme {
		return "", seamtest.Gone()
	}
	return q.Queue.Enqueue(ctx, w)
}

// A message outlives the client who sent it: its link still ends what others send,
// and the provider who has the address is still told.
func TestKept_AClientThatIsGoneIsNoReasonToRefuse(t *testing.T) {
	w := newRegWorld(t)
	w.directory.add(regC17, regAda)
	mailer := &regProvider{}
	r, peer := w.withPeer(unsubscribe.WithProvider("mailer", mailer), unsubscribe.WithEnqueuer(goneQueue{w.queue}))
	peer.fail = seamtest.Gone()
	for i, scope := range []unsubscribe.Scope{unsubscribe.Client, unsubscribe.Everything} {
		e, err := r.OptOut(w.ctx, regOut(regAda, scope))
		require.NoError(t, err)
		require.Equal(t, scope, w.wants(unsubscribe.ReasonOptOut, regAda).Place.Scope)
		work := w.queue.Pending("")[i]
		require.Equal(t, troth.Platform, work.Tenant)
		outcome, err := r.Do(w.ctx, regJob(work, 1))
		require.NoError(t, err)
		require.Equal(t, troth.Completed, outcome)
		registry := regAcme
		if scope == unsubscribe.Everything {
			registry = troth.Platform
		}
		told, err := r.Deliveries(w.ctx, registry, e.ID)
		require.NoError(t, err)
		require.Equal(t, unsubscribe.DeliveryTold, told[0].State)
	}
}
