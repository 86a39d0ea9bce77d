package retention_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/deadline"
	"github.com/trothdev/troth/retention"
)

func TestLint_PrintsTheArithmetic(t *testing.T) {
	report, err := content(t).Lint(retention.LintOptions{})
	require.NoError(t, err)
	require.Empty(t, report.Findings)
	require.Len(t, report.Paths, 2)
	require.Equal(t, "trashed 25 + inaccessible 30 + backups 30 + sweep 1 = 86 <= 90, slack 4", report.Paths[0].String())
	require.Equal(t, "closed 25 + backups 30 + sweep 1 = 56 <= 60, slack 4", report.Paths[1].String())
}

func TestLint_FindsBrokenPromises(t *testing.T) {
	p := changed(t, content(t), func(p *retention.Policy) { p.Copies[2].Rotation = days(35) })
	report, err := p.Lint(retention.LintOptions{})
	require.NoError(t, err)
	require.Len(t, report.Findings, 2)
	require.Equal(t, "promise-broken content trash: trashed 25 + inaccessible 30 + backups 35 + sweep 1 = 91 > 90, 1 over", report.Findings[0].String())
	require.Equal(t, "promise-broken content account: closed 25 + backups 35 + sweep 1 = 61 > 60, 1 over", report.Findings[1].String())
}

// mutants change the clean policy so that one kind of finding is in it, and no
// other.
func mutants(tb testing.TB) map[retention.FindingKind]func(*retention.Policy) {
	tb.Helper()
	return map[retention.FindingKind]func(*retention.Policy){
		retention.PromiseBroken: func(p *retention.Policy) { p.Retry = days(5) },
		retention.PromiseOpen: func(p *retention.Policy) {
			s := &p.Classes[0].Stages[2]
			s.For, s.Until = deadline.Period{}, "invoice.issued"
		},
		retention.PromiseRevived: func(p *retention.Policy) { p.Promises[0].Unless = nil },
		retention.StageUnreachable: func(p *retention.Policy) {
			p.Classes[0].Stages = append(p.Classes[0].Stages, retention.Stage{Name: "attic", Visible: retention.VisibleNone, For: days(1)})
			p.Classes[0].Stages[3].Then = retention.Purged
		},
		retention.StagesEndless: func(p *retention.Policy) {
			p.Promises = nil
			p.Classes[0].Stages[3].Then = "closed"
		},
		retention.Reappears: func(p *retention.Policy) { p.Classes[0].Stages[2].Visible = retention.VisibleAll },
		retention.OpenEnd: func(p *retention.Policy) {
			p.Promises = nil
			p.Classes[0].Stages[3].For = deadline.Period{}
		},
		retention.ReviewOverdue: func(p *retention.Policy) { p.Classes[0].Stages[0].Review = date(tb, "2025-12-31") },
		retention.ObligationConflict: func(p *retention.Policy) {
			p.Promises = p.Promises[:1]
			p.Obligations = []retention.Obligation{{Name: "tax", Classes: []string{"content"}, From: "invoice.issued", For: days(60), Cite: "law"}}
		},
		retention.TypeUnclassed: func(p *retention.Policy) { p.Classes[0].Records = []string{"document"} },
	}
}

func TestLint_EveryKindOfFindingAlone(t *testing.T) {
	options := retention.LintOptions{On: date(t, "2026-01-01"), RecordTypes: []string{"file"}}
	clean, err := content(t).Lint(options)
	require.NoError(t, err)
	require.Empty(t, clean.Findings)
	require.Len(t, mutants(t), len(retention.FindingKinds()), "a kind of finding has no policy that triggers it")
	for _, kind := range retention.FindingKinds() {
		mutate := mutants(t)[kind]
		require.NotNil(t, mutate, kind)
		report, err := changed(t, content(t), mutate).Lint(options)
		require.NoError(t, err, kind)
		require.NotEmpty(t, report.Findings, kind)
		for _, f := range report.Findings {
			require.Equal(t, kind, f.Kind, "%s", f)
			require.NotContains(t, f.String(), "%!", "%s", f)
		}
	}
}

func TestLint_FindingsInWords(t *testing.T) {
	options := retention.LintOptions{On: date(t, "2026-01-01"), RecordTypes: []string{"file"}}
	for kind, want := range map[retention.FindingKind]string{
		retention.PromiseOpen:        "promise-open content trash: trashed 25 + inaccessible has no end by time, and 90 days were promised",
		retention.PromiseRevived:     "promise-revived content trash: restored brings records back to active, and does not end the promise",
		retention.ObligationConflict: "obligation-conflict content tax: keeps 60 > 90 - backups 30 - sweep 1 = 59 of promise trash",
		retention.TypeUnclassed:      "type-unclassed file: is registered and has no class: its records would stay for ever",
		retention.ReviewOverdue:      "review-overdue content active: was to be looked at by 2025-12-31",
		retention.StagesEndless:      "stages-endless content closed: time leads from it back to it",
	} {
		report, err := changed(t, content(t), mutants(t)[kind]).Lint(options)
		require.NoError(t, err)
		require.Equal(t, want, report.Findings[0].String())
	}
}

// Months count as their longest in ways and as their shortest in promises.
func TestLint_CountsMonthsOnTheSafeSide(t *testing.T) {
	p := changed(t, content(t), func(p *retention.Policy) {
		p.Classes[0].Stages[3].For = deadline.Period{Months: 1}
		p.Promises[1].Within = deadline.Period{Months: 2}
	})
	report, err := p.Lint(retention.LintOptions{})
	require.NoError(t, err)
	require.Equal(t, "closed 31 + backups 30 + sweep 1 = 62 > 59, 3 over", report.Paths[1].String())
}

func TestLint_HiddenPromises(t *testing.T) {
	hidden := retention.Promise{Name: "sight", From: "account.closed", To: retention.Hidden, AtOnce: true, Cite: "c"}
	p := changed(t, content(t), func(p *retention.Policy) { p.Promises = []retention.Promise{hidden} })
	report, err := p.Lint(retention.LintOptions{})
	require.NoError(t, err)
	require.Empty(t, report.Findings)
	require.Equal(t, "at once = 0 <= 0, slack 0", report.Paths[0].String())

	p = changed(t, p, func(p *retention.Policy) { p.Promises[0].From, p.Promises[0].Unless = "trashed", []string{"restored"} })
	report, err = p.Lint(retention.LintOptions{})
	require.NoError(t, err)
	require.Len(t, report.Findings, 1)
	require.Equal(t, "trashed 25 + sweep 1 = 26 > 0, 26 over", report.Paths[0].String())
}

// A promise about one copy is kept by the stage that sheds it, with its lag.
func TestLint_PromisesAboutOneCopy(t *testing.T) {
	p := changed(t, content(t), func(p *retention.Policy) {
		p.Classes[0].Stages[2].Copies = []string{"primary", "backups"}
		p.Promises = []retention.Promise{{
			Name: "index", From: "trashed", Within: days(30), Copies: []string{"search"}, Unless: []string{"restored"}, Cite: "c",
		}}
	})
	report, err := p.Lint(retention.LintOptions{})
	require.NoError(t, err)
	require.Empty(t, report.Findings)
	require.Equal(t, "trashed 25 + search 1 + sweep 1 = 27 <= 30, slack 3", report.Paths[0].String())
}

// A copy of a copy waits for it, and a label's way is one more.
func TestLint_DerivedCopiesAndLabels(t *testing.T) {
	p := changed(t, content(t), func(p *retention.Policy) {
		p.Copies = append(p.Copies, retention.Copy{Name: "index-backup", Kind: retention.Backup, Of: "search", Rotation: days(32)})
		p.Labels = []retention.Label{{Name: "keep", From: retention.Created, For: days(80), Why: "w"}}
	})
	report, err := p.Lint(retention.LintOptions{})
	require.NoError(t, err)
	require.Equal(t, "label keep 80 + search 1 + index-backup 32 + sweep 1 = 114 > 90, 24 over", report.Paths[0].String())
}

func TestLint_TheWorkedPoliciesAreClean(t *testing.T) {
	for name, text := range examples(t) {
		p, err := retention.ParseYAML(text)
		require.NoError(t, err, name)
		var types []string
		for _, c := range p.Classes {
			types = append(types, c.Records...)
		}
		report, err := p.Lint(retention.LintOptions{On: date(t, "2026-11-26"), RecordTypes: types})
		require.NoError(t, err, name)
		require.Empty(t, report.Findings, name)
		require.GreaterOrEqual(t, len(report.Paths), 5, name)
	}
}
