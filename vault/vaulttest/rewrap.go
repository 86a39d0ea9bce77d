package vaulttest

import (
	"context"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/vault"
)

// takes demands that rewrapping is taken, and is this far.
func (r *rig) takes(ctx context.Context, want vault.RewrapRow) {
	r.Helper()
	got, taken, err := r.s.TakeRewrap(ctx, want.Tenant, want.Epoch, instant)
	r.wants(true, taken, err, "take rewrap")
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
	r.atomically(r.Context(), func(ctx context.Context) {
		r.takes(ctx, begun(tenant, 2))
		r.ok(r.s.SaveRewrap(ctx, halfway(tenant)), "save rewrap")
	})
	return halfway(tenant)
}

var rewrapChecks = []check{
	{name: "rewrapping is taken up where it was left", run: func(r *rig) {
		far := r.goHalfway(r.a)
		r.atomically(r.Context(), func(ctx context.Context) {
			r.takes(ctx, far)
			r.takes(ctx, begun(r.b, 2))
		})
	}},
	{name: "rewrapping for a higher epoch begins anew", run: func(r *rig) {
		r.goHalfway(r.a)
		r.atomically(r.Context(), func(ctx context.Context) { r.takes(ctx, begun(r.a, 3)) })
		r.atomically(r.Context(), func(ctx context.Context) { r.takes(ctx, begun(r.a, 3)) })
	}},
	{name: "nobody rewraps for a lower epoch", run: func(r *rig) {
		far := r.goHalfway(r.a)
		r.atomically(r.Context(), func(ctx context.Context) {
			_, taken, err := r.s.TakeRewrap(ctx, r.a, 1, instant)
			r.wants(false, taken, err, "take rewrap")
			r.takes(ctx, far)
		})
	}},
	{name: "rewrapping that is rolled back is where it was before", run: func(r *rig) {
		far := r.goHalfway(r.a)
		r.refused(r.Context(), func(ctx context.Context) {
			next := far
			next.Moved++
			r.takes(ctx, far)
			r.ok(r.s.SaveRewrap(ctx, next), "save rewrap")
		})
		r.atomically(r.Context(), func(ctx context.Context) { r.takes(ctx, far) })
	}},
	{name: "rewrapping is forgotten when no living root is left below", run: func(r *rig) {
		ctx := r.Context()
		r.insertRoot(ctx, rootRow(r.a, vault.WrapLineage, 1))
		far, other := r.goHalfway(r.a), r.goHalfway(r.b)
		r.retires(ctx, r.a, 2, 1)
		r.atomically(ctx, func(ctx context.Context) { r.takes(ctx, far) })
		r.renewRoot(ctx, rootRow(r.a, vault.WrapLineage, 2))
		r.retires(ctx, r.a, 2, 0)
		r.atomically(ctx, func(ctx context.Context) {
			r.takes(ctx, begun(r.a, 2))
			r.takes(ctx, other)
		})
	}},
	{name: "one at a time rewraps a tenant's keys", needs: manyWriters, run: func(r *rig) {
		outside := r.Context()
		r.atomically(outside, func(ctx context.Context) {
			r.takes(ctx, begun(r.a, 2))
			r.atomically(outside, func(ctx context.Context) {
				_, taken, err := r.s.TakeRewrap(ctx, r.a, 2, instant)
				r.wants(false, taken, err, "take rewrap")
				r.takes(ctx, begun(r.b, 2))
			})
		})
		r.atomically(outside, func(ctx context.Context) { r.takes(ctx, begun(r.a, 2)) })
	}},
}
