package retention_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/deadline"
	"github.com/trothdev/troth/retention"
)

func TestEvaluate_OfOneInstantThePromiseWins(t *testing.T) {
	h := history(t, content(t))
	f := facts(t, "trashed", "2026-01-31", on(t, "restored", "2026-01-31"), on(t, "trashed", "2026-01-31"))
	require.Equal(t, endOf(t, "2026-05-01"), h.Evaluate(f, day(t, "2026-02-01")).GoneBy)
}

func TestEvaluate_APromiseLeavesTimeForRetries(t *testing.T) {
	h := history(t, changed(t, content(t), func(p *retention.Policy) { p.Promises[1].Within, p.Retry = days(40), days(4) }))
	f := facts(t, "closed", "2026-01-10", on(t, "account.closed", "2026-01-10"))
	require.Equal(t, endOf(t, "2026-01-15"), h.Evaluate(f, day(t, "2026-01-11")).PurgeBy, "40 - 30 - 1 - 4 days")
	// Never before the event from which it counts.
	h = history(t, changed(t, content(t), func(p *retention.Policy) { p.Promises[1].Within = days(2) }))
	require.Equal(t, day(t, "2026-01-10"), h.Evaluate(f, day(t, "2026-01-11")).PurgeBy)
}

// What is promised about one copy, or about sight, destroys no record.
func TestEvaluate_PromisesThatAreNotAboutTheRecord(t *testing.T) {
	p := changed(t, content(t), func(p *retention.Policy) {
		p.Promises = []retention.Promise{
			{Name: "index", From: "trashed", Within: days(2), Copies: []string{"search"}, Cite: "c"},
			{Name: "sight", From: "trashed", To: retention.Hidden, Within: days(3), Cite: "c"},
		}
		p.Obligations = []retention.Obligation{{Name: "o", Classes: []string{"content"}, From: retention.Created, For: days(1000), Cite: "c"}}
	})
	d := history(t, p).Evaluate(facts(t, "active", "2026-01-01", on(t, "trashed", "2026-01-01")), day(t, "2026-02-01"))
	require.Zero(t, d.PurgeBy)
	require.Zero(t, d.GoneBy)
	require.Equal(t, retention.Wait, d.Verdict)
	require.False(t, d.Conflict, "the obligation keeps it, and nothing of that was promised")
	require.Equal(t, retention.VisibleNone, d.Visible)
}

func TestEvaluate_AMinimumAgainstAnErasureThatIsDue(t *testing.T) {
	p := changed(t, content(t), func(p *retention.Policy) {
		p.Obligations = []retention.Obligation{{Name: "o", Classes: []string{"content"}, From: retention.Created, For: days(100), Cite: "c"}}
	}) // until 2026-03-11
	f := facts(t, "active", "2026-01-01")
	f.Erasures = []retention.Erasure{{Request: "r", At: day(t, "2026-01-10"), By: day(t, "2026-04-10")}}
	d := history(t, p).Evaluate(f, day(t, "2026-02-01"))
	require.Equal(t, endOf(t, "2026-03-11"), d.DestroyAt)
	require.Equal(t, day(t, "2026-04-10"), d.GoneBy)
	require.False(t, d.Conflict)
	f.Erasures[0].By = day(t, "2026-02-10")
	d = history(t, p).Evaluate(f, day(t, "2026-02-01"))
	require.True(t, d.Conflict)
	require.Equal(t, "o", d.Keeps.Rule)
	require.Equal(t, retention.Reason{Ground: retention.ByErasure, Rule: "r", At: day(t, "2026-01-10")}, d.Against)
}

func TestLint_CountsToTheEndOfTheYear(t *testing.T) {
	p := changed(t, content(t), func(p *retention.Policy) {
		p.Promises = p.Promises[:1]
		p.Promises[0].Within = deadline.Period{Years: 2} // 730 days at the least
		p.Obligations = []retention.Obligation{{
			Name: "tax", Classes: []string{"content"}, From: "invoice.issued", For: deadline.Period{Years: 1}, YearEnd: true, Cite: "law",
		}}
	})
	report, err := p.Lint(retention.LintOptions{})
	require.NoError(t, err)
	require.Len(t, report.Findings, 1)
	require.Equal(t, "obligation-conflict content tax: keeps 731 > 730 - backups 30 - sweep 1 = 699 of promise trash", report.Findings[0].String())
	p.Obligations[0].YearEnd = false
	report, err = p.Lint(retention.LintOptions{})
	require.NoError(t, err)
	require.Empty(t, report.Findings, "366 days are less than 699")
}

// A promise from creation is measured from the first stage alone: what an event
// leads to later keeps the earlier end.
func TestLint_PromisesFromCreation(t *testing.T) {
	p := changed(t, content(t), func(p *retention.Policy) {
		p.Classes[0].Lifecycle = retention.Lifecycle{
			Stages: []retention.Stage{
				{Name: "kept", Visible: retention.VisibleAll, For: days(5), Then: retention.Purged},
				{Name: "trashed", Visible: retention.VisibleNone, Until: "account.closed"},
			},
			On: []retention.Transition{{Event: "trashed", Goto: "trashed"}},
		}
		p.Promises = []retention.Promise{{Name: "short", From: retention.Created, Within: days(40), Cite: "c"}}
	})
	report, err := p.Lint(retention.LintOptions{})
	require.NoError(t, err)
	require.Empty(t, report.Findings)
	require.Equal(t, "kept 5 + backups 30 + sweep 1 = 36 <= 40, slack 4", report.Paths[0].String())

	h := history(t, p)
	events := []retention.Occurrence{on(t, retention.Created, "2026-01-01"), on(t, "trashed", "2026-01-03")}
	s, cohort, ok := h.Replay("content", events, day(t, "2026-01-04"))
	require.True(t, ok)
	require.Equal(t, retention.State{Stage: "trashed", Since: day(t, "2026-01-03"), EndBy: endOf(t, "2026-01-06")}, s)
	f := &retention.Facts{Class: "content", State: s, Cohort: cohort, Events: events, Known: retention.KnownAll}
	require.Equal(t, retention.Due, h.Evaluate(f, endOf(t, "2026-01-06")).Verdict)
}
