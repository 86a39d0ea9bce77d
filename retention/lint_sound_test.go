package retention_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/retention"
)

// The linter's word holds: where a policy is clean, no promise ever has to press,
// whatever happens to a record and in which order, since its stages end soon
// enough by themselves. Where one is not clean, a record can be found that shows it.
func TestLint_IsRightAboutEveryLife(t *testing.T) {
	r := newRandom(t)
	clean, broken, shown := 0, 0, 0
	for range 200 {
		p := r.policy(t)
		p.Labels, p.Obligations, p.Retry = nil, nil, days(r.IntN(3))
		for i := range p.Promises {
			p.Promises[i].Within = days(60 + r.IntN(250))
		}
		report, err := p.Lint(retention.LintOptions{})
		require.NoError(t, err)
		if len(p.Promises) == 0 {
			continue
		}
		pressed := lives(t, r, p, len(report.Findings) == 0)
		switch {
		case len(report.Findings) == 0:
			clean++
		case pressed:
			broken, shown = broken+1, shown+1
		default:
			broken++
		}
	}
	require.Greater(t, clean, 10)
	require.Greater(t, shown, broken/2, "of %d policies with findings", broken)
}

// lives tries random lives and reports whether a promise had to press in one.
func lives(t *testing.T, r random, p *retention.Policy, clean bool) (pressed bool) {
	t.Helper()
	h := history(t, p)
	loc, err := time.LoadLocation(p.Zone)
	require.NoError(t, err)
	for range 25 {
		at := r.instant(loc)
		events := []retention.Occurrence{{Event: retention.Created, At: at}}
		for range 1 + r.IntN(4) {
			at = at.Add(time.Duration(r.Int64N(40*24*3600*1e6)) * time.Microsecond)
			events = append(events, retention.Occurrence{
				Event: []string{"trashed", "trashed", "restored", "account.closed"}[r.IntN(4)], At: at,
			})
		}
		s, cohort, ok := h.Replay("content", events, at)
		require.True(t, ok)
		if s.Stage == retention.Purged {
			continue
		}
		d := h.Evaluate(&retention.Facts{Class: "content", State: s, Cohort: cohort, Events: events, Known: retention.KnownAll}, at)
		if d.Purge.Ground == retention.ByPromise {
			pressed = true
			require.False(t, clean, "%s\n%s\n%+v", d, canonicalText(t, p), events)
		}
	}
	return pressed
}
