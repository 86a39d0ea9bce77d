package retentiontest

import (
	"context"
	"time"
)

var leaseChecks = []check{
	{name: "one holder has a lease, by a fence that grows", run: func(r *rig) {
		ctx, name := r.Context(), string(r.a)
		first, claimed, err := r.s.ClaimLease(ctx, name, "me", time.Hour)
		r.ok(err, "claim")
		r.same(claimed, true, "claimed")
		_, claimed, err = r.s.ClaimLease(ctx, name, "you", time.Hour)
		r.ok(err, "claim")
		r.same(claimed, false, "claimed by another")
		other, claimed, err := r.s.ClaimLease(ctx, string(r.b), "you", time.Hour)
		r.ok(err, "claim")
		r.same(claimed, true, "claimed something else")
		r.same(other > 0, true, "a fence")
		again, claimed, err := r.s.ClaimLease(ctx, name, "me", time.Hour)
		r.ok(err, "claim")
		r.same(claimed, true, "claimed again")
		r.same(again > first, true, "the fence grows")
		kept, err := r.s.KeepLease(ctx, name, first, time.Hour)
		r.ok(err, "keep")
		r.same(kept, false, "kept by an old fence")
	}},
	{name: "a lease that ended is somebody else's", run: func(r *rig) {
		ctx, name := r.Context(), string(r.a)
		old, _, err := r.s.ClaimLease(ctx, name, "me", time.Millisecond)
		r.ok(err, "claim")
		time.Sleep(10 * time.Millisecond) //nolint:forbidigo // the database's own clock has to go on
		kept, err := r.s.KeepLease(ctx, name, old, time.Hour)
		r.ok(err, "keep")
		r.same(kept, false, "kept when it had ended")
		fence, claimed, err := r.s.ClaimLease(ctx, name, "you", time.Hour)
		r.ok(err, "claim")
		r.same(claimed && fence > old, true, "claimed by another")
		r.ok(r.s.EndLease(ctx, name, old), "end by an old fence")
		_, claimed, err = r.s.ClaimLease(ctx, name, "me", time.Hour)
		r.ok(err, "claim")
		r.same(claimed, false, "claimed while the other has it")
	}},
	{name: "a lease that is kept goes on, and one that is given up is free", run: func(r *rig) {
		ctx, name := r.Context(), string(r.a)
		fence, _, err := r.s.ClaimLease(ctx, name, "me", 100*time.Millisecond)
		r.ok(err, "claim")
		kept, err := r.s.KeepLease(ctx, name, fence, time.Hour)
		r.ok(err, "keep")
		if kept { // or the machine stood still
			time.Sleep(150 * time.Millisecond) //nolint:forbidigo // the database's own clock has to go on
			_, claimed, err := r.s.ClaimLease(ctx, name, "you", time.Hour)
			r.ok(err, "claim")
			r.same(claimed, false, "claimed while it is kept")
		}
		r.ok(r.s.EndLease(ctx, name, fence), "end")
		kept, err = r.s.KeepLease(ctx, name, fence, time.Hour)
		r.ok(err, "keep")
		r.same(kept, false, "kept when it was given up")
		next, claimed, err := r.s.ClaimLease(ctx, name, "you", time.Hour)
		r.ok(err, "claim")
		r.same(claimed && next > fence, true, "claimed by another")
	}},
	{name: "a lease that is claimed or kept in a transaction shares its fate", run: func(r *rig) {
		ctx, name := r.Context(), string(r.a)
		r.refused(ctx, func(ctx context.Context) {
			_, claimed, err := r.s.ClaimLease(ctx, name, "me", time.Hour)
			r.ok(err, "claim")
			r.same(claimed, true, "claimed")
		})
		_, claimed, err := r.s.ClaimLease(ctx, name, "you", time.Hour)
		r.ok(err, "claim")
		r.same(claimed, true, "claimed by another")
	}},
}
