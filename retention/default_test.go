package retention_test

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/retention"
)

// withDefault has a second class, that has no life of its own.
func withDefault(tb testing.TB) *retention.Policy {
	tb.Helper()
	return changed(tb, content(tb), func(p *retention.Policy) {
		p.Classes = append(p.Classes, retention.Class{
			Name: "note", Title: "Notes", Records: []string{"note"}, Copies: []string{"primary"}, End: retention.Anonymise,
		})
		p.Default = &retention.Lifecycle{Stages: []retention.Stage{{Name: "kept", Visible: retention.VisibleAll, For: days(5)}}}
	})
}

func TestEvaluate_TheDefaultIsForClassesWithoutALife(t *testing.T) {
	h := history(t, withDefault(t))
	f := facts(t, "kept", "2026-01-01")
	f.Class = "note"
	d := h.Evaluate(f, endOf(t, "2026-01-06"))
	require.Equal(t, retention.Due, d.Verdict)
	require.Equal(t, retention.ByDefault, d.Purge.Ground)
	require.Equal(t, retention.Anonymise, d.End)
	require.Contains(t, d.String(), "anonymise, due since 2026-01-07T00:00:00Z")
	// The class that has one does not know the default's stages.
	f.Class = "content"
	require.Equal(t, retention.Unknown, h.Evaluate(f, endOf(t, "2026-01-06")).Verdict)
	report, err := changed(t, withDefault(t), func(p *retention.Policy) { p.Default.Stages[0].Then = "kept" }).Lint(retention.LintOptions{})
	require.NoError(t, err)
	require.Len(t, report.Findings, 1)
	require.Equal(t, "default", report.Findings[0].Class)
}

func TestHistory_ListsWhatASweepLooksFor(t *testing.T) {
	second := changed(t, withDefault(t), func(p *retention.Policy) {
		p.Version, p.Effective, p.Apply = 2, date(t, "2026-01-01"), retention.ApplyNew
		p.Default.Stages[0].For = days(7)
	})
	h := history(t, withDefault(t), second)
	at := endOf(t, "2026-02-28")
	cuts := h.Cuts(at)
	require.Len(t, cuts, 2*4, "three stages of content and one of notes, of each cohort")
	require.Equal(t, retention.Cut{Class: "content", Stage: "closed", Cohort: 1, Anchor: endOf(t, "2026-02-03")}, cuts[0])
	require.Equal(t, retention.Cut{Class: "note", Stage: "kept", Cohort: 1, Anchor: endOf(t, "2026-02-23")}, cuts[3])
	require.Equal(t, retention.Cut{Class: "note", Stage: "kept", Cohort: 2, Anchor: endOf(t, "2026-02-21")}, cuts[7])
	require.Len(t, h.Cuts(day(t, "2025-06-01")), 4, "before the second version")
	require.Empty(t, h.Cuts(day(t, "2019-06-01")))
}

func TestHistory_TypesAndScopes(t *testing.T) {
	h := history(t, withDefault(t))
	at := day(t, "2026-01-01")
	class, ok := h.ClassOf("note", at)
	require.True(t, ok)
	require.Equal(t, "note", class)
	_, ok = h.ClassOf("avatar", at)
	require.False(t, ok)
	_, ok = h.ClassOf("note", day(t, "2019-01-01"))
	require.False(t, ok)
	for event, want := range map[string]retention.Scope{
		retention.Created: retention.OfRecord, "trashed": retention.OfRecord, "account.closed": retention.OfAccount,
	} {
		s, ok := h.ScopeOf(event, at)
		require.True(t, ok)
		require.Equal(t, want, s)
	}
	_, ok = h.ScopeOf("binned", at)
	require.False(t, ok)
	_, ok = h.ScopeOf("trashed", day(t, "2019-01-01"))
	require.False(t, ok)
}

// Times that no calendar has neither panic nor destroy what must be kept.
func TestEvaluate_TimesOfNoCalendar(t *testing.T) {
	p := changed(t, content(t), func(p *retention.Policy) {
		p.Obligations = []retention.Obligation{{Name: "o", Classes: []string{"content"}, From: "invoice.issued", For: days(9), Cite: "c"}}
	})
	h := history(t, p)
	for _, odd := range []time.Time{
		{}, time.Unix(0, 0).AddDate(-3000, 0, 0), time.Unix(math.MinInt32, 0).AddDate(20_000, 0, 0), time.Unix(1<<50, 0), time.Unix(-1<<50, 0),
	} {
		for _, at := range []time.Time{day(t, "2026-01-01"), odd} {
			f := facts(t, "trashed", "2020-02-01")
			f.Since, f.EndBy = odd, odd
			f.Events = []retention.Occurrence{{Event: "trashed", At: odd}, {Event: "invoice.issued", At: odd}, {Event: "restored", At: odd}}
			f.Exceptions = []retention.Exception{{ID: "x", Until: odd}}
			f.Erasures = []retention.Erasure{{Request: "r", At: odd, By: odd}}
			_ = h.Evaluate(f, at).String()
			h.Cuts(at)
			h.Copies("content", 1, at)
			h.Advance("content", 1, f.State, at)
			_, _, _ = h.Replay("content", f.Events, at)
		}
	}
	f := facts(t, "inaccessible", "2020-02-01", retention.Occurrence{Event: "invoice.issued", At: time.Unix(1<<40, 0)})
	require.Equal(t, retention.Blocked, h.Evaluate(f, day(t, "2026-01-01")).Verdict)
}
