package retention_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/deadline"
	"github.com/trothdev/troth/retention"
)

// facts are those of a file of the policy content, that was created on 2025-12-01
// and stands in a stage since noon of a day.
func facts(tb testing.TB, stage, since string, events ...retention.Occurrence) *retention.Facts {
	tb.Helper()
	created := retention.Occurrence{Event: retention.Created, At: day(tb, "2025-12-01")}
	return &retention.Facts{
		Record: "file/17", Class: "content", State: retention.State{Stage: stage, Since: day(tb, since)},
		Cohort: 1, Known: retention.KnownAll, Events: append(events, created),
	}
}

func on(tb testing.TB, event, date string) retention.Occurrence {
	tb.Helper()
	return retention.Occurrence{Event: event, At: day(tb, date)}
}

func TestEvaluate_AStageAfterTheOther(t *testing.T) {
	h := history(t, content(t))
	trashed := on(t, "trashed", "2026-01-31")
	f := facts(t, "trashed", "2026-01-31", trashed)

	d := h.Evaluate(f, day(t, "2026-02-25"))
	require.Equal(t, retention.Wait, d.Verdict)
	require.Equal(t, retention.VisibleOwner, d.Visible)
	require.Equal(t, "inaccessible", d.Next)
	require.Equal(t, endOf(t, "2026-02-25"), d.NextAt)
	require.Equal(t, endOf(t, "2026-03-27"), d.PurgeBy, "25 and 30 days")
	require.Equal(t, endOf(t, "2026-05-01"), d.GoneBy, "90 days")
	require.Equal(t, retention.ByClass, d.Purge.Ground)

	d = h.Evaluate(f, endOf(t, "2026-02-25"))
	require.Equal(t, retention.Move, d.Verdict)
	require.Equal(t, retention.VisibleNone, d.Visible)

	// The sweep comes days late: the next stage began when it was due.
	f.State = retention.State{Stage: d.Next, Since: d.NextAt}
	d = h.Evaluate(f, endOf(t, "2026-03-27").Add(-time.Microsecond))
	require.Equal(t, retention.Wait, d.Verdict)
	d = h.Evaluate(f, endOf(t, "2026-03-27"))
	require.Equal(t, retention.Due, d.Verdict)
	require.Equal(t, retention.Destroy, d.End)

	f.Stage = retention.Purged
	require.Equal(t, retention.Done, h.Evaluate(f, endOf(t, "2026-03-27")).Verdict)
}

// The promises of the issue: trashed on day 0, cancelled on day 10: day 70;
// cancelled on day 60: day 90.
func TestEvaluate_OverlappingPromisesBindAtTheEarliest(t *testing.T) {
	h := history(t, content(t))
	zero := date(t, "2026-01-01")
	at := func(n int) time.Time { return zero.AddDays(n).Start(time.UTC).Add(12 * time.Hour) }
	end := func(n int) time.Time { return zero.AddDays(n).End(time.UTC) }
	for cancelled, gone := range map[int]int{10: 70, 29: 89, 30: 90, 60: 90, 80: 90} {
		f := facts(t, "trashed", "2026-01-01",
			retention.Occurrence{Event: "trashed", At: at(0)}, retention.Occurrence{Event: "account.closed", At: at(cancelled)})
		d := h.Evaluate(f, at(cancelled))
		require.Equal(t, end(gone), d.GoneBy, cancelled)
		want := "account"
		if gone == 90 && cancelled != 30 {
			want = "trash"
		}
		if cancelled != 30 {
			require.Equal(t, want, d.Promise.Rule, cancelled)
		}
	}
	// The second report of what was trashed puts nothing off; restoring ends the
	// promise, and trashing again begins it.
	events := []retention.Occurrence{{Event: "trashed", At: at(0)}, {Event: "trashed", At: at(20)}}
	require.Equal(t, end(90), h.Evaluate(facts(t, "trashed", "2026-01-01", events...), at(21)).GoneBy)
	events = append(events, retention.Occurrence{Event: "restored", At: at(22)})
	require.Zero(t, h.Evaluate(facts(t, "active", "2026-01-01", events...), at(23)).GoneBy)
	events = append(events, retention.Occurrence{Event: "trashed", At: at(24)})
	require.Equal(t, end(114), h.Evaluate(facts(t, "trashed", "2026-01-25", events...), at(25)).GoneBy)
}

// A promise that the stages would break destroys earlier, so that backups, sweep
// and retries have their time.
func TestEvaluate_APromiseLeavesTimeForItsCopies(t *testing.T) {
	p := changed(t, content(t), func(p *retention.Policy) { p.Promises[1].Within = days(40) })
	f := facts(t, "closed", "2026-01-10", on(t, "account.closed", "2026-01-10"))
	d := history(t, p).Evaluate(f, day(t, "2026-01-11"))
	require.Equal(t, endOf(t, "2026-02-19"), d.GoneBy)
	require.Equal(t, endOf(t, "2026-01-19"), d.PurgeBy, "40 - 30 - 1 days")
	require.Equal(t, retention.ByPromise, d.Purge.Ground)
	require.Equal(t, retention.Due, history(t, p).Evaluate(f, endOf(t, "2026-01-19")).Verdict)
}

func TestEvaluate_UnknownNeverDestroys(t *testing.T) {
	h := history(t, content(t))
	late := day(t, "2030-01-01")
	base := func() *retention.Facts { return facts(t, "inaccessible", "2026-01-31") }
	require.Equal(t, retention.Due, h.Evaluate(base(), late).Verdict)
	require.Equal(t, retention.Unknown, h.Evaluate(&retention.Facts{}, late).Verdict)
	for what, forget := range map[string]func(*retention.Facts){
		"version":             func(f *retention.Facts) { f.Cohort = 2 },
		"class":               func(f *retention.Facts) { f.Class = "other" },
		"stage":               func(f *retention.Facts) { f.Stage = "gone" },
		"anchor":              func(f *retention.Facts) { f.Since = time.Time{} },
		"events":              func(f *retention.Facts) { f.Known &^= retention.KnownEvents },
		"labels":              func(f *retention.Facts) { f.Known &^= retention.KnownLabels },
		"holds":               func(f *retention.Facts) { f.Known &^= retention.KnownHolds },
		"exceptions":          func(f *retention.Facts) { f.Known &^= retention.KnownExceptions },
		"erasures":            func(f *retention.Facts) { f.Known &^= retention.KnownErasures },
		"end of an exception": func(f *retention.Facts) { f.Exceptions = []retention.Exception{{ID: "x"}} },
		"date of an erasure":  func(f *retention.Facts) { f.Erasures = []retention.Erasure{{Request: "r"}} },
	} {
		f := base()
		forget(f)
		d := h.Evaluate(f, late)
		require.Equal(t, retention.Unknown, d.Verdict, what)
		require.Equal(t, retention.Reason{Ground: retention.ByMissing, Fact: what}, d.Purge)
		require.Zero(t, d.DestroyAt, what)
		require.Zero(t, d.PurgeBy, what)
		require.Zero(t, d.Policy, what)
		require.Contains(t, d.String(), what+" not known, nothing is destroyed")
	}
	f := base()
	f.Since = late.Add(time.Second)
	require.Equal(t, retention.Unknown, h.Evaluate(f, late).Verdict, "an anchor in the future")
	require.Equal(t, retention.Unknown, h.Evaluate(base(), day(t, "2019-12-31")).Verdict, "before the first version")

	// What hides does not wait for a failed look-up.
	f = facts(t, "trashed", "2026-01-31")
	f.Known = 0
	d := h.Evaluate(f, late)
	require.Equal(t, retention.Move, d.Verdict)
	require.Equal(t, "inaccessible", d.Next)
	require.Equal(t, retention.VisibleNone, d.Visible)
}

func TestEvaluate_HidingProceedsWhileDestructionIsHeld(t *testing.T) {
	h := history(t, content(t))
	f := facts(t, "trashed", "2026-01-01", on(t, "trashed", "2026-01-01"))
	f.Holds = []retention.Held{{Hold: "h-2", Matter: "Doe v. Roe"}, {Hold: "h-1", Matter: "tax audit"}}

	d := h.Evaluate(f, day(t, "2026-02-01"))
	require.Equal(t, retention.Move, d.Verdict)
	require.Equal(t, retention.VisibleNone, d.Visible)
	require.False(t, d.Conflict, "nothing is due yet")

	f.State = retention.State{Stage: d.Next, Since: d.NextAt}
	d = h.Evaluate(f, day(t, "2026-12-01"))
	require.Equal(t, retention.Blocked, d.Verdict)
	require.Equal(t, retention.VisibleNone, d.Visible)
	require.True(t, d.KeepOpen)
	require.Equal(t, retention.ByHold, d.Keep.Ground)
	require.Equal(t, "h-1", d.Keep.Rule, "whatever the order")
	require.Zero(t, d.DestroyAt)
	require.True(t, d.Conflict, "the promise is over")
	require.Equal(t, "h-1", d.Keeps.Rule)
	require.Equal(t, "trash", d.Against.Rule)

	f.Holds = nil
	require.Equal(t, retention.Due, h.Evaluate(f, day(t, "2026-12-01")).Verdict)

	// What is still in sight when it is due goes out of it: an active file, which is
	// to be erased and held.
	f = facts(t, "active", "2026-01-01")
	f.Holds = []retention.Held{{Hold: "h"}}
	require.Equal(t, retention.VisibleAll, h.Evaluate(f, day(t, "2026-02-01")).Visible)
	f.Erasures = []retention.Erasure{{Request: "r", At: day(t, "2026-02-01")}}
	d = h.Evaluate(f, day(t, "2026-02-01"))
	require.Equal(t, retention.Blocked, d.Verdict)
	require.Equal(t, retention.VisibleNone, d.Visible)
}

func TestEvaluate_Precedence(t *testing.T) {
	withRules := changed(t, content(t), func(p *retention.Policy) {
		p.Labels = []retention.Label{
			{Name: "short", From: retention.Created, For: days(10), Why: "because"},
			{Name: "long", From: retention.Created, For: days(400), Why: "because"},
		}
		p.Obligations = []retention.Obligation{
			{Name: "tax", Classes: []string{"content"}, Labels: []string{"invoice"}, From: "invoice.issued", For: deadline.Period{Years: 8}, YearEnd: true, Cite: "law"},
			{Name: "minimum", Classes: []string{"content"}, From: retention.Created, For: days(100), Cite: "law 2"},
		}
	})
	h := history(t, withRules)
	at := day(t, "2026-02-01")
	base := func() *retention.Facts { return facts(t, "inaccessible", "2025-12-20") } // ends 2026-01-19

	d := h.Evaluate(base(), at)
	require.Equal(t, endOf(t, "2026-03-11"), d.KeepUntil, "100 days from creation")
	require.Equal(t, endOf(t, "2026-01-19"), d.PurgeBy)
	require.Equal(t, endOf(t, "2026-03-11"), d.DestroyAt)
	require.Equal(t, retention.Blocked, d.Verdict)
	require.Equal(t, retention.ByObligation, d.Keep.Ground)

	// A label takes the place of the class: later or earlier; of two, the shorter.
	f := base()
	f.Labels = []string{"long"}
	d = h.Evaluate(f, at)
	require.Equal(t, endOf(t, "2027-01-05"), d.DestroyAt)
	require.Equal(t, retention.ByLabel, d.Purge.Ground)
	f.Labels = []string{"long", "short"}
	d = h.Evaluate(f, at)
	require.Equal(t, endOf(t, "2025-12-11"), d.PurgeBy)
	require.Equal(t, "short", d.Purge.Rule)
	require.Equal(t, endOf(t, "2026-03-11"), d.DestroyAt, "and never before the minimum")

	// The longest minimum; of the calendar year's end.
	f = base()
	f.Labels = []string{"invoice"}
	f.Events = append(f.Events, on(t, "invoice.issued", "2026-01-15"))
	d = h.Evaluate(f, at)
	require.Equal(t, endOf(t, "2034-12-31"), d.KeepUntil)
	require.Equal(t, "tax", d.Keep.Rule)
	// An invoice of which nobody knows when it was issued stays.
	f.Events = nil
	d = h.Evaluate(f, day(t, "2100-01-01"))
	require.True(t, d.KeepOpen)
	require.Equal(t, retention.Blocked, d.Verdict)

	// A hold goes before all.
	f = base()
	f.Holds = []retention.Held{{Hold: "h", Matter: "m"}}
	d = h.Evaluate(f, day(t, "2100-01-01"))
	require.Equal(t, retention.ByHold, d.Keep.Ground)
	require.Equal(t, retention.Blocked, d.Verdict)
}

func TestEvaluate_AnExceptionNeverPutsOffAnErasure(t *testing.T) {
	h := history(t, content(t))
	at := day(t, "2026-06-01")
	f := facts(t, "inaccessible", "2026-01-31")
	f.Exceptions = []retention.Exception{
		{ID: "x-1", Reason: "migration", Until: day(t, "2026-09-01")},
		{ID: "x-0", Reason: "over", Until: day(t, "2026-04-01")},
	}
	d := h.Evaluate(f, at)
	require.Equal(t, retention.Blocked, d.Verdict)
	require.Equal(t, day(t, "2026-09-01"), d.DestroyAt)
	require.Equal(t, "x-1", d.Keep.Rule)

	f.Erasures = []retention.Erasure{{Request: "r-1", At: day(t, "2026-05-20"), By: day(t, "2026-06-20")}}
	d = h.Evaluate(f, at)
	require.Equal(t, retention.Due, d.Verdict, "the erasure goes on")
	require.Equal(t, day(t, "2026-05-20"), d.DestroyAt)

	// Only holds and minima stand against it.
	f.Holds = []retention.Held{{Hold: "h"}}
	require.Equal(t, retention.Blocked, h.Evaluate(f, at).Verdict)
	require.False(t, h.Evaluate(f, at).Conflict)
	require.True(t, h.Evaluate(f, day(t, "2026-06-20")).Conflict, "it was granted by then")
}

func TestEvaluate_ConflictsAreFound(t *testing.T) {
	p := changed(t, content(t), func(p *retention.Policy) {
		p.Obligations = []retention.Obligation{{Name: "tax", Classes: []string{"content"}, From: "invoice.issued", For: days(365), Cite: "law"}}
	})
	f := facts(t, "trashed", "2026-01-31", on(t, "trashed", "2026-01-31"), on(t, "invoice.issued", "2026-01-01"))
	at := day(t, "2026-02-01")
	require.True(t, history(t, p).Evaluate(f, at).Conflict, "as soon as it is known")
	d := history(t, p).Evaluate(f, at)
	require.Equal(t, retention.Reason{Ground: retention.ByObligation, Rule: "tax", Fact: "invoice.issued", At: day(t, "2026-01-01"), Cite: "law"}, d.Keeps)
	require.Equal(t, retention.Reason{Ground: retention.ByPromise, Rule: "trash", Fact: "trashed", At: day(t, "2026-01-31"), Cite: "policy 1"}, d.Against)
	require.Contains(t, d.String(), "conflict, for the data-protection officer: obligation tax (invoice.issued 2026-01-01T12:00:00Z) [law] against promise trash")
	yields := changed(t, p, func(p *retention.Policy) { p.Promises[0].Yields = []string{"tax"} })
	require.False(t, history(t, yields).Evaluate(f, at).Conflict, "the promise makes the exception")
	f.Events = f.Events[1:] // nothing was promised yet
	require.False(t, history(t, p).Evaluate(f, at).Conflict)

	f = facts(t, "trashed", "2026-01-31", on(t, "trashed", "2026-01-31"))
	f.Exceptions = []retention.Exception{{ID: "x", Until: day(t, "2026-03-01")}}
	require.False(t, history(t, content(t)).Evaluate(f, at).Conflict)
	f.Exceptions[0].Until = day(t, "2026-06-01")
	d = history(t, content(t)).Evaluate(f, at)
	require.True(t, d.Conflict)
	require.Equal(t, retention.ByException, d.Keeps.Ground)
}

func TestEvaluate_ZeroRetention(t *testing.T) {
	p := changed(t, content(t), func(p *retention.Policy) {
		p.Classes = append(p.Classes, retention.Class{Name: "upload", Title: "Uploads", Records: []string{"upload"}, ZeroRetention: true})
	})
	h := history(t, p)
	f := facts(t, "", "2026-01-31")
	f.Class = "upload"
	d := h.Evaluate(f, day(t, "2026-01-31"))
	require.Equal(t, retention.Due, d.Verdict)
	require.Equal(t, retention.ByZeroRetention, d.Purge.Ground)
	f.Holds = []retention.Held{{Hold: "h"}}
	require.Equal(t, retention.Blocked, h.Evaluate(f, day(t, "2026-01-31")).Verdict)
}

func TestEvaluate_HiddenByPromise(t *testing.T) {
	p := changed(t, content(t), func(p *retention.Policy) {
		p.Promises = append(p.Promises, retention.Promise{Name: "sight", From: "invoice.issued", To: retention.Hidden, Within: days(5), Cite: "c"})
	})
	h := history(t, p)
	f := facts(t, "active", "2026-01-01", on(t, "invoice.issued", "2026-01-10"))
	require.Equal(t, retention.VisibleAll, h.Evaluate(f, day(t, "2026-01-15")).Visible)
	d := h.Evaluate(f, endOf(t, "2026-01-15"))
	require.Equal(t, retention.VisibleNone, d.Visible)
	require.Equal(t, endOf(t, "2026-01-15"), d.HiddenBy)
	require.Zero(t, d.GoneBy)
}

func TestDecision_PrintsInOneLine(t *testing.T) {
	h := history(t, content(t))
	f := facts(t, "trashed", "2026-01-31", on(t, "trashed", "2026-01-31"))
	f.Holds = []retention.Held{{Hold: "h-1", Matter: "tax audit"}}
	require.Equal(t, "file/17: content trashed: inaccessible at 2026-02-26T00:00:00Z; keep by hold h-1 (tax audit); "+
		"purge by 2026-03-28T00:00:00Z by class content (trashed 2026-01-31T12:00:00Z); "+
		"gone by 2026-05-02T00:00:00Z by promise trash (trashed 2026-01-31T12:00:00Z) [policy 1]",
		h.Evaluate(f, day(t, "2026-02-01")).String())
}

func TestEvaluate_AllocatesNothing(t *testing.T) {
	h, f := busy(t)
	at := day(t, "2026-02-01")
	require.Zero(t, testing.AllocsPerRun(200, func() {
		if d := h.Evaluate(f, at); d.Verdict == retention.Unknown {
			t.Error("not decided")
		}
	}))
	f.Known = 0
	require.Zero(t, testing.AllocsPerRun(200, func() { h.Evaluate(f, at) }), "nothing known")
}

// busy is a record to which everything applies, in a zone that has clock changes.
func busy(tb testing.TB) (*retention.History, *retention.Facts) {
	tb.Helper()
	first := changed(tb, content(tb), func(p *retention.Policy) {
		p.Zone = "Europe/Berlin"
		p.Labels = []retention.Label{{Name: "long", From: retention.Created, For: deadline.Period{Years: 3}, Why: "w"}}
		p.Obligations = []retention.Obligation{
			{Name: "tax", Classes: []string{"content"}, Labels: []string{"invoice"}, From: "invoice.issued", For: deadline.Period{Years: 8}, YearEnd: true, Cite: "law"},
		}
	})
	second := changed(tb, first, func(p *retention.Policy) { p.Version, p.Effective = 2, date(tb, "2025-12-31") })
	f := facts(tb, "trashed", "2026-01-31", on(tb, "trashed", "2026-01-31"), on(tb, "account.closed", "2026-02-01"), on(tb, "invoice.issued", "2026-01-02"))
	f.Labels = []string{"invoice", "long"}
	f.Holds = []retention.Held{{Hold: "h", Matter: "m"}}
	f.Exceptions = []retention.Exception{{ID: "x", Until: day(tb, "2026-03-01")}}
	f.Erasures = []retention.Erasure{{Request: "r", At: day(tb, "2026-02-01"), By: day(tb, "2026-02-20")}}
	return history(tb, first, second), f
}

func BenchmarkEvaluate(b *testing.B) {
	for name, zone := range map[string]string{"UTC": "UTC", "Berlin": "Europe/Berlin"} {
		b.Run("plain/"+name, func(b *testing.B) {
			h := history(b, changed(b, content(b), func(p *retention.Policy) { p.Zone = zone }))
			f, at := facts(b, "trashed", "2026-01-31", on(b, "trashed", "2026-01-31")), day(b, "2026-02-01")
			b.ReportAllocs()
			for b.Loop() {
				h.Evaluate(f, at)
			}
		})
	}
	b.Run("busy", func(b *testing.B) {
		h, f := busy(b)
		at := day(b, "2026-02-01")
		b.ReportAllocs()
		for b.Loop() {
			h.Evaluate(f, at)
		}
	})
}
