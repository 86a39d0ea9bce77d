package consent_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/consent"
	"github.com/trothdev/troth/deadline"
	"github.com/trothdev/troth/storage/memory"
	"github.com/trothdev/troth/storage/memory/consentmem"
)

// TestHostile_NobodyAgreedToWhatWasPublishedLater: a form that lay on a desk is about
// the version that was in force when it was signed, whatever is in force now.
func TestHostile_NobodyAgreedToWhatWasPublishedLater(t *testing.T) {
	w := newWorld(t)
	w.publish(consent.Terms{Purpose: letter, Recipients: []string{"mailer"}})
	signed := w.clock.Move(time.Hour)
	w.clock.Move(time.Hour)
	w.publish(consent.Terms{Purpose: letter, Recipients: []string{"mailer", "ads"}, Change: consent.Material, Grace: deadline.Period{Days: 1}})
	w.clock.Move(time.Hour)
	f := w.form(ada, letter, consent.Granted)
	f.GivenAt, f.Method = signed, consent.ByPaper
	require.EqualValues(t, 1, w.sayForm(f).Version)
	w.wants(ada, letter, consent.ReasonGrace)
	w.clock.Move(48 * time.Hour)
	w.wants(ada, letter, consent.ReasonSuperseded)
	// Nor can it be said to be about the other.
	f = w.form(ada, letter, consent.Granted)
	f.GivenAt, f.Choices[0].Version = signed, 2
	_, err := w.ledger.Record(w.ctx, f)
	require.ErrorIs(t, err, consent.ErrVersion)
	f.GivenAt, f.Choices[0].Version = signed.Add(-24*time.Hour), 0
	_, err = w.ledger.Record(w.ctx, f)
	require.ErrorIs(t, err, consent.ErrVersion, "nothing was in force")
	// What another system collected may name the version that it comes to.
	f.GivenAt = signed.Add(time.Minute)
	f.Choices[0].Kind, f.Choices[0].Version = consent.Imported, 2
	f.Method, f.Import = consent.ByImport, &consent.Import{From: "old-crm", By: "migration-2026"}
	require.EqualValues(t, 2, w.sayForm(f).Version)
	w.wants(ada, letter, consent.ReasonGranted)
	// A no of any date is taken.
	f = w.form(ada, letter, consent.Withdrawn)
	f.GivenAt = signed.Add(-48 * time.Hour)
	w.sayForm(f)
}

func TestImport_SaysFromWhereAndByWhom(t *testing.T) {
	w := newWorld(t, consent.WithProver(&prover{}))
	w.publish(consent.Terms{Purpose: letter})
	f := w.form(ada, letter, consent.Imported)
	f.Method = consent.ByImport
	_, err := w.ledger.Record(w.ctx, f)
	var bad *troth.IdentifierError
	require.ErrorAs(t, err, &bad, "of an unknown origin")
	for _, from := range []consent.Import{{From: "old-crm"}, {By: "x"}, {From: "a\nb", By: "x"}, {From: "~ours", By: "x"}} {
		f.Import = &from
		_, err = w.ledger.Record(w.ctx, f)
		require.ErrorAs(t, err, &bad)
	}
	f.Import = &consent.Import{From: "old-crm", By: "migration-2026"}
	e := w.sayForm(f)
	require.Equal(t, consent.Import{From: "old-crm", By: "migration-2026"}, e.Import)
	require.Equal(t, e, w.sayForm(f), "once")
	f.Import = &consent.Import{From: "another", By: "migration-2026"}
	_, err = w.ledger.Record(w.ctx, f)
	require.ErrorIs(t, err, consent.ErrConflict)
	h, err := w.ledger.History(w.ctx, ada, reasons)
	require.NoError(t, err)
	require.Equal(t, e, h.Entries[0].Event)
	var page bytes.Buffer
	require.NoError(t, h.WriteHTML(&page))
	require.Contains(t, page.String(), "from <bdi>old-crm</bdi>, by <bdi>migration-2026</bdi>")
	issued, err := w.ledger.Receipt(w.ctx, ada, e.ID)
	require.NoError(t, err)
	require.Equal(t, "old-crm", issued.Record.Event.Source)
	// Only what is imported has an origin.
	f = w.form(ada, letter, consent.Renewed)
	f.Import = &consent.Import{From: "old-crm", By: "x"}
	_, err = w.ledger.Record(w.ctx, f)
	require.ErrorAs(t, err, &bad)
	require.Zero(t, w.say(ada, letter, consent.Withdrawn).Import)
}

// TestHostile_AClockThatGoesBackRevivesNoToken: the person's own clock does not.
func TestHostile_AClockThatGoesBackRevivesNoToken(t *testing.T) {
	w := newWorld(t, consent.Unmanaged("test"))
	w.publish(consent.Terms{Purpose: letter, DoubleOptIn: true})
	w.publish(consent.Terms{Purpose: stats})
	token, err := w.ledger.Request(w.ctx, w.form(ada, letter, consent.Requested))
	require.NoError(t, err)
	raw, err := token.Reveal("test")
	require.NoError(t, err)
	w.clock.Move(8 * 24 * time.Hour)
	w.say(ada, stats, consent.Granted)
	w.clock.Move(-7 * 24 * time.Hour)
	_, err = w.ledger.Confirm(w.ctx, consent.Confirmation{Tenant: acme, Token: raw})
	require.ErrorIs(t, err, consent.ErrToken)
	_, err = w.ledger.Resend(w.ctx, ada, "form-1")
	require.ErrorIs(t, err, consent.ErrToken)
	w.wants(ada, letter, consent.ReasonPending)
}

// TestHostile_AnAccountIsNoDevice: what others have said does not change hands by
// linking accounts, and an erasure reaches nobody else.
func TestHostile_AnAccountIsNoDevice(t *testing.T) {
	w := newWorld(t, consent.Unmanaged("test"))
	w.publish(consent.Terms{Purpose: letter})
	bo := subject("c-18")
	link := func(device, account string) error {
		return w.ledger.Link(w.ctx, consent.LinkParams{Tenant: acme, Device: device, Account: account})
	}
	w.say(subject("d-1"), letter, consent.Granted)
	require.NoError(t, link("d-1", ada.ID))
	require.NoError(t, link("d-1", ada.ID), "again is no error")
	require.ErrorIs(t, link("d-1", bo.ID), consent.ErrLinked, "the wrong account")
	require.ErrorIs(t, link(ada.ID, bo.ID), consent.ErrLinked, "an account is no device")
	require.ErrorIs(t, link("d-2", "d-1"), consent.ErrLinked, "a device is no account")
	w.wants(bo, letter, consent.ReasonUnknown)
	_, err := w.ledger.Erase(w.ctx, bo, "erasure-request")
	require.NoError(t, err)
	w.wants(ada, letter, consent.ReasonGranted)
	require.NoError(t, w.ledger.VerifyPerson(w.ctx, ada))
}

// TestHostile_AChildIsNotItsOwnGuardian, nor is a guardian moved to a new version.
func TestHostile_AChildIsNotItsOwnGuardian(t *testing.T) {
	w := newWorld(t)
	w.publish(consent.Terms{Purpose: letter, Age: consent.DigitalConsent})
	child := func(k consent.Kind) consent.Form {
		f := w.form(ada, letter, k)
		f.Age = &consent.Age{Country: "DE", Years: 14}
		return f
	}
	w.sayForm(child(consent.Granted))
	w.wants(ada, letter, consent.ReasonGuardianMissing)
	leave := w.form(ada, letter, consent.GuardianAuthorised)
	leave.Guardian = &consent.Guardian{ID: ada.ID, Relation: "mother", Method: "card-check"}
	_, err := w.ledger.Record(w.ctx, leave)
	var bad *troth.IdentifierError
	require.ErrorAs(t, err, &bad)
	leave.Guardian.ID = "c-99"
	w.sayForm(leave)
	w.wants(ada, letter, consent.ReasonGranted)
	w.clock.Move(time.Hour)
	w.publish(consent.Terms{Purpose: letter, Age: consent.DigitalConsent, Change: consent.Material})
	w.clock.Move(time.Hour)
	w.wants(ada, letter, consent.ReasonSuperseded)
	w.sayForm(child(consent.Renewed))
	w.wants(ada, letter, consent.ReasonGuardianMissing)
	leave = w.form(ada, letter, consent.GuardianAuthorised)
	leave.Guardian = &consent.Guardian{ID: "c-99", Relation: "mother", Method: "card-check"}
	w.sayForm(leave)
	d := w.wants(ada, letter, consent.ReasonGranted)
	// Nobody told when the child comes of age: at the latest in two years, and not
	// later because somebody says so.
	require.Equal(t, time.Date(2028, 12, 1, 0, 0, 0, 0, time.UTC), d.Ends)
	f := child(consent.Renewed)
	f.Age.ComesOfAge = time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)
	w.sayForm(f)
	require.Equal(t, time.Date(2028, 12, 1, 0, 0, 0, 0, time.UTC), w.wants(ada, letter, consent.ReasonGranted).Ends)
	f = child(consent.Renewed)
	f.Age.ComesOfAge = time.Date(2027, 3, 5, 0, 0, 0, 0, time.UTC)
	w.sayForm(f)
	require.Equal(t, time.Date(2027, 4, 1, 0, 0, 0, 0, time.UTC), w.wants(ada, letter, consent.ReasonGranted).Ends)
}

// TestHostile_PeersAreAskedWhateverTheClockSays, and about what a purpose requires.
func TestHostile_PeersAreAskedWhateverTheClockSays(t *testing.T) {
	p := &peer{objects: map[troth.Subject]bool{}}
	w := newWorld(t, consent.WithObjections(p))
	w.publish(consent.Terms{Purpose: letter, DirectMarketing: true})
	w.publish(consent.Terms{Purpose: stats, Requires: []troth.Purpose{letter}})
	bo := subject("c-18")
	for _, who := range []troth.Subject{ada, bo} {
		w.say(who, letter, consent.Granted)
		w.say(who, stats, consent.Granted)
	}
	p.objects[ada] = true
	w.clock.Move(-24 * time.Hour) // before anything was published
	for purpose, want := range map[troth.Purpose]consent.Reason{letter: consent.ReasonObjected, stats: consent.ReasonDependency} {
		require.Equal(t, "opt-out-1", w.wants(ada, purpose, want).Event)
		require.True(t, w.check(bo, purpose).Allowed)
		batch, err := w.ledger.CheckBatch(w.ctx, consent.Batch{Tenant: acme, Purpose: purpose, SubjectIDs: []string{bo.ID, ada.ID, bo.ID}})
		require.NoError(t, err)
		require.Equal(t, want, batch[1].Reason)
		require.Equal(t, w.check(ada, purpose).Requires, batch[1].Requires)
		require.True(t, batch[0].Allowed && batch[2].Allowed)
	}
}

// TestHostile_ANoOfAnErasedPersonFailsNobody: another ledger's opt-out commits.
func TestHostile_ANoOfAnErasedPersonFailsNobody(t *testing.T) {
	w := newWorld(t, consent.Unmanaged("test"))
	w.publish(consent.Terms{Purpose: letter, DirectMarketing: true})
	w.say(ada, letter, consent.Granted)
	_, err := w.ledger.Erase(w.ctx, ada, "erasure-request")
	require.NoError(t, err)
	require.NoError(t, w.db.Atomically(w.ctx, func(ctx context.Context) error {
		return w.ledger.Object(ctx, troth.Objection{Subject: ada, Purpose: letter, OriginID: "opt-out-1"})
	}))
	_, found, err := w.store.Person(w.ctx, acme, ada.ID)
	require.NoError(t, err)
	require.False(t, found, "and leaves no row")
	var bad *troth.IdentifierError
	for _, o := range []troth.Objection{
		{Subject: subject("~" + ada.ID), Purpose: letter, OriginID: "o"},
		{Subject: ada, Purpose: letter, OriginID: "~\n"},
		{Subject: ada, Purpose: letter, OriginID: ""},
		{Subject: ada, Purpose: letter, OriginID: "~" + string(make([]byte, 300))},
	} {
		require.ErrorAs(t, w.ledger.Object(w.ctx, o), &bad)
	}
}

// echo is a ledger of opt-outs that tells back everything that it is told, under the
// origin's id and under one of its own.
type echo struct {
	peer
	back  *consent.Ledger
	depth int
}

func (e *echo) Object(ctx context.Context, o troth.Objection) error {
	if e.depth++; e.depth > 10 {
		return fmt.Errorf("it echoes")
	}
	if err := e.peer.Object(ctx, o); err != nil {
		return err
	}
	if err := e.back.Object(ctx, o); err != nil {
		return err
	}
	o.OriginID = "mirror-of-" + o.OriginID
	return e.back.Object(ctx, o)
}

// TestHostile_TwoLedgersThatTellEachOtherDoNotEcho: with a peer that tells back, and
// with another ledger that has the same wiring.
func TestHostile_TwoLedgersThatTellEachOtherDoNotEcho(t *testing.T) {
	e := &echo{}
	w := newWorld(t, consent.WithObjections(e))
	e.back = w.ledger
	w.publish(consent.Terms{Purpose: letter, DirectMarketing: true})
	w.say(ada, letter, consent.Granted)
	w.say(ada, letter, consent.Withdrawn)
	require.Len(t, e.told, 1)
	require.Len(t, w.trail.Of("consent.event"), 3, "one of its own, and one that the peer says is its own")
	before := len(w.trail.Of("consent.event"))
	for range 3 { // told again, it is known
		require.NoError(t, w.ledger.Object(w.ctx, troth.Objection{Subject: ada, Purpose: letter, OriginID: e.told[0].OriginID}))
		require.NoError(t, w.ledger.Object(w.ctx, troth.Objection{Subject: ada, Purpose: letter, OriginID: "mirror-of-" + e.told[0].OriginID}))
	}
	require.Len(t, w.trail.Of("consent.event"), before)
	// Rolled back with the host's transaction on both sides.
	bo := subject("c-18")
	w.say(bo, letter, consent.Granted)
	require.ErrorIs(t, w.db.Atomically(w.ctx, func(ctx context.Context) error {
		e.depth = 0
		_, err := w.ledger.Record(ctx, w.form(bo, letter, consent.Withdrawn))
		require.NoError(t, err)
		return errFlaky
	}), errFlaky)
	w.wants(bo, letter, consent.ReasonGranted)
}

// TestHostile_TextInTheCourtsPage: whatever people, hosts and programs write, the page
// says what it says, in the order in which it says it.
func TestHostile_TextInTheCourtsPage(t *testing.T) {
	const script, turn = `"><script>alert(1)</script>`, "\u202e"
	w := newWorld(t)
	w.publish(consent.Terms{Purpose: letter, Title: "Letter " + turn + script})
	_, err := w.ledger.PublishNotice(w.ctx, consent.Notice{
		Tenant: acme, ID: "sign-up", Texts: map[string]string{"en": "</pre>" + script + turn}, Asks: []consent.Ask{{Control: "a", Purpose: letter}},
	})
	require.NoError(t, err)
	f := w.form(ada, letter, consent.Granted)
	f.ID = "f" + turn + script
	f.Notice = consent.NoticeRef{ID: "sign-up", Version: 1, Language: "en"}
	f.Choices[0].Wording = "</pre></section><h1>Withdrawn</h1>" + turn
	f.Evidence = consent.Evidence{
		UserAgent: troth.Protect("Evil" + turn + "/1 " + script), Page: troth.Protect("/" + turn + script),
		Address: troth.Protect(script + turn), Note: troth.Protect(turn + script),
	}
	w.sayForm(f)
	h, err := w.ledger.History(w.ctx, ada, reasons)
	require.NoError(t, err)
	var page bytes.Buffer
	require.NoError(t, h.WriteHTML(&page))
	require.NotContains(t, page.String(), "<script")
	require.NotContains(t, page.String(), "<h1>Withdrawn")
	require.Contains(t, page.String(), "default-src 'none'")
	// Every turn of direction is inside of an isolate, or of a block of its own.
	rest := page.String()
	for turns := 0; ; turns++ {
		before, after, found := bytes.Cut([]byte(rest), []byte(turn))
		if !found {
			require.GreaterOrEqual(t, turns, 7)
			break
		}
		isolated := bytes.LastIndex(before, []byte("<bdi>")) > bytes.LastIndex(before, []byte("</bdi>")) ||
			bytes.LastIndex(before, []byte("<pre>")) > bytes.LastIndex(before, []byte("</pre>"))
		require.True(t, isolated, "%s", before[max(0, len(before)-80):])
		rest = string(after)
	}
}

// TestHostile_SignalsThatAreNone: one header that says 1, and nothing else.
func TestHostile_SignalsThatAreNone(t *testing.T) {
	for _, values := range [][]string{nil, {""}, {"0"}, {"true"}, {"1, 1"}, {"1", "1"}, {"1", "0"}, {"11"}, {"\"1\""}, {"?1"}, {"1;a"}, {"１"}, {"+1"}, {"01"}} {
		require.False(t, consent.GPC(http.Header{"Sec-Gpc": values}), "%q", values)
	}
	require.True(t, consent.GPC(http.Header{"Sec-Gpc": {"1"}}))
}

// counted counts how often single events are read, which is how the ledger finds out
// that a host's transaction has ended.
type counted struct {
	consent.Backend
	events int
}

func (c *counted) Event(ctx context.Context, tenant troth.Tenant, id string) (consent.EventRow, bool, error) {
	c.events++
	return c.Backend.Event(ctx, tenant, id)
}

// TestHostile_WhatIsPendingDoesNotPileUp: without Run, a sweep forgets what a host has
// committed about people whom nobody asks about.
func TestHostile_WhatIsPendingDoesNotPileUp(t *testing.T) {
	const people = 50
	db := memory.Open()
	c := &counted{Backend: consentmem.New(db)}
	w := worldOn(t, c, db)
	w.publish(consent.Terms{Purpose: letter})
	tx, err := w.db.Begin(w.ctx)
	require.NoError(t, err)
	for i := range people {
		_, err := w.ledger.Record(w.db.WithTx(w.ctx, tx), w.form(subject(fmt.Sprint("p-", i)), letter, consent.Granted))
		require.NoError(t, err)
	}
	require.NoError(t, tx.Commit())
	for _, want := range []int{people, 0} {
		c.events = 0
		require.NoError(t, w.ledger.Sweep(w.ctx))
		require.Equal(t, want, c.events)
	}
}
