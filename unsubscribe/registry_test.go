package unsubscribe_test

import (
	"context"
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/storage/memory"
	"github.com/trothdev/troth/storage/memory/unsubscribemem"
	"github.com/trothdev/troth/unsubscribe"
)

func TestReason_Matrix(t *testing.T) {
	const p, w, s = unsubscribe.Passes, unsubscribe.Warns, unsubscribe.Stops
	for reason, want := range map[unsubscribe.Reason][3]unsubscribe.Effect{
		unsubscribe.ReasonOptOut:    {s, p, p},
		unsubscribe.ReasonImport:    {s, p, p},
		unsubscribe.ReasonComplaint: {s, w, w},
		unsubscribe.ReasonBounce:    {s, s, s},
		unsubscribe.ReasonClear:     {p, p, p},
		unsubscribe.ReasonUnknown:   {s, s, s},
		"":                          {s, s, s},
	} {
		for i, class := range unsubscribe.Classes() {
			require.Equal(t, want[i], reason.Effect(class), "%s, %s", reason, class)
		}
		if reason != unsubscribe.ReasonClear {
			require.Equal(t, s, reason.Effect("unheard-of"), "%s", reason)
		}
	}
}

func TestRegistry_ScopesReachAsFarAsTheySay(t *testing.T) {
	for scope, want := range map[unsubscribe.Scope]map[string]bool{
		unsubscribe.List:       {"acme letter": true},
		unsubscribe.Client:     {"acme letter": true, "acme offers": true},
		unsubscribe.Everything: {"acme letter": true, "acme offers": true, "globex letter": true, "globex offers": true},
	} {
		t.Run(string(scope), func(t *testing.T) {
			w := newRegWorld(t)
			w.optOut(regAda, scope)
			for _, tenant := range []troth.Tenant{regAcme, regGlobex} {
				for _, list := range []string{"letter", "offers"} {
					c := regLetter(tenant)
					c.List = list
					d := w.check(c, regAda)
					require.Equal(t, want[string(tenant)+" "+list], !d.Send, "%s %s: %v", tenant, list, d)
					c.Channel = unsubscribe.Messenger
					require.True(t, w.check(c, regAda).Send, "another channel")
					c.Channel, c.Class = unsubscribe.Email, unsubscribe.Security
					require.True(t, w.check(c, regAda).Send, "another class")
				}
			}
			w.wants(unsubscribe.ReasonClear, "other@example.org")
		})
	}
}

func TestRegistry_SayingItAgainChangesNothing(t *testing.T) {
	w := newRegWorld(t)
	p := regOut(regAda, unsubscribe.Client)
	p.ID = "click-1"
	first, err := w.r.OptOut(w.ctx, p)
	require.NoError(t, err)
	w.clock.Move(time.Hour)
	again, err := w.r.OptOut(w.ctx, p)
	require.NoError(t, err)
	require.Equal(t, first, again)
	require.Len(t, w.trail.Of("unsubscribe.event"), 1)
	for what, change := range map[string]func(*unsubscribe.OptOutParams){
		"address": func(p *unsubscribe.OptOutParams) { p.Address = troth.Protect("eve@example.org") },
		"scope":   func(p *unsubscribe.OptOutParams) { p.Scope, p.List = unsubscribe.List, "letter" },
		"channel": func(p *unsubscribe.OptOutParams) { p.Channel = unsubscribe.Messenger },
	} {
		q := p
		change(&q)
		_, err := w.r.OptOut(w.ctx, q)
		require.ErrorIs(t, err, unsubscribe.ErrConflict, what)
	}
	// The same id under another client, and for everything, is another event.
	q := p
	q.Tenant = regGlobex
	_, err = w.r.OptOut(w.ctx, q)
	require.NoError(t, err)
	for _, tenant := range []troth.Tenant{regAcme, regGlobex} {
		q := p
		q.Tenant, q.Scope, q.Address = tenant, unsubscribe.Everything, troth.Protect(string(tenant)+"@example.org")
		_, err = w.r.OptOut(w.ctx, q)
		require.NoError(t, err, tenant)
	}
}

func TestRegistry_RefusesWhatDoesNotFit(t *testing.T) {
	w := newRegWorld(t)
	for what, change := range map[string]func(*unsubscribe.OptOutParams) error{
		"address": func(p *unsubscribe.OptOutParams) error {
			p.Address = troth.Protect("nobody")
			return unsubscribe.ErrAddress
		},
		"channel": func(p *unsubscribe.OptOutParams) error { p.Channel = "fax"; return unsubscribe.ErrChannel },
		"scope":   func(p *unsubscribe.OptOutParams) error { p.Scope = "world"; return unsubscribe.ErrScope },
		"list":    func(p *unsubscribe.OptOutParams) error { p.List = "letter"; return unsubscribe.ErrScope },
		"no list": func(p *unsubscribe.OptOutParams) error { p.Scope = unsubscribe.List; return &troth.IdentifierError{} },
		"method":  func(p *unsubscribe.OptOutParams) error { p.Method = "telepathy"; return unsubscribe.ErrMethod },
		"undo":    func(p *unsubscribe.OptOutParams) error { p.Method = unsubscribe.ByUndo; return unsubscribe.ErrMethod },
		"platform": func(p *unsubscribe.OptOutParams) error {
			p.Tenant, p.Scope = troth.Platform, unsubscribe.Everything
			return unsubscribe.ErrScope
		},
		"reserved id": func(p *unsubscribe.OptOutParams) error { p.ID = "~peer/1"; return &troth.IdentifierError{} },
	} {
		p := regOut(regAda, unsubscribe.Client)
		want := change(&p)
		_, err := w.r.OptOut(w.ctx, p)
		if _, is := errors.AsType[*troth.IdentifierError](want); is {
			require.ErrorAs(t, err, new(*troth.IdentifierError), what)
		} else {
			require.ErrorIs(t, err, want, what)
		}
	}
	_, err := w.r.OptOut(t.Context(), regOut(regAda, unsubscribe.Client))
	require.ErrorIs(t, err, troth.ErrNoActor)
	require.Empty(t, w.trail.Of("unsubscribe.event"))
	w.wants(unsubscribe.ReasonClear, regAda)
}

func TestRegistry_BackInNeedsNewerEvidence(t *testing.T) {
	w := newRegWorld(t)
	out := w.optOut(regAda, unsubscribe.Client)
	w.clock.Move(time.Hour)
	for what, change := range map[string]func(*unsubscribe.OptInParams) error{
		"no reference": func(p *unsubscribe.OptInParams) error { p.Reference = ""; return unsubscribe.ErrEvidence },
		"older":        func(p *unsubscribe.OptInParams) error { p.At = out.At.Add(-1000); return unsubscribe.ErrEvidence },
		"a tie":        func(p *unsubscribe.OptInParams) error { p.At = out.At; return unsubscribe.ErrEvidence },
		"staff":        func(p *unsubscribe.OptInParams) error { p.Method = unsubscribe.ByStaff; return unsubscribe.ErrMethod },
		"a file":       func(p *unsubscribe.OptInParams) error { p.Method = unsubscribe.ByFile; return unsubscribe.ErrMethod },
		"a provider": func(p *unsubscribe.OptInParams) error {
			p.Method = unsubscribe.ByProvider
			return unsubscribe.ErrMethod
		},
		"a peer": func(p *unsubscribe.OptInParams) error { p.Method = unsubscribe.ByPeer; return unsubscribe.ErrMethod },
		"a form": func(p *unsubscribe.OptInParams) error { p.Method = unsubscribe.ByForm; return unsubscribe.ErrMethod },
		"one click": func(p *unsubscribe.OptInParams) error {
			p.Method = unsubscribe.ByOneClick
			return unsubscribe.ErrMethod
		},
	} {
		p := regIn(regAda, unsubscribe.Client)
		want := change(&p)
		_, err := w.r.OptIn(w.ctx, p)
		require.ErrorIs(t, err, want, what)
		w.wants(unsubscribe.ReasonOptOut, regAda)
	}
	p := regIn(regAda, unsubscribe.Client)
	p.At = out.At.Add(time.Microsecond)
	_, err := w.r.OptIn(w.ctx, p)
	require.NoError(t, err)
	w.wants(unsubscribe.ReasonClear, regAda)
	require.Len(t, w.trail.Of("unsubscribe.event"), 2)
}

// What is learnt late counts when it was said: whatever the order in which events
// come, the same stands; and of one instant the opt-out wins.
func TestRegistry_OrderOfLearningDoesNotMatter(t *testing.T) {
	w := newRegWorld(t)
	early := w.clock.Now()
	w.clock.Move(time.Hour)
	w.optIn(regAda, unsubscribe.Client)
	late := regOut(regAda, unsubscribe.Client)
	late.At = early
	_, err := w.r.OptOut(w.ctx, late)
	require.NoError(t, err)
	w.wants(unsubscribe.ReasonClear, regAda)
	tie := regOut(regAda, unsubscribe.Client)
	tie.At = w.clock.Now()
	_, err = w.r.OptOut(w.ctx, tie)
	require.NoError(t, err)
	w.wants(unsubscribe.ReasonOptOut, regAda)
}

// A clock that was ahead and is put right must not make a later no an earlier one.
func TestRegistry_AClockThatGoesBackHidesNoOptOut(t *testing.T) {
	w := newRegWorld(t)
	w.clock.Move(48 * time.Hour)
	w.optIn(regAda, unsubscribe.Client)
	w.clock.Move(-48 * time.Hour)
	w.optOut(regAda, unsubscribe.Client)
	w.wants(unsubscribe.ReasonOptOut, regAda)
	_, err := w.r.OptIn(w.ctx, regIn(regAda, unsubscribe.Client))
	require.ErrorIs(t, err, unsubscribe.ErrEvidence, "and lets nobody back in")
}

func TestRegistry_BackInLiftsItsOwnScopeOnly(t *testing.T) {
	w := newRegWorld(t)
	w.optOut(regAda, unsubscribe.List)
	w.optOut(regAda, unsubscribe.Client)
	w.optOut(regAda, unsubscribe.Everything)
	w.clock.Move(time.Hour)
	for _, scope := range []unsubscribe.Scope{unsubscribe.Everything, unsubscribe.List} {
		w.optIn(regAda, scope)
		require.Equal(t, unsubscribe.Client, w.wants(unsubscribe.ReasonOptOut, regAda).Place.Scope)
	}
	w.optIn(regAda, unsubscribe.Client)
	w.wants(unsubscribe.ReasonClear, regAda)
}

func TestRegistry_BlocksOnEitherFormAndAllowsOnTheExact(t *testing.T) {
	w := newRegWorld(t)
	w.optOut("A.da+shop@GoogleMail.com", unsubscribe.Client)
	for _, same := range []string{"a.da+shop@googlemail.com", "ada@gmail.com", "ad.a+other@gmail.com"} {
		w.wants(unsubscribe.ReasonOptOut, same)
	}
	w.wants(unsubscribe.ReasonClear, "adam@gmail.com")
	w.clock.Move(time.Hour)
	w.optIn("ada@gmail.com", unsubscribe.Client) // not the one that opted out
	w.wants(unsubscribe.ReasonOptOut, "ada@gmail.com")
	w.wants(unsubscribe.ReasonOptOut, "a.da+shop@googlemail.com")
	w.optIn("a.da+shop@googlemail.com", unsubscribe.Client)
	w.wants(unsubscribe.ReasonClear, "a.da+shop@googlemail.com")
	w.wants(unsubscribe.ReasonClear, "ada@gmail.com")
}

func TestRegistry_ClientsWhoRelyOnTags(t *testing.T) {
	w := newRegWorld(t, unsubscribe.WithExactAddresses(func(of troth.Tenant) bool { return of == regAcme }))
	w.optOut("ada+a@gmail.com", unsubscribe.Client)
	w.wants(unsubscribe.ReasonOptOut, "ada+a@gmail.com")
	w.wants(unsubscribe.ReasonClear, "ada+b@gmail.com")
	w.optOut("ada+a@gmail.com", unsubscribe.Everything)
	w.wants(unsubscribe.ReasonOptOut, "ada+b@gmail.com")
}

func TestRegistry_ReportsOfProviders(t *testing.T) {
	w := newRegWorld(t)
	report := func(kind unsubscribe.Kind, address string) {
		t.Helper()
		_, err := w.r.Report(w.ctx, unsubscribe.ReportParams{
			Tenant: regAcme, Channel: unsubscribe.Email, Address: troth.Protect(address), Kind: kind,
			Scope: unsubscribe.Client, Provider: "mailer",
		})
		require.NoError(t, err)
	}
	report(unsubscribe.KindBounce, "gone@example.org")
	report(unsubscribe.KindComplaint, regAda)
	reset := regLetter(regAcme)
	reset.Class = unsubscribe.Security
	require.Equal(t, unsubscribe.ReasonBounce, w.check(reset, "gone@example.org").Reason)
	d := w.check(reset, regAda)
	require.True(t, d.Send)
	require.Equal(t, unsubscribe.ReasonComplaint, d.Warning)
	w.wants(unsubscribe.ReasonComplaint, regAda)
	_, err := w.r.Report(w.ctx, unsubscribe.ReportParams{Tenant: regAcme, Kind: unsubscribe.KindOptOut})
	require.ErrorIs(t, err, unsubscribe.ErrKind)
}

func TestRegistry_AnOldLinkDoesNotEndANewerConsentSilently(t *testing.T) {
	w := newRegWorld(t)
	link := &unsubscribe.Link{SentAt: w.clock.Now()}
	w.optOut(regAda, unsubscribe.List)
	w.clock.Move(24 * time.Hour)
	w.optIn(regAda, unsubscribe.List)
	generation, err := w.r.Generation(w.ctx, unsubscribe.Place{Tenant: regAcme, Scope: unsubscribe.List, List: "letter"}, unsubscribe.Email, troth.Protect(regAda))
	require.NoError(t, err)
	require.Equal(t, uint32(1), generation)
	w.clock.Move(60 * 24 * time.Hour)
	click := regOut(regAda, unsubscribe.List)
	click.Method, click.Link = unsubscribe.ByOneClick, link
	_, err = w.r.OptOut(w.ctx, click)
	require.ErrorIs(t, err, unsubscribe.ErrNewerConsent)
	w.wants(unsubscribe.ReasonClear, regAda)
	// Sent less than 60 days ago, or under the consent of now, it acts.
	for _, l := range []*unsubscribe.Link{{Generation: 1, SentAt: link.SentAt}, {SentAt: w.clock.Now().Add(-60 * 24 * time.Hour)}} {
		click.Link = l
		_, err = w.r.OptOut(w.ctx, click)
		require.NoError(t, err)
		w.wants(unsubscribe.ReasonOptOut, regAda)
	}
	// The button of a page acts, however old the link that opened it.
	w.clock.Move(time.Hour)
	w.optIn(regAda, unsubscribe.List)
	w.clock.Move(time.Hour)
	w.optOut(regAda, unsubscribe.List)
	w.wants(unsubscribe.ReasonOptOut, regAda)
}

func TestRegistry_UndoForAMoment(t *testing.T) {
	undo := func(w *regWorld, out unsubscribe.Event) error {
		p := regIn(regAda, unsubscribe.Client)
		p.Method, p.Reference = unsubscribe.ByUndo, out.ID
		_, err := w.r.OptIn(w.ctx, p)
		return err
	}
	w := newRegWorld(t)
	out := w.optOut(regAda, unsubscribe.Client)
	w.clock.Move(15*time.Minute + time.Second)
	require.ErrorIs(t, undo(w, out), unsubscribe.ErrEvidence, "too late")
	out = w.optOut(regAda, unsubscribe.Client)
	w.clock.Move(time.Second)
	require.ErrorIs(t, undo(w, out), unsubscribe.ErrEvidence, "an earlier one would come back with it")
	w = newRegWorld(t)
	out = w.optOut(regAda, unsubscribe.Client)
	other := w.optOut("eve@example.org", unsubscribe.Client)
	w.clock.Move(time.Second)
	require.ErrorIs(t, undo(w, other), unsubscribe.ErrEvidence, "somebody else's")
	require.NoError(t, undo(w, out))
	w.wants(unsubscribe.ReasonClear, regAda)
	w.wants(unsubscribe.ReasonOptOut, "eve@example.org")
}

func TestRegistry_HistoryHasEvidenceAndIsTheClients(t *testing.T) {
	w := newRegWorld(t)
	p := regOut(regAda, unsubscribe.Client)
	p.Evidence = unsubscribe.Evidence{IP: troth.Protect(netip.MustParseAddr("203.0.113.7")), Note: troth.Protect("rang up")}
	p.SubjectID = "c-17"
	_, err := w.r.OptOut(w.ctx, p)
	require.NoError(t, err)
	w.clock.Move(time.Hour)
	w.optIn(regAda, unsubscribe.Client)
	foreign := regOut(regAda, unsubscribe.Everything)
	foreign.Tenant = regGlobex
	_, err = w.r.OptOut(w.ctx, foreign)
	require.NoError(t, err)
	h, err := w.r.History(w.ctx, regAcme, unsubscribe.Email, troth.Protect(regAda), "access-request")
	require.NoError(t, err)
	require.Len(t, h.Events, 2)
	require.Equal(t, []unsubscribe.Kind{unsubscribe.KindOptOut, unsubscribe.KindOptIn}, []unsubscribe.Kind{h.Events[0].Event.Kind, h.Events[1].Event.Kind})
	note, err := h.Events[0].Evidence.Note.Reveal("test")
	require.NoError(t, err)
	require.Equal(t, "rang up", note)
	ip, err := h.Events[0].Evidence.IP.Reveal("test")
	require.NoError(t, err)
	require.Equal(t, "203.0.113.7", ip.String())
	require.Equal(t, "c-17", h.Events[0].SubjectID)
	require.Len(t, h.Entries, 2, "that everything stands is no secret, who said it is")
	none := newRegWorld(t)
	bare, err := unsubscribe.New(t.Context(), unsubscribe.Config{Store: none.store, Recorder: none.trail, Keys: none.keys})
	require.NoError(t, err)
	_, err = bare.OptOut(none.ctx, p)
	require.ErrorIs(t, err, unsubscribe.ErrNeeds)
}

func TestRegistry_TwoTenants(t *testing.T) {
	w := newRegWorld(t)
	p := regOut(regAda, unsubscribe.Client)
	p.ID = "one"
	_, err := w.r.OptOut(w.ctx, p)
	require.NoError(t, err)
	require.True(t, w.check(regLetter(regGlobex), regAda).Send)
	h, err := w.r.History(w.ctx, regGlobex, unsubscribe.Email, troth.Protect(regAda), "access")
	require.NoError(t, err)
	require.Empty(t, h)
	for range w.r.Entries(w.ctx, regGlobex) {
		t.Fatal("another client's entry")
	}
	rows, err := w.r.Deliveries(w.ctx, regGlobex, "one")
	require.NoError(t, err)
	require.Empty(t, rows)
}

func TestNew_RefusesPartsThatDoNotShare(t *testing.T) {
	w := newRegWorld(t)
	other := memory.Open()
	_, err := unsubscribe.New(t.Context(), unsubscribe.Config{Store: unsubscribemem.New(other), Recorder: w.trail, Keys: w.keys})
	require.ErrorIs(t, err, troth.ErrNotShared)
	_, err = unsubscribe.New(t.Context(), unsubscribe.Config{Store: w.store, Recorder: w.trail, Keys: w.keys},
		unsubscribe.WithProvider("mailer", &regProvider{}))
	require.ErrorIs(t, err, unsubscribe.ErrNeeds)
	err = w.db.Atomically(t.Context(), func(ctx context.Context) error {
		_, err := unsubscribe.New(ctx, unsubscribe.Config{Store: w.store, Recorder: w.trail, Keys: w.keys})
		return err
	})
	require.Error(t, err)
}
