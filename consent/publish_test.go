package consent_test

import (
	"context"
	"crypto/sha256"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/consent"
	"github.com/trothdev/troth/deadline"
)

func TestPublish_RefusesWhatDoesNotFit(t *testing.T) {
	w := newWorld(t)
	base := consent.Terms{Tenant: acme, Purpose: letter, Title: "Letter", Basis: consent.Consent, Data: []string{"email"}, Recipients: []string{"mailer"}}
	_, err := w.ledger.Publish(w.ctx, base)
	require.NoError(t, err)
	w.publish(consent.Terms{Purpose: stats})
	for name, change := range map[string]func(t *consent.Terms){
		"no change declared":                       func(*consent.Terms) {},
		"the first once more":                      func(t *consent.Terms) { t.Change = consent.NewPurpose },
		"another basis":                            func(t *consent.Terms) { t.Change, t.Basis = consent.Material, consent.LegitimateInterests },
		"more data, called editorial":              func(t *consent.Terms) { t.Change, t.Data = consent.Editorial, []string{"email", "name"} },
		"more recipients, called editorial":        func(t *consent.Terms) { t.Change, t.Recipients = consent.Editorial, []string{"mailer", "ads"} },
		"more data, called a new recipient":        func(t *consent.Terms) { t.Change, t.Data = consent.NewRecipient, []string{"email", "name"} },
		"direct marketing, called editorial":       func(t *consent.Terms) { t.Change, t.DirectMarketing = consent.Editorial, true },
		"effective before the one that it follows": func(t *consent.Terms) { t.Change, t.EffectiveAt = consent.Material, w.clock.Now().AddDate(0, 0, -1) },
		"a purpose that is not there":              func(t *consent.Terms) { t.Change, t.Requires = consent.Material, []troth.Purpose{"nowhere"} },
		"itself":                                   func(t *consent.Terms) { t.Change, t.Requires = consent.Material, []troth.Purpose{letter} },
		"no title":                                 func(t *consent.Terms) { t.Change, t.Title = consent.Material, "" },
		"business days":                            func(t *consent.Terms) { t.Change, t.Grace = consent.Material, deadline.Period{BusinessDays: 3} },
		"an age that no rule uses":                 func(t *consent.Terms) { t.Change, t.MinimumAge = consent.Material, 16 },
	} {
		next := base
		change(&next)
		next.Version = 2
		_, err := w.ledger.Publish(w.ctx, next)
		var refused *consent.TermsError
		require.ErrorAs(t, err, &refused, name)
		require.Equal(t, letter, refused.Purpose, name)
	}
	next := base
	next.Version, next.Change = 3, consent.Material
	_, err = w.ledger.Publish(w.ctx, next)
	require.ErrorIs(t, err, consent.ErrVersion)
	// A contract must not be made to depend on consent (Article 7(4)).
	_, err = w.ledger.Publish(w.ctx, consent.Terms{Tenant: acme, Purpose: orders, Title: "Orders", Basis: consent.Contract, Requires: []troth.Purpose{letter}})
	require.ErrorContains(t, err, "7(4)")
	// No circle, also by a later version.
	_, err = w.ledger.Publish(w.ctx, consent.Terms{Tenant: acme, Purpose: stats, Title: "Stats", Basis: consent.Consent, Change: consent.Material, Requires: []troth.Purpose{letter}})
	require.NoError(t, err)
	next = base
	next.Change, next.Requires = consent.Material, []troth.Purpose{stats}
	_, err = w.ledger.Publish(w.ctx, next)
	require.ErrorContains(t, err, "requires itself")
	c, err := w.ledger.Catalogue(w.ctx, acme)
	require.NoError(t, err)
	require.Len(t, c[letter], 1, "nothing was published by all this")
}

func TestPublish_IsIdempotentByVersion(t *testing.T) {
	w := newWorld(t)
	terms := consent.Terms{Tenant: acme, Purpose: letter, Version: 1, Title: "Letter", Basis: consent.Consent, Recipients: []string{"b", "a"}}
	first, err := w.ledger.Publish(w.ctx, terms)
	require.NoError(t, err)
	w.clock.Move(time.Hour)
	again, err := w.ledger.Publish(w.ctx, terms)
	require.NoError(t, err)
	require.Equal(t, first, again)
	require.Len(t, w.trail.Of("consent.publish"), 1)
	terms.Title = "Other"
	_, err = w.ledger.Publish(w.ctx, terms)
	require.ErrorIs(t, err, consent.ErrConflict)
}

func TestPublishNotice_RefusesBundlesAndTicksAndKeepsTheText(t *testing.T) {
	w := newWorld(t)
	w.publish(consent.Terms{Purpose: letter})
	w.publish(consent.Terms{Purpose: stats})
	w.publish(consent.Terms{Purpose: orders, Basis: consent.Contract})
	n := consent.Notice{Tenant: acme, ID: "sign-up", Texts: map[string]string{"en": "We write to you.", "de": "Wir schreiben Ihnen."}}
	ask := func(asks ...consent.Ask) error {
		one := n
		one.Asks = asks
		_, err := w.ledger.PublishNotice(w.ctx, one)
		return err
	}
	require.ErrorIs(t, ask(consent.Ask{Control: "all", Purpose: letter}, consent.Ask{Control: "all", Purpose: stats}), consent.ErrBundled)
	require.ErrorIs(t, ask(consent.Ask{Control: "a", Purpose: letter, OnByDefault: true}), consent.ErrPreticked)
	require.ErrorIs(t, ask(consent.Ask{Control: "a", Purpose: "nowhere"}), consent.ErrVersion)
	require.NoError(t, ask(consent.Ask{Control: "a", Purpose: letter}, consent.Ask{Control: "b", Purpose: orders, OnByDefault: true}))
	require.NoError(t, func() error {
		one := n
		one.Version = 1
		one.Asks = []consent.Ask{{Control: "a", Purpose: letter}, {Control: "b", Purpose: orders, OnByDefault: true}}
		_, err := w.ledger.PublishNotice(w.ctx, one)
		return err
	}())
	require.Len(t, w.trail.Of("consent.notice"), 1)

	f := w.form(ada, letter, consent.Granted)
	f.Notice = consent.NoticeRef{ID: "sign-up", Version: 1, Language: "de"}
	f.Choices[0].Wording = "Ja, gern"
	e := w.sayForm(f)
	require.Equal(t, sha256.Sum256([]byte("Wir schreiben Ihnen.")), e.Notice.Text)
	text, err := w.ledger.Text(w.ctx, acme, e.Notice.Text)
	require.NoError(t, err)
	require.Equal(t, "Wir schreiben Ihnen.", text)
	text, err = w.ledger.Text(w.ctx, acme, e.Wording)
	require.NoError(t, err)
	require.Equal(t, "Ja, gern", text)
	_, err = w.ledger.Text(w.ctx, globex, e.Wording)
	require.ErrorIs(t, err, consent.ErrNotice, "another tenant's text")
	for _, ref := range []consent.NoticeRef{{ID: "sign-up", Version: 2, Language: "de"}, {ID: "sign-up", Version: 1, Language: "fr"}, {ID: "x", Version: 1, Language: "de"}} {
		f := w.form(ada, letter, consent.Granted)
		f.Notice = ref
		_, err := w.ledger.Record(w.ctx, f)
		require.ErrorIs(t, err, consent.ErrNotice)
	}
	f = w.form(ada, stats, consent.Granted)
	f.Notice = consent.NoticeRef{ID: "sign-up", Version: 1, Language: "de"}
	_, err = w.ledger.Record(w.ctx, f)
	require.ErrorIs(t, err, consent.ErrNotice, "the notice did not ask for that")
}

func TestPublish_AsksWhoIsConcernedAndNobodyElse(t *testing.T) {
	var asked []consent.Notification
	w := newWorld(t, consent.WithNotifier(consent.NotifierFunc(func(_ context.Context, n consent.Notification) error {
		asked = append(asked, n)
		return nil
	})))
	w.publish(consent.Terms{Purpose: letter, Recipients: []string{"mailer"}})
	for _, id := range []string{"granted", "answers", "withdrawn", "refused", "shown"} {
		w.say(subject(id), letter, consent.NoticeServed)
	}
	for _, id := range []string{"granted", "answers", "withdrawn"} {
		w.say(subject(id), letter, consent.Granted)
	}
	w.say(subject("withdrawn"), letter, consent.Withdrawn)
	w.say(subject("refused"), letter, consent.Refused)
	effective := w.clock.Now().AddDate(0, 0, 30)
	w.publish(consent.Terms{Purpose: letter, Recipients: []string{"mailer"}, Change: consent.Editorial})
	require.Empty(t, w.queue.Pending(consent.WorkAnnounce), "an editorial change asks nobody")
	w.publish(consent.Terms{
		Purpose: letter, Recipients: []string{"mailer"}, Data: []string{"name"}, Change: consent.Material,
		EffectiveAt: effective, Grace: deadline.Period{Days: 10},
	})
	work := w.queue.Pending(consent.WorkAnnounce)
	require.Len(t, work, 1)
	require.Equal(t, effective, work[0].Deadline)
	var listed []string
	for n, err := range w.ledger.Affected(w.ctx, acme, letter, 3, "") {
		require.NoError(t, err)
		listed = append(listed, n.Subject.ID)
	}
	require.Equal(t, []string{"answers", "granted"}, listed)
	// One step finds them; who answers before their own turn is not asked.
	outcome, err := w.ledger.Do(w.ctx, work[0])
	require.NoError(t, err)
	require.Equal(t, troth.Completed, outcome)
	require.Len(t, w.queue.Pending(consent.WorkNotify), 2)
	f := w.form(subject("answers"), letter, consent.Granted)
	f.Choices[0].Version = 3
	w.sayForm(f)
	w.drain()
	require.Equal(t, []consent.Notification{{Subject: subject("granted"), Purpose: letter, Version: 3, Why: consent.WhyMaterial, By: effective}}, asked)
	// Nobody is upgraded silently.
	w.clock.Move(35 * 24 * time.Hour)
	w.wants(subject("granted"), letter, consent.ReasonGrace)
	w.wants(subject("answers"), letter, consent.ReasonGranted)
	w.clock.Move(5 * 24 * time.Hour)
	w.wants(subject("granted"), letter, consent.ReasonSuperseded)
	w.wants(subject("answers"), letter, consent.ReasonGranted)
}

func TestPublish_FindsManyPeoplePageByPage(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and nothing at once")
	}
	asked := map[string]int{}
	w := newWorld(t, consent.WithNotifier(consent.NotifierFunc(func(_ context.Context, n consent.Notification) error {
		asked[n.Subject.ID+"/"+string(n.Purpose)]++
		return nil
	})))
	w.publish(consent.Terms{Purpose: letter})
	w.publish(consent.Terms{Purpose: stats})
	n := consent.Notice{Tenant: acme, ID: "n", Texts: map[string]string{"en": "v1"}, Asks: []consent.Ask{{Control: "a", Purpose: letter}}}
	_, err := w.ledger.PublishNotice(w.ctx, n)
	require.NoError(t, err)
	const many = 1100
	for i := range many {
		w.say(subject(string(rune('a'+i%26))+time.Duration(i).String()), letter, consent.Granted)
	}
	w.publish(consent.Terms{Purpose: letter, Change: consent.Material, Data: []string{"name"}})
	w.drain()
	require.Equal(t, many, len(asked)) //nolint:testifylint // Len would print them all
	// A notice that asks for something new asks those who answered it before.
	clear(asked)
	n.Texts, n.Asks = map[string]string{"en": "v2"}, append(n.Asks, consent.Ask{Control: "b", Purpose: stats})
	w.say(subject("a0s"), stats, consent.Refused)
	_, err = w.ledger.PublishNotice(w.ctx, n)
	require.NoError(t, err)
	w.drain()
	require.Equal(t, many-1, len(asked)) //nolint:testifylint // as above
	for who, times := range asked {
		require.Equal(t, 1, times, who)
		require.Contains(t, who, "/statistics")
	}
}

func TestPublish_ANewRecipientIsAskedForAloneAndDecliningKeepsTheRest(t *testing.T) {
	w := newWorld(t)
	w.publish(consent.Terms{Purpose: letter, Recipients: []string{"mailer"}})
	w.say(ada, letter, consent.Granted)
	w.publish(consent.Terms{Purpose: letter, Recipients: []string{"ads", "mailer"}, Change: consent.NewRecipient})
	count := func() (n int) {
		for one, err := range w.ledger.Affected(w.ctx, acme, letter, 2, "") {
			require.NoError(t, err)
			require.Equal(t, consent.WhyNewRecipient, one.Why)
			n++
		}
		return n
	}
	require.Equal(t, 1, count())
	ask := func(recipient string) consent.Reason {
		d, err := w.ledger.CheckQuery(w.ctx, consent.Query{Subject: ada, Purpose: letter, Recipient: recipient})
		require.NoError(t, err)
		return d.Reason
	}
	require.Equal(t, consent.ReasonGranted, ask("mailer"))
	require.Equal(t, consent.ReasonRecipient, ask("ads"))
	w.say(ada, letter, consent.Declined)
	require.Zero(t, count(), "who has answered is not asked again")
	require.Equal(t, consent.ReasonGranted, ask("mailer"))
	w.say(ada, letter, consent.Granted)
	require.Equal(t, consent.ReasonGranted, ask("ads"))
}

func TestPublish_InATransactionThatIsRolledBack(t *testing.T) {
	w := newWorld(t)
	w.publish(consent.Terms{Purpose: letter})
	w.say(ada, letter, consent.Granted)
	err := w.db.Atomically(w.ctx, func(ctx context.Context) error {
		_, err := w.ledger.Publish(ctx, consent.Terms{Tenant: acme, Purpose: letter, Title: "x", Basis: consent.Consent, Change: consent.Material})
		require.NoError(t, err)
		d, err := w.ledger.Check(ctx, ada, letter, time.Time{})
		require.NoError(t, err)
		require.Equal(t, consent.ReasonSuperseded, d.Reason, "the transaction sees its own")
		w.wants(ada, letter, consent.ReasonGranted)
		return consent.ErrConflict
	})
	require.ErrorIs(t, err, consent.ErrConflict)
	w.wants(ada, letter, consent.ReasonGranted)
	c, err := w.ledger.Catalogue(w.ctx, acme)
	require.NoError(t, err)
	require.Len(t, c[letter], 1)
}
