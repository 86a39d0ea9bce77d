package retention_test

import (
	"context"
	"errors"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/retention"
)

func (f *faulty) plans() []retention.Proposed {
	f.Helper()
	all, err := f.k.Plans(f.ctx)
	require.NoError(f, err)
	return all
}

func (f *faulty) closed(id string) bool {
	f.Helper()
	all, err := f.store.Allowances(f.ctx, troth.Platform)
	require.NoError(f, err)
	for _, a := range all {
		if a.ID == id {
			return a.ClosedAt != 0
		}
	}
	return false
}

func (f *faulty) stopped() bool {
	f.Helper()
	stops, err := f.k.Stops(f.ctx, ours)
	require.NoError(f, err)
	return len(stops) > 0
}

// proposed has a plan to destroy one file, which waits already.
func proposed(f *faulty) {
	f.rebuild()
	trashed(f)
	f.after(60)
	_, err := f.bad.Sweep(f.ctx)
	require.ErrorIs(f, err, retention.ErrApproval)
	p, err := f.bad.Preview(f.ctx)
	require.NoError(f, err)
	require.NoError(f, f.bad.Propose(person(f.ctx, "officer", "dpo"), p))
}

func (f *faulty) approves(ctx context.Context) error {
	for _, p := range f.plans() {
		return f.bad.Approve(person(ctx, "lawyer", "counsel"), p.Hash())
	}
	return retention.ErrNotFound
}

// untilApproved is sweeps, for which it is no failure that something waits.
func (f *faulty) untilApproved(ctx context.Context) error {
	if err := f.sweeps(ctx); !errors.Is(err, retention.ErrApproval) {
		return err
	}
	return nil
}

var faultyPlans = []faultyOperation{
	{"propose", func(f *faulty) { f.rebuild(); trashed(f); f.after(60) }, func(f *faulty, ctx context.Context) error {
		p, err := f.bad.Preview(ctx)
		if err != nil {
			return err
		}
		p.Made, p.At = day(f, "2026-03-01"), day(f, "2026-03-01") // the same, whenever it is tried
		return f.bad.Propose(person(ctx, "officer", "dpo"), p)
	}, func(f *faulty) []int { return []int{len(f.plans()), len(f.notes.of(f, "retention.plan"))} }},
	{"approve", proposed, (*faulty).approves, func(f *faulty) []int {
		return []int{
			count(!f.plans()[0].ApprovedAt.IsZero()), len(f.notes.of(f, "retention.approve")), count(!f.closed("~first")),
		}
	}},
	{"carry a plan out", func(f *faulty) { proposed(f); require.NoError(f, f.approves(f.ctx)) }, (*faulty).sweeps, func(f *faulty) []int {
		_, found := f.row("1")
		return []int{count(!found), count(f.sees("1") == ""), len(f.notes.of(f, "retention.purge"))}
	}},
	{"wait for the first plan", func(f *faulty) { f.rebuild(); trashed(f); f.after(60) }, (*faulty).untilApproved, func(f *faulty) []int {
		row, _ := f.row("1")
		require.Len(f, f.notes.of(f, "retention.await"), count(f.closed("~first")))
		return []int{count(row.DueAt == retention.Waiting), count(f.sees("1") == retention.VisibleNone)}
	}},
	{"reach a ceiling", func(f *faulty) {
		f.rebuild(retention.UnsafeWithoutApproval(), retention.WithCeiling("", retention.Ceiling{Records: 1}))
		trashed(f)
		f.add("0", "p")
		f.happened("0", "trashed")
		f.after(60)
	}, (*faulty).untilApproved, func(f *faulty) []int {
		// Each record fails or goes alone: one goes, whichever, and the other waits if it was
		// not the one that failed.
		require.Len(f, f.notes.of(f, "retention.await"), count(f.closed("content")))
		gone := count(f.sees("0") == "") + count(f.sees("1") == "")
		return []int{gone, len(f.notes.of(f, "retention.purge"))}
	}},
	{"stop", func(*faulty) {}, func(f *faulty, ctx context.Context) error {
		return f.bad.StopAll(person(ctx, "x", "operator"), ours, "s")
	}, func(f *faulty) []int { return []int{count(f.stopped()), len(f.notes.of(f, "retention.stop"))} }},
	{"lift", func(f *faulty) {
		require.NoError(f, f.k.StopAll(person(f.ctx, "x", "operator"), ours, "s"))
	}, func(f *faulty, ctx context.Context) error {
		err := f.bad.Lift(person(ctx, "officer", "dpo"), ours, "s")
		if !f.stopped() && errors.Is(err, retention.ErrNotFound) {
			return nil // it was lifted before
		}
		return err
	}, func(f *faulty) []int { return []int{count(!f.stopped()), len(f.notes.of(f, "retention.lift"))} }},
	{"shorten", func(f *faulty) {
		f.rebuild()
		trashed(f)
		p, err := f.bad.PreviewActivation(f.ctx, f.shorter())
		require.NoError(f, err)
		require.NoError(f, f.bad.Propose(person(f.ctx, "officer", "dpo"), p))
		require.NoError(f, f.approves(f.ctx))
	}, func(f *faulty, ctx context.Context) error {
		err := f.bad.Activate(person(ctx, "officer", "dpo"), f.shorter())
		if h, _ := f.k.History(f.ctx); errors.Is(err, retention.ErrVersion) && h != nil {
			if n, _, _ := h.Active(day(f, "2027-01-01")); n == 2 {
				return nil // it was activated before
			}
		}
		return err
	}, func(f *faulty) []int {
		h, err := f.k.History(f.ctx)
		require.NoError(f, err)
		n, _, _ := h.Active(day(f, "2027-01-01"))
		return []int{int(n) - 1, len(f.notes.of(f, "retention.activate")) - 1}
	}},
}

func (f *faulty) shorter() *retention.Policy {
	return changed(f, content(f), func(p *retention.Policy) {
		p.Version, p.Effective = 2, date(f, "2026-06-01")
		p.Classes[0].Stages[1].For = days(20)
	})
}
