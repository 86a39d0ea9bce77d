package retention_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/retention"
)

// next is a version of the policy that follows, effective on a day.
func next(t *testing.T, p *retention.Policy, version uint32, effective string, change func(*retention.Policy)) *retention.Policy {
	t.Helper()
	return changed(t, p, func(p *retention.Policy) {
		p.Version, p.Effective = version, date(t, effective)
		change(p)
	})
}

func trashFor(n int) func(*retention.Policy) {
	return func(p *retention.Policy) { p.Classes[0].Stages[1].For = days(n) }
}

func TestActivate_WhatGoesEarlierTakesAPlan(t *testing.T) {
	w := careful(t, retention.WithCeiling("", retention.Ceiling{Records: 1}))
	w.agree(w.preview())
	w.sweep()
	w.trash("1", "2", "3")
	w.after(31) // out of reach for six days
	w.sweep()
	w.trash("young")
	v2 := next(t, content(t), 2, "2026-02-10", func(p *retention.Policy) { p.Classes[0].Stages[2].For = days(10) })
	var waits *retention.ApprovalError
	require.ErrorAs(t, w.k.Activate(officer(w), v2), &waits)
	require.Equal(t, retention.AwaitsShortening, waits.Why)

	p, err := w.k.PreviewActivation(w.ctx, v2)
	require.NoError(t, err)
	require.Equal(t, day(t, "2026-02-10"), p.At.Add(12*time.Hour), "when it is in force")
	require.EqualValues(t, 1, p.Base.Number)
	require.Equal(t, v2.Hash(), p.Version.Policy)
	require.Equal(t, []retention.Change{
		{Class: "content", Stage: "inaccessible", Effect: retention.Earlier, Before: 30, After: 10, Records: 3, DueNow: 3},
		{Class: "content", Stage: "trashed", Effect: retention.Earlier, Before: 55, After: 35, Records: 1},
	}, p.Changes)
	require.EqualValues(t, 3, p.Destroys())
	require.EqualValues(t, 3, p.Buckets[0].Earlier)
	require.Contains(t, p.String(), "by version 2 in place of 1: destroys 3")
	require.Contains(t, p.String(), "content inaccessible: earlier, 10 days instead of 30 days; 3 records, 3 due at once")
	require.Contains(t, p.String(), "destroy 3, 3 of them by this version alone")

	require.NoError(t, w.k.Propose(officer(w), p))
	require.ErrorAs(t, w.k.Activate(officer(w), v2), &waits, "not yet")
	require.NoError(t, w.k.Approve(lawyer(w), p.Hash()))
	v2b := next(t, v2, 2, "2026-02-10", func(p *retention.Policy) { p.Classes[0].Stages[2].For = days(9) })
	require.ErrorAs(t, w.k.Activate(officer(w), v2b), &waits, "another one")
	require.Zero(t, w.sweep().Destroyed)
	require.NoError(t, w.k.Activate(officer(w), v2))
	require.Zero(t, w.sweep().Destroyed, "not in force yet")
	w.now = day(t, "2026-02-10")
	require.Equal(t, 3, w.sweep().Destroyed, "by the plan, beyond the ceiling")
	require.Equal(t, "done", w.notes.of(t, "retention.carried-out")[1].Facts["why"].Text())
	require.EqualValues(t, 3, w.notes.of(t, "retention.carried-out")[1].Facts["records"].Number())
}

func TestActivate_WhatMakesNothingGoEarlierTakesNoPlan(t *testing.T) {
	for name, c := range map[string]struct {
		plan   bool
		change func(p *retention.Policy)
	}{
		"longer":                    {false, trashFor(26)},
		"shorter":                   {true, trashFor(24)},
		"shorter, for new records":  {false, func(p *retention.Policy) { trashFor(24)(p); p.Apply = retention.ApplyNew }},
		"shorter, for all":          {true, func(p *retention.Policy) { trashFor(24)(p); p.Apply = retention.ApplyAll }},
		"shorter where nothing is":  {false, func(p *retention.Policy) { p.Classes[0].Stages[3].For = days(20) }},
		"a promise less":            {false, func(p *retention.Policy) { p.Promises = p.Promises[:1] }},
		"a promise that is shorter": {true, func(p *retention.Policy) { p.Promises[0].Within = days(89) }},
		"a shorter promise, for new records": {false, func(p *retention.Policy) {
			p.Promises[0].Within, p.Apply = days(89), retention.ApplyNew
		}},
		"an obligation more": {false, func(p *retention.Policy) {
			p.Obligations = append(p.Obligations, retention.Obligation{
				Name: "books", Classes: []string{"content"}, From: "invoice.issued", For: days(1), Cite: "law",
			})
			p.Promises = nil
		}},
		"a title": {false, func(p *retention.Policy) { p.Title = "Another" }},
	} {
		t.Run(name, func(t *testing.T) {
			w := careful(t)
			w.trash("1")
			v2 := next(t, content(t), 2, "2026-06-01", c.change)
			if err := w.k.Activate(officer(w), v2); c.plan {
				require.ErrorIs(t, err, retention.ErrApproval)
			} else {
				require.NoError(t, err)
			}
			empty := careful(t)
			require.NoError(t, empty.k.Activate(officer(empty), v2), "nobody is there")
		})
	}
}

// An obligation that ends lets records of every cohort go earlier, whatever apply says.
func TestActivate_AnObligationLess(t *testing.T) {
	books := changed(t, content(t), func(p *retention.Policy) {
		p.Obligations = []retention.Obligation{{Name: "books", Classes: []string{"content"}, From: "invoice.issued", For: days(1), Cite: "law"}}
	})
	w := newKept(t, books)
	w.k = w.cautious()
	w.files.keeper = w.k
	w.trash("1")
	v2 := next(t, books, 2, "2026-06-01", func(p *retention.Policy) { p.Obligations, p.Apply = nil, retention.ApplyNew })
	require.ErrorIs(t, w.k.Activate(officer(w), v2), retention.ErrApproval)
	p, err := w.k.PreviewActivation(w.ctx, v2)
	require.NoError(t, err)
	require.Equal(t, []retention.RuleChange{{Kind: retention.ByObligation, Name: "books", Change: "removed"}}, p.Rules)
	require.Contains(t, p.String(), "obligation books: removed")
	w.agree(p)
	require.NoError(t, w.k.Activate(officer(w), v2))
}

func (w *kept) cautious() *retention.Keeper {
	w.Helper()
	k, err := retention.New(w.ctx, retention.Config{Store: w.store, Recorder: w.notes},
		retention.WithClock(func() time.Time { return w.now }), retention.WithRecords("file", retention.Registration{Handler: w.files}))
	require.NoError(w, err)
	return k
}

// What a version does is to be seen against the versions that bind each record, and not
// against the last one alone: the last shortened for new records only.
func TestActivate_IsComparedByCohort(t *testing.T) {
	w := careful(t)
	v1 := changed(t, content(t), trashFor(25))
	v2 := next(t, v1, 2, "2026-01-05", func(p *retention.Policy) { trashFor(5)(p); p.Apply = retention.ApplyNew })
	require.NoError(t, w.k.Activate(officer(w), v2))
	w.trash("old")
	w.now = day(t, "2026-01-06")
	w.trash("new1", "new2")
	v3 := next(t, v1, 3, "2026-02-01", trashFor(15)) // longer than the last, shorter for the first
	require.ErrorIs(t, w.k.Activate(officer(w), v3), retention.ErrApproval)
	p, err := w.k.PreviewActivation(w.ctx, v3)
	require.NoError(t, err)
	require.Equal(t, []retention.Change{
		{Class: "content", Stage: "trashed", Effect: retention.Earlier, Before: 55, After: 45, Records: 1},
	}, p.Changes, "what stays as short as it was is no change")
	// For all, the records of the second cohort go later, those of the first earlier.
	v3.Apply = retention.ApplyAll
	p, err = w.k.PreviewActivation(w.ctx, v3)
	require.NoError(t, err)
	require.Equal(t, []retention.Change{
		{Class: "content", Stage: "trashed", Effect: retention.Earlier, Before: 55, After: 45, Records: 1},
		{Class: "content", Stage: "trashed", Effect: retention.Later, Before: 35, After: 45, Records: 2},
	}, p.Changes)
	require.Empty(t, w.notes.of(t, "retention.purge"))
}

// Each way to apply a version, carried out: no row is rewritten by the activation.
func TestActivate_AppliesToWhomItSays(t *testing.T) {
	for _, c := range []struct {
		apply         retention.Apply
		days          int
		oldAge, young int // days from the trash to the end, of what was there before and of what came after
	}{
		{retention.EarlierOnly, 5, 35, 35},
		{retention.EarlierOnly, 28, 55, 58},
		{retention.ApplyNew, 5, 55, 35},
		{retention.ApplyNew, 28, 55, 58},
		{retention.ApplyAll, 5, 35, 35},
		{retention.ApplyAll, 28, 58, 58},
	} {
		t.Run(fmt.Sprint(c.apply, c.days), func(t *testing.T) {
			w := newKept(t, content(t))
			w.add("old", "p")
			v2 := next(t, content(t), 2, "2026-01-02", func(p *retention.Policy) { trashFor(c.days)(p); p.Apply = c.apply })
			before, _, err := w.store.Record(w.ctx, fileKey("old"))
			require.NoError(t, err)
			require.NoError(t, w.k.Activate(officer(w), v2))
			after, _, err := w.store.Record(w.ctx, fileKey("old"))
			require.NoError(t, err)
			require.Equal(t, before, after)
			w.now = day(t, "2026-01-02")
			w.happened("old", "trashed")
			w.trash("young")
			gone := map[string]int{}
			for n := range 70 {
				w.sweep()
				for _, id := range []string{"old", "young"} {
					if _, is := gone[id]; !is && w.sees(id) == "" {
						gone[id] = n - 1 // a day that ends is over the day after
					}
				}
				w.after(1)
			}
			require.Equal(t, map[string]int{"old": c.oldAge, "young": c.young}, gone)
		})
	}
}

func TestPreviewActivation_OfTheFirstVersionAndOfWhatCannotFollow(t *testing.T) {
	w := newKept(t, nil)
	p, err := w.k.PreviewActivation(w.ctx, content(t))
	require.NoError(t, err)
	require.Zero(t, p.Base)
	require.Empty(t, p.Buckets)
	_, err = w.k.Preview(w.ctx)
	require.ErrorIs(t, err, retention.ErrNoPolicy)
	w.k = w.cautious()
	w.agree(p)
	require.NoError(t, w.k.Activate(officer(w), content(t)))
	_, err = w.k.PreviewActivation(w.ctx, content(t))
	require.ErrorIs(t, err, retention.ErrVersion)
	var lint *retention.LintError
	_, err = w.k.PreviewActivation(w.ctx, changed(t, content(t), func(p *retention.Policy) { p.Classes[0].Stages[2].For = days(90) }))
	require.ErrorAs(t, err, &lint)
}
