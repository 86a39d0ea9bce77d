package retentiontest

import (
	"context"
	"time"
)

var leaseChecks = []check{
	{Name: "one holder has a lease, by a fence that grows", Run: func(r *rig) {
		ctx, name := r.Context(), string(r.A)
		first, claimed, err := r.s.ClaimLease(ctx, name, "me", time.Hour)
		r.OK(err, "claim")
		r.Same(claimed, true, "claimed")
		_, claimed, err = r.s.ClaimLease(ctx, name, "you", time.Hour)
		r.OK(err, "claim")
		r.Same(claimed, false, "claimed by another")
		other, claimed, err := r.s.ClaimLease(ctx, string(r.B), "you", time.Hour)
		r.OK(err, "claim")
		r.Same(claimed, true, "claimed something else")
		r.Same(other > 0, true, "a fence")
		again, claimed, err := r.s.ClaimLease(ctx, name, "me", time.Hour)
		r.OK(err, "claim")
		r.Same(claimed, true, "claimed again")
		r.Same(again > first, true, "the fence grows")
		kept, err := r.s.KeepLease(ctx, name, first, time.Hour)
		r.OK(err, "keep")
		r.Same(kept, false, "kept by an old fence")
	}},
	{Name: "a lease that ended is somebody else's", Run: func(r *rig) {
		ctx, name := r.Context(), string(r.A)
		old, _, err := r.s.ClaimLease(ctx, name, "me", time.Millisecond)
		r.OK(err, "claim")
		time.Sleep(10 * time.Millisecond) //nolint:forbidigo // the database's own clock has to go on
		kept, err := r.s.KeepLease(ctx, name, old, time.Hour)
		r.OK(err, "keep")
		r.Same(kept, false, "kept when it had ended")
		fence, claimed, err := r.s.ClaimLease(ctx, name, "you", time.Hour)
		r.OK(err, "claim")
		r.Same(claimed && fence > old, true, "claimed by another")
		r.OK(r.s.EndLease(ctx, name, old), "end by an old fence")
		_, claimed, err = r.s.ClaimLease(ctx, name, "me", time.Hour)
		r.OK(err, "claim")
		r.Same(claimed, false, "claimed while the other has it")
	}},
	{Name: "a lease that is kept goes on, and one that is given up is free", Run: func(r *rig) {
		ctx, name := r.Context(), string(r.A)
		fence, _, err := r.s.ClaimLease(ctx, name, "me", 100*time.Millisecond)
		r.OK(err, "claim")
		kept, err := r.s.KeepLease(ctx, name, fence, time.Hour)
		r.OK(err, "keep")
		if kept { // or the machine stood still
			time.Sleep(150 * time.Millisecond) //nolint:forbidigo // the database's own clock has to go on
			_, claimed, err := r.s.ClaimLease(ctx, name, "you", time.Hour)
			r.OK(err, "claim")
			r.Same(claimed, false, "claimed while it is kept")
		}
		r.OK(r.s.EndLease(ctx, name, fence), "end")
		kept, err = r.s.KeepLease(ctx, name, fence, time.Hour)
		r.OK(err, "keep")
		r.Same(kept, false, "kept when it was given up")
		next, claimed, err := r.s.ClaimLease(ctx, name, "you", time.Hour)
		r.OK(err, "claim")
		r.Same(claimed && next > fence, true, "claimed by another")
	}},
	{Name: "a lease that is claimed or kept in a transaction shares its fate", Run: func(r *rig) {
		ctx, name := r.Context(), string(r.A)
		r.Refused(ctx, func(ctx context.Context) {
			_, claimed, err := r.s.ClaimLease(ctx, name, "me", time.Hour)
			r.OK(err, "claim")
			r.Same(claimed, true, "claimed")
		})
		_, claimed, err := r.s.ClaimLease(ctx, name, "you", time.Hour)
		r.OK(err, "claim")
		r.Same(claimed, true, "claimed by another")
	}},
}
