package rights_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/deadline"
	"github.com/trothdev/troth/rights"
)

func dayOf(at time.Time) string { return at.Add(-time.Microsecond).UTC().Format(time.DateOnly) }

func TestDeadline_TheEarliestLeads(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		right   rights.Right
		regimes []string
		day     string
		rule    string
	}{
		// 5 April 2026 is a Sunday, and the 6th Easter Monday; the strict reading knows
		// weekends only.
		{rights.Access, []string{"gdpr"}, "2026-04-06", "gdpr.access.respond"},
		{rights.Erase, []string{"gdpr"}, "2026-04-06", "gdpr.erasure.respond"},
		{rights.Recipients, []string{"gdpr"}, "2026-04-06", "gdpr.access.respond"},
		{rights.HumanReview, []string{"gdpr"}, "2026-04-06", "gdpr.automated.respond"},
		{rights.Access, []string{"us-va"}, "2026-04-19", "us-va.request.respond"},
		{rights.Access, []string{"us-ia", "us-va"}, "2026-04-19", "us-va.request.respond"},
		{rights.Object, []string{"gdpr"}, "2026-03-05", "gdpr.objection.honour"},
		{rights.WithdrawConsent, []string{"gdpr"}, "2026-03-05", "gdpr.consent.effect"},
		{rights.WithdrawConsent, []string{"us-ri"}, "2026-03-20", "us-ri.consent.effect"},
		{rights.Appeal, []string{"us-mn"}, "2026-04-19", "us-mn.request.appeal"},
		{rights.LimitSensitive, []string{"gdpr", "us-va"}, "2026-04-06", "gdpr.restriction.respond"},
	} {
		r := w.submit(c.right, func(s *rights.Submission) { s.Regimes = c.regimes })
		require.Equal(t, c.rule, r.DueRule, "%+v", c)
		require.Equal(t, c.day, dayOf(r.DueAt), "%+v", c)
		docket, err := w.desk.Deadlines(w.ctx, acme, r.ID)
		require.NoError(t, err)
		for _, l := range docket.Limits {
			require.NotEmpty(t, l.Explain())
		}
		w.fire(r.ID, rights.WasWithdrawn) // so that the next is no duplicate
	}
}

func TestDeadline_UnknownResidenceKeepsThemAll(t *testing.T) {
	w := newWorld(t, rights.WithRegimes("gdpr", "uk", "ccpa"))
	r := w.submit(rights.Access, func(s *rights.Submission) { s.Contents = rights.Contents{} })
	require.Equal(t, []string{"gdpr", "uk", "ccpa"}, r.Regimes)
	docket, err := w.desk.Deadlines(w.ctx, acme, r.ID)
	require.NoError(t, err)
	seen := map[string]bool{}
	for _, l := range docket.Limits {
		seen[l.Rule().ID] = true
	}
	require.Subset(t, keysOf(seen), []string{"gdpr.access.respond", "uk.access.respond", "ccpa.know.acknowledge", "ccpa.know.respond"})
	require.Equal(t, "ccpa.know.acknowledge", r.DueRule, "ten business days come first")
	r, err = w.desk.Acknowledge(w.ctx, acme, r.ID, time.Time{})
	require.NoError(t, err)
	require.NotEqual(t, "ccpa.know.acknowledge", r.DueRule)

	_, err = w.desk.Submit(w.ctx, rights.Submission{Tenant: acme, Right: rights.Access, Via: rights.ViaWeb, Regimes: []string{"atlantis"}})
	require.Error(t, err)
	_, err = rights.New(w.Context(), rights.Config{Store: w.store, Recorder: w.trail, Keys: keys{}}, rights.WithRegimes("atlantis"))
	require.Error(t, err)
}

func keysOf[K comparable](m map[K]bool) (all []K) {
	for k := range m {
		all = append(all, k)
	}
	return all
}

func TestDeadline_ReceivedBefore(t *testing.T) {
	w := newWorld(t)
	r := w.submit(rights.Access, func(s *rights.Submission) { s.ReceivedAt = w.clock.Now().AddDate(0, 0, -10) })
	require.Equal(t, "2026-03-23", dayOf(r.DueAt))
	_, err := w.desk.Submit(w.ctx, rights.Submission{Tenant: acme, Right: rights.Access, Via: rights.ViaLetter, ReceivedAt: w.clock.Now().Add(time.Hour)})
	require.ErrorIs(t, err, rights.ErrFuture)
}

// Where identity stops a clock by practice and not by the text, the strict reading runs on.
func TestDeadline_PausesMoveTheLegalDateOnly(t *testing.T) {
	w := newWorld(t)
	r := w.submit(rights.Access)
	before, err := w.desk.Deadlines(w.ctx, acme, r.ID)
	require.NoError(t, err)
	_, err = w.desk.AskIdentity(w.ctx, acme, r.ID, time.Time{})
	require.NoError(t, err)
	w.clock.Move(5 * 24 * time.Hour)
	_, err = w.desk.AskIdentity(w.ctx, acme, r.ID, time.Time{}) // asking again changes nothing
	require.NoError(t, err)
	w.clock.Move(5 * 24 * time.Hour)
	w.prove(r.ID)
	w.clock.Move(24 * time.Hour)
	w.prove(r.ID) // nor does showing it again
	after, err := w.desk.Deadlines(w.ctx, acme, r.ID)
	require.NoError(t, err)
	b, _ := before.Lead()
	a, _ := after.Lead()
	require.Equal(t, b.Safe, a.Safe)
	require.Equal(t, deadline.Date{Year: 2026, Month: 4, Day: 15}, a.Legal)
}

// Under UK law a clock starts when what was asked for came; nobody asked here.
func TestDeadline_ShowingWhoOneIsUnaskedStartsNothing(t *testing.T) {
	w := newWorld(t, rights.WithRegimes("uk"))
	r := w.submit(rights.Access)
	due := r.DueAt
	w.clock.Move(10 * 24 * time.Hour)
	w.prove(r.ID)
	require.Equal(t, due, w.get(r.ID).DueAt)
}

func TestDeadline_Clarification(t *testing.T) {
	w := newWorld(t, rights.WithRegimes("uk"))
	r := w.submit(rights.Access)
	_, err := w.desk.AskClarification(w.ctx, acme, r.ID, "large-volume", time.Time{})
	require.NoError(t, err)
	require.Equal(t, rights.StateClarifying, w.get(r.ID).State)
	_, err = w.desk.AskIdentity(w.ctx, acme, r.ID, time.Time{})
	require.NoError(t, err)
	w.clock.Move(3 * 24 * time.Hour)
	r, err = w.desk.Clarify(w.ctx, acme, r.ID, time.Time{})
	require.NoError(t, err)
	require.Equal(t, rights.StateVerifying, r.State, "identity is still open")
	w.prove(r.ID)
	require.Equal(t, rights.StateReceived, w.get(r.ID).State)
	_, err = w.desk.Clarify(w.ctx, acme, r.ID, time.Time{})
	state, ok := errors.AsType[*rights.StateError](err)
	require.True(t, ok)
	require.Equal(t, rights.Clarified, state.Event)
}

func TestExtend_InsideItsLimitWithAReason(t *testing.T) {
	w := newWorld(t)
	r := w.submit(rights.Access)
	_, err := w.desk.Extend(w.ctx, rights.Extension{Tenant: acme, Request: r.ID, Reason: "no-time"})
	require.ErrorIs(t, err, rights.ErrExtension)
	r, err = w.desk.Extend(w.ctx, rights.Extension{Tenant: acme, Request: r.ID, Reason: rights.Complexity})
	require.NoError(t, err)
	require.Equal(t, "2026-04-06", dayOf(r.DueAt), "nobody has told the person yet")
	w.sweep()
	sent := w.post.of(rights.MessageExtended)
	require.Len(t, sent, 1)
	require.Equal(t, "2026-06-05", dayOf(w.get(r.ID).DueAt))
	require.Len(t, w.trail.events(rights.Extended), 1)
	require.Equal(t, "complexity", w.trail.events(rights.Extended)[0].Facts["word"].Text())
	_, err = w.desk.Extend(w.ctx, rights.Extension{Tenant: acme, Request: r.ID, Reason: rights.Complexity, NoticedAt: w.clock.Now()})
	require.ErrorIs(t, err, rights.ErrExtension, "once only")

	late := w.submit(rights.Erase)
	w.clock.Move(40 * 24 * time.Hour)
	_, err = w.desk.Extend(w.ctx, rights.Extension{Tenant: acme, Request: late.ID, Reason: rights.Complexity, NoticedAt: w.clock.Now()})
	require.ErrorIs(t, err, rights.ErrExtension, "too late")
	_, err = w.desk.Extend(w.ctx, rights.Extension{Tenant: acme, Request: late.ID, Reason: rights.Complexity, NoticedAt: w.clock.Now().AddDate(0, 0, -30)})
	require.NoError(t, err, "the person was told in time")
	require.Equal(t, "2026-06-05", dayOf(w.get(late.ID).DueAt))
}

// An extension whose notice goes out too late is none.
func TestExtend_ANoticeThatWasNotSentInTime(t *testing.T) {
	w := newWorld(t)
	r := w.submit(rights.Access)
	_, err := w.desk.Extend(w.ctx, rights.Extension{Tenant: acme, Request: r.ID, Reason: rights.Complexity})
	require.NoError(t, err)
	w.post.fail = errors.New("down")
	w.sweep()
	w.post.fail = nil
	w.clock.Move(40 * 24 * time.Hour)
	w.sweep()
	require.Len(t, w.post.of(rights.MessageExtended), 1)
	require.Equal(t, "2026-04-06", dayOf(w.get(r.ID).DueAt))
}

func TestExtend_NobodyToTell(t *testing.T) {
	w := newWorld(t)
	r := w.submit(rights.Access, func(s *rights.Submission) { s.Contents = rights.Contents{} })
	_, err := w.desk.Extend(w.ctx, rights.Extension{Tenant: acme, Request: r.ID, Reason: rights.Complexity})
	require.ErrorIs(t, err, rights.ErrNeeds)
}

func TestAlarm_HalfMostLateAndOnce(t *testing.T) {
	w := newWorld(t)
	r := w.submit(rights.Access)
	start, due := w.clock.Now(), r.DueAt
	at := func(part float64) {
		w.clock.Set(start.Add(time.Duration(float64(due.Sub(start)) * part)))
		w.sweep()
		w.sweep()
	}
	at(0.49)
	require.Empty(t, w.bells.stages())
	at(0.51)
	require.Equal(t, []rights.Stage{rights.Half}, w.bells.stages())
	at(0.79)
	at(0.81)
	require.Equal(t, []rights.Stage{rights.Half, rights.Most}, w.bells.stages())
	at(0.99)
	at(1.01)
	at(2)
	require.Equal(t, []rights.Stage{rights.Half, rights.Most, rights.Late}, w.bells.stages())
	require.Len(t, w.trail.events(rights.Alarmed), 3)
	require.Equal(t, "gdpr.access.respond", w.bells.rung[0].Rule)
	require.Equal(t, rights.StateReceived, w.bells.rung[0].State)
}

func TestAlarm_NobodyLookedForAWhile(t *testing.T) {
	w := newWorld(t)
	r := w.submit(rights.Access)
	w.clock.Set(r.DueAt.AddDate(0, 1, 0))
	w.sweep()
	require.Equal(t, []rights.Stage{rights.Late}, w.bells.stages())
}

func TestAlarm_AnotherLeadBeginsAnew(t *testing.T) {
	w := newWorld(t)
	r := w.submit(rights.Access)
	w.clock.Move(30 * 24 * time.Hour)
	w.sweep()
	require.Equal(t, []rights.Stage{rights.Most}, w.bells.stages())
	_, err := w.desk.Extend(w.ctx, rights.Extension{Tenant: acme, Request: r.ID, Reason: rights.NumberOfRequests, NoticedAt: w.clock.Now()})
	require.NoError(t, err)
	w.sweep()
	require.Len(t, w.bells.stages(), 1)
	w.clock.Move(20 * 24 * time.Hour)
	w.sweep()
	require.Equal(t, []rights.Stage{rights.Most, rights.Half}, w.bells.stages())
}

func TestAlarm_AClosedRequestIsSilent(t *testing.T) {
	w := newWorld(t)
	r := w.submit(rights.Access)
	w.fire(r.ID, rights.WasWithdrawn)
	w.clock.Move(300 * 24 * time.Hour)
	w.sweep()
	require.Empty(t, w.bells.stages())
}

func TestAlarm_AHostThatFailsIsToldAgain(t *testing.T) {
	w := newWorld(t)
	w.submit(rights.Access)
	w.clock.Move(20 * 24 * time.Hour)
	w.bells.fail = errors.New("no " + canary)
	err := w.desk.Sweep(w.ctx)
	require.Error(t, err)
	require.NotContains(t, err.Error(), canary)
	require.Empty(t, w.trail.events(rights.Alarmed))
	w.bells.fail = nil
	w.sweep()
	require.Empty(t, w.bells.stages(), "it was put off")
	w.clock.Move(time.Hour + time.Minute)
	w.sweep()
	require.Equal(t, []rights.Stage{rights.Half}, w.bells.stages())
}

func TestObligation_OutlivesTheRequest(t *testing.T) {
	w := newWorld(t)
	r := w.accepted(rights.Erase)
	w.fire(r.ID, rights.CollectionBegan, rights.Collected, rights.Approved, rights.CooledOff, rights.Executed)
	o := rights.Obligation{ID: "hold-1", Kind: rights.DeferredErasure, Ref: "files", DueAt: w.clock.Now().AddDate(0, 6, 0)}
	require.NoError(t, w.desk.Oblige(w.ctx, acme, r.ID, o))
	require.NoError(t, w.desk.Oblige(w.ctx, acme, r.ID, o), "once is enough")
	w.fire(r.ID, rights.Delivered)
	all, err := w.desk.Obligations(w.ctx, acme, r.ID)
	require.NoError(t, err)
	require.Len(t, all, 1)
	require.Len(t, w.trail.events(rights.ObligationOpened), 1)
	w.bells.rung = nil
	w.clock.Move(200 * 24 * time.Hour)
	w.sweep()
	w.sweep()
	require.Len(t, w.bells.rung, 1)
	require.Equal(t, rights.DeferredErasure, w.bells.rung[0].Obligation)
	require.Equal(t, rights.StateFulfilled, w.bells.rung[0].State)
	_, err = w.desk.Contents(w.ctx, acme, r.ID, "support")
	require.NoError(t, err, "it may be needed for what is left")

	require.NoError(t, w.desk.Discharge(w.ctx, acme, r.ID, "hold-1"))
	require.NoError(t, w.desk.Discharge(w.ctx, acme, r.ID, "hold-1"))
	require.Len(t, w.trail.events(rights.ObligationClosed), 1)
	w.clock.Move(25 * time.Hour)
	w.sweep()
	_, err = w.desk.Contents(w.ctx, acme, r.ID, "support")
	require.ErrorIs(t, err, rights.ErrGone)
}

// A calendar that has run out hides no request, and refuses none.
func TestDeadline_ACalendarThatHasRunOut(t *testing.T) {
	w := newWorld(t)
	w.clock.Set(time.Date(2040, 1, 1, 0, 0, 0, 0, time.UTC))
	r := w.submit(rights.Access)
	require.Equal(t, w.clock.Now(), r.DueAt)
	require.Equal(t, "unknown", r.DueRule)
	_, err := w.desk.Deadlines(w.ctx, acme, r.ID)
	_, ok := errors.AsType[*deadline.RangeError](err)
	require.True(t, ok, "%v", err)
}

// What leads one request says nothing of another, however much of them is the same.
func TestDeadline_EachRequestIsLedByItsOwn(t *testing.T) {
	shared := newWorld(t, rights.WithRegimes("uk"))
	start := shared.clock.Now()
	seen := map[string]bool{}
	for _, regime := range []string{"uk", "gdpr", "us-va", "ccpa"} {
		for _, days := range []int{0, 3} {
			for _, asks := range []rights.Kind{"", rights.IdentityAsked, rights.ClarificationAsked, rights.FeeAsked} {
				ledBy := func(w *world) string {
					r := w.submit(rights.Access, func(s *rights.Submission) {
						s.Regimes, s.ReceivedAt = []string{regime}, start.AddDate(0, 0, -days)
					})
					if asks != "" {
						w.fire(r.ID, asks)
						w.clock.Move(48 * time.Hour)
						answer := map[rights.Kind]rights.Kind{rights.ClarificationAsked: rights.Clarified, rights.FeeAsked: rights.FeePaid}[asks]
						if answer == "" {
							w.prove(r.ID)
						} else {
							w.fire(r.ID, answer)
						}
						w.clock.Move(-48 * time.Hour)
					}
					r = w.get(r.ID)
					w.fire(r.ID, rights.WasWithdrawn) // so that the next is no duplicate
					return r.DueRule + " " + r.DueAt.String()
				}
				alone := newWorld(t, rights.WithRegimes("uk"))
				want := ledBy(alone)
				require.Equal(t, want, ledBy(shared), "%s, %d days, %s", regime, days, asks)
				seen[want] = true
			}
		}
	}
	require.GreaterOrEqual(t, len(seen), 10, "they differ")
}
