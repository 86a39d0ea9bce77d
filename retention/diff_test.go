package retention_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/retention"
)

// anchors counts by the anchors of records of one class, by stage.
type anchors map[string][]time.Time

func (a anchors) CountRecords(_ context.Context, c retention.Count) (n int64, err error) {
	for _, at := range a[c.Stage] {
		if c.Class == "content" && at.After(c.From) && (c.To.IsZero() || !at.After(c.To)) {
			n++
		}
	}
	return n, nil
}

func TestDiff(t *testing.T) {
	next := func(change func(*retention.Policy)) *retention.Policy {
		return changed(t, content(t), func(p *retention.Policy) {
			p.Version, p.Effective = 2, date(t, "2026-06-01")
			change(p)
		})
	}
	now := day(t, "2026-06-01")
	ago := func(n int) time.Time { return now.AddDate(0, 0, -n) }
	counter := anchors{
		"trashed":      {ago(70), ago(50), ago(45), ago(44), ago(10), ago(1)},
		"inaccessible": {ago(40), ago(25)},
		"active":       {ago(1000)},
	}
	diff := func(p *retention.Policy) retention.Difference {
		d, err := retention.Diff(t.Context(), content(t), p, now, counter)
		require.NoError(t, err)
		return d
	}
	require.Empty(t, diff(next(func(*retention.Policy) {})).Changes)

	d := diff(next(func(p *retention.Policy) { p.Classes[0].Stages[1].For = days(14) }))
	require.Equal(t, retention.Difference{Before: 1, After: 2, Apply: retention.EarlierOnly, Changes: []retention.Change{
		// Due before were those of 70; due now are those of 45 days and more: the 45th day
		// after the 44-day-old one is not over yet.
		{Class: "content", Stage: "trashed", Effect: retention.Earlier, Before: 55, After: 44, Records: 6, DueNow: 2},
	}}, d)

	d = diff(next(func(p *retention.Policy) { p.Classes[0].Stages[2].For = days(31) }))
	require.Equal(t, []retention.Change{
		{Class: "content", Stage: "trashed", Effect: retention.Later, Before: 55, After: 56, Records: 6},
		{Class: "content", Stage: "inaccessible", Effect: retention.Later, Before: 30, After: 31, Records: 2},
	}, d.Changes)

	d = diff(next(func(p *retention.Policy) { p.Apply, p.Classes[0].Stages[1].For = retention.ApplyNew, days(1) }))
	require.Equal(t, retention.ApplyNew, d.Apply)
	require.Zero(t, d.Changes[0].DueNow, "records that exist are left alone")

	d = diff(next(func(p *retention.Policy) { p.Classes[0].Stages[0].For = days(365) }))
	require.Equal(t, []retention.Change{
		{Class: "content", Stage: "active", Effect: retention.Earlier, Before: -1, After: 390, Records: 1, DueNow: 1},
	}, d.Changes, "what waited for an event")

	month := next(func(p *retention.Policy) {
		p.Classes[0].Stages[2].For.Days, p.Classes[0].Stages[2].For.Months = 0, 1
	})
	require.Equal(t, retention.Mixed, diff(month).Changes[1].Effect, "a month is 28 to 31 days")

	lost := next(func(p *retention.Policy) {
		p.Classes[0].Stages[3].Name = "shut"
		p.Classes[0].Stages[0].Then = "shut"
		p.Classes[0].On[2].Goto = "shut"
	})
	require.Equal(t, retention.Lost, diff(lost).Changes[0].Effect)
}

func TestDiff_OfRules(t *testing.T) {
	before := changed(t, content(t), func(p *retention.Policy) {
		p.Labels = []retention.Label{{Name: "gone", From: retention.Created, For: days(1), Why: "w"}}
	})
	after := changed(t, content(t), func(p *retention.Policy) {
		p.Version, p.Effective = 2, date(t, "2026-06-01")
		p.Promises[0].Within = days(80)
		p.Obligations = []retention.Obligation{{Name: "new", Classes: []string{"content"}, From: retention.Created, For: days(1), Cite: "c"}}
	})
	d, err := retention.Diff(t.Context(), before, after, day(t, "2026-06-01"), anchors{})
	require.NoError(t, err)
	require.Equal(t, []retention.RuleChange{
		{Kind: retention.ByPromise, Name: "trash", Change: "changed"},
		{Kind: retention.ByObligation, Name: "new", Change: "added"},
		{Kind: retention.ByLabel, Name: "gone", Change: "removed"},
	}, d.Rules)
}

type brokenCounter struct{ err error }

func (b brokenCounter) CountRecords(context.Context, retention.Count) (int64, error) { return 0, b.err }

func TestDiff_AFailedCountIsNoZero(t *testing.T) {
	boom := errors.New("boom")
	shorter := changed(t, content(t), func(p *retention.Policy) { p.Version, p.Classes[0].Stages[1].For = 2, days(1) })
	_, err := retention.Diff(t.Context(), content(t), shorter, day(t, "2026-06-01"), brokenCounter{boom})
	require.ErrorIs(t, err, boom)
	bad := changed(t, content(t), func(p *retention.Policy) { p.Name = "" })
	_, err = retention.Diff(t.Context(), content(t), bad, day(t, "2026-06-01"), brokenCounter{boom})
	require.ErrorIs(t, err, retention.ErrPolicy)
}
