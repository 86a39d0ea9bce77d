package retention_test

import (
	"context"
	"errors"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/retention"
)

func (f *faulty) open(kind string) int {
	f.Helper()
	rows, err := f.store.OpenControls(f.ctx, ours, kind)
	require.NoError(f, err)
	return len(rows)
}

func (f *faulty) exception() retention.ExceptionRecord {
	return retention.ExceptionRecord{Tenant: ours, ID: "x", Reason: retention.BecauseDispute, Until: day(f, "2026-12-01")}
}

// excepted is the exception as it is on record.
func (f *faulty) excepted() (x retention.ExceptionRecord) {
	f.Helper()
	all, err := f.k.Exceptions(f.ctx, ours, "", 9)
	require.NoError(f, err)
	for _, one := range all {
		x = one
	}
	return x
}

// unharmed demands that what was sealed is as it was sealed.
func (f *faulty) unharmed() int {
	f.Helper()
	s, err := f.k.Sweep(f.ctx)
	require.NoError(f, err)
	return count(len(s.Stopped) == 0)
}

func (f *faulty) asked() retention.ErasureGrant {
	return retention.ErasureGrant{Tenant: ours, Request: "r", SubjectID: "p", At: day(f, "2026-01-01")}
}

// beforehand is do, for which it is no failure that it was done before.
func beforehand(done func(f *faulty) bool, do func(f *faulty, ctx context.Context) error) func(f *faulty, ctx context.Context) error {
	return func(f *faulty, ctx context.Context) error {
		err := do(f, ctx)
		if err != nil && done(f) && (errors.Is(err, retention.ErrNotFound) || errors.Is(err, retention.ErrConflict)) {
			return nil
		}
		return err
	}
}

var faultyDecisions = []faultyOperation{
	{"propose a release", func(f *faulty) { f.hold(retention.Hold{ID: "h"}) }, func(f *faulty, ctx context.Context) error {
		return f.bad.ProposeRelease(person(ctx, "lawyer", "counsel"), ours, "h")
	}, func(f *faulty) []int {
		return []int{count(f.heldBy("h").ProposedAt != 0), len(f.notes.of(f, "retention.propose")), count(f.heldBy("h").ProposedAt != 0) * f.unharmed()}
	}},
	{"review a hold", func(f *faulty) { f.hold(retention.Hold{ID: "h"}) }, func(f *faulty, ctx context.Context) error {
		return f.bad.ReviewHold(person(ctx, "lawyer", "counsel"), ours, "h", day(f, "2028-01-01"))
	}, func(f *faulty) []int {
		return []int{count(f.heldBy("h").ReviewAt == day(f, "2028-01-01").UnixMicro()), len(f.notes.of(f, "retention.review"))}
	}},
	{"propose an exception", func(*faulty) {}, func(f *faulty, ctx context.Context) error {
		return f.bad.ProposeException(person(ctx, "officer", "dpo"), f.exception())
	}, func(f *faulty) []int {
		return []int{f.open(retention.ControlException), len(f.notes.of(f, "retention.propose-exception")), count(f.excepted().ID == "x") * f.unharmed()}
	}},
	{"grant an exception", func(f *faulty) {
		require.NoError(f, f.k.ProposeException(f.officer(), f.exception()))
	}, beforehand(func(f *faulty) bool { return !f.excepted().GrantedAt.IsZero() }, func(f *faulty, ctx context.Context) error {
		return f.bad.GrantException(person(ctx, "lawyer", "counsel"), ours, "x")
	}), func(f *faulty) []int {
		granted := count(!f.excepted().GrantedAt.IsZero())
		return []int{granted, len(f.notes.of(f, "retention.grant-exception")), granted * f.unharmed()}
	}},
	{"end an exception", func(f *faulty) {
		trashed(f)
		f.except(f.exception())
		f.after(60)
		f.sweep()
	}, beforehand(func(f *faulty) bool { return !f.excepted().EndedAt.IsZero() }, func(f *faulty, ctx context.Context) error {
		return f.bad.EndException(person(ctx, "officer", "dpo"), ours, "x")
	}), func(f *faulty) []int {
		row, _ := f.row("1")
		return []int{count(!f.excepted().EndedAt.IsZero()), len(f.notes.of(f, "retention.end-exception")), count(!row.Held)}
	}},
	{"an exception ends by time", func(f *faulty) {
		f.except(f.exception())
		f.now = day(f, "2026-12-02")
	}, (*faulty).sweeps, func(f *faulty) []int {
		return []int{count(!f.excepted().EndedAt.IsZero()), len(f.notes.of(f, "retention.end-exception"))}
	}},
	{"grant an erasure", func(*faulty) {}, func(f *faulty, ctx context.Context) error {
		return f.bad.GrantErasure(ctx, f.asked())
	}, func(f *faulty) []int {
		return []int{f.open(retention.ControlErasure), len(f.notes.of(f, "retention.grant-erasure"))}
	}},
	{"erase", func(f *faulty) { trashed(f); f.grant(f.asked()) }, (*faulty).sweeps, func(f *faulty) []int {
		_, found := f.row("1")
		return []int{count(!found), count(f.sees("1") == ""), len(f.notes.of(f, "retention.purge")), int(f.erasure("r").Destroyed)}
	}},
	{"an erasure is complete", func(f *faulty) {
		trashed(f)
		f.grant(f.asked())
		f.sweep()
		f.now = f.now.Add(2 * time.Hour)
	}, (*faulty).sweeps, func(f *faulty) []int {
		return []int{count(f.erasure("r").Complete()), len(f.notes.of(f, "retention.erased")), 1 - f.open(retention.ControlErasure)}
	}},
	{"forget", func(f *faulty) {
		f.toAll("a", "account.closed", time.Time{})
		f.sweep()
	}, func(f *faulty, ctx context.Context) error {
		return f.bad.Forget(ctx, retention.Whole{Tenant: ours, ID: "a"}, retention.OfAccount)
	}, func(f *faulty) []int {
		return []int{1 - f.eventsOf(retention.OfAccount, "a"), len(f.notes.of(f, "retention.forget"))}
	}},
	{"raise a conflict", func(f *faulty) {
		trashed(f)
		f.hold(retention.Hold{ID: "h"})
		f.after(90)
	}, (*faulty).sweeps, func(f *faulty) []int {
		row, _ := f.row("1")
		return []int{f.open(retention.ControlConflict), len(f.notes.of(f, "retention.conflict")), count(row.Held)}
	}},
	{"decide a conflict", func(f *faulty) {
		trashed(f)
		f.hold(retention.Hold{ID: "h"})
		f.after(90)
		f.sweep()
	}, beforehand(func(f *faulty) bool { return len(f.notes.of(f, "retention.decide")) > 0 }, func(f *faulty, ctx context.Context) error {
		all, err := f.k.Conflicts(f.ctx, ours)
		require.NoError(f, err)
		for _, c := range all {
			err = errors.Join(err, f.bad.DecideConflict(person(ctx, "officer", "dpo"), ours, c.ID, retention.KeepAndTell, "note"))
		}
		return err
	}), func(f *faulty) []int {
		return []int{1 - f.open(retention.ControlConflict), len(f.notes.of(f, "retention.decide"))}
	}},
	{"accept what was changed", func(f *faulty) {
		f.hold(retention.Hold{ID: "h"})
		f.edit(func(row *retention.HoldRow) { row.ReleasedAt = 1 })
		_, err := f.k.AcceptControls(f.officer(), ours)
		require.NoError(f, err)
	}, func(f *faulty, ctx context.Context) error {
		_, err := f.bad.AcceptControls(person(ctx, "lawyer", "counsel"), ours)
		return err
	}, func(f *faulty) []int {
		leave := retention.Leave{Ref: troth.PermitRef{Tenant: string(ours), Subject: "p"}, SubjectID: "p", Ground: "x"}
		err := f.k.Permit(f.ctx, leave, func(context.Context, troth.Permit) error { return nil })
		return []int{count(err == nil), min(len(f.notes.of(f, "retention.accept"))-1, 1)}
	}},
}
