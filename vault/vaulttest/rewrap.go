package vaulttest

import (
	"context"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/suite"
	"github.com/trothdev/troth/vault"
)

// takes demands that rewrapping is taken, and is this far.
func (r *rig) takes(ctx context.Context, want vault.RewrapRow) {
	r.Helper()
	got, taken, err := r.s.TakeRewrap(ctx, want.Tenant, want.Epoch, instant)
	r.Wants(true, taken, err, "take rewrap")
	if got != want {
		r.Fatalf("rewrap: got %+v, want %+v", got, want)
	}
}

func begun(tenant troth.Tenant, epoch uint32) vault.RewrapRow {
	return vault.RewrapRow{Tenant: tenant, Epoch: epoch, StartedAt: instant}
}

// halfway is somewhere in the middle.
func halfway(tenant troth.Tenant) vault.RewrapRow {
	return vault.RewrapRow{
		Tenant: tenant, Epoch: 2, After: vault.KeyPlace{SubjectID: "42", Compartment: "profile", Generation: 3},
		Moved: 1 << 40, Stuck: 7, StartedAt: instant - 1,
	}
}

func (r *rig) goHalfway(tenant troth.Tenant) vault.RewrapRow {
	r.Helper()
	r.Atomically(r.Context(), func(ctx context.Context) {
		r.takes(ctx, begun(tenant, 2))
		r.OK(r.s.SaveRewrap(ctx, halfway(tenant)), "save rewrap")
	})
	return halfway(tenant)
}

var rewrapChecks = []check{
	{Name: "rewrapping is taken up where it was left", Run: func(r *rig) {
		far := r.goHalfway(r.A)
		r.Atomically(r.Context(), func(ctx context.Context) {
			r.takes(ctx, far)
			r.takes(ctx, begun(r.B, 2))
		})
	}},
	{Name: "rewrapping for a higher epoch begins anew", Run: func(r *rig) {
		r.goHalfway(r.A)
		r.Atomically(r.Context(), func(ctx context.Context) { r.takes(ctx, begun(r.A, 3)) })
		r.Atomically(r.Context(), func(ctx context.Context) { r.takes(ctx, begun(r.A, 3)) })
	}},
	{Name: "nobody rewraps for a lower epoch", Run: func(r *rig) {
		far := r.goHalfway(r.A)
		r.Atomically(r.Context(), func(ctx context.Context) {
			_, taken, err := r.s.TakeRewrap(ctx, r.A, 1, instant)
			r.Wants(false, taken, err, "take rewrap")
			r.takes(ctx, far)
		})
	}},
	{Name: "rewrapping that is rolled back is where it was before", Run: func(r *rig) {
		far := r.goHalfway(r.A)
		r.Refused(r.Context(), func(ctx context.Context) {
			next := far
			next.Moved++
			r.takes(ctx, far)
			r.OK(r.s.SaveRewrap(ctx, next), "save rewrap")
		})
		r.Atomically(r.Context(), func(ctx context.Context) { r.takes(ctx, far) })
	}},
	{Name: "rewrapping is forgotten when no living root is left below", Run: func(r *rig) {
		ctx := r.Context()
		r.insertRoot(ctx, rootRow(r.A, vault.WrapLineage, 1))
		far, other := r.goHalfway(r.A), r.goHalfway(r.B)
		r.retires(ctx, r.A, 2, 1)
		r.Atomically(ctx, func(ctx context.Context) { r.takes(ctx, far) })
		r.renewRoot(ctx, rootRow(r.A, vault.WrapLineage, 2))
		r.retires(ctx, r.A, 2, 0)
		r.Atomically(ctx, func(ctx context.Context) {
			r.takes(ctx, begun(r.A, 2))
			r.takes(ctx, other)
		})
	}},
	{Name: "one at a time rewraps a tenant's keys", Needs: suite.ManyWriters, Run: func(r *rig) {
		outside := r.Context()
		r.Atomically(outside, func(ctx context.Context) {
			r.takes(ctx, begun(r.A, 2))
			r.Atomically(outside, func(ctx context.Context) {
				_, taken, err := r.s.TakeRewrap(ctx, r.A, 2, instant)
				r.Wants(false, taken, err, "take rewrap")
				r.takes(ctx, begun(r.B, 2))
			})
		})
		r.Atomically(outside, func(ctx context.Context) { r.takes(ctx, begun(r.A, 2)) })
	}},
}
