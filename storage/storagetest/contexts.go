package storagetest

import "context"

// valueKey is a context key that is not the adapter's.
type valueKey struct{}

var contextChecks = []check{
	{Name: "a detached context sees what is committed", Run: func(r *rig) {
		outside := r.Context()
		r.put(outside, "a", "old")
		r.Atomically(outside, func(ctx context.Context) {
			r.put(ctx, "a", "new")
			r.put(ctx, "b", "new")
			detached := r.Transactor.Detach(ctx)
			r.value(detached, "a", "old")
			r.keys(detached, "a")
			if r.Transactor.Scope(detached) != nil {
				r.Fatalf("a detached context has a scope")
			}
			r.Atomically(ctx, func(ctx context.Context) { r.absent(r.Transactor.Detach(ctx), "b") })
			r.value(ctx, "a", "new")
		})
	}},
	{Name: "a detached context outlives the transaction", Run: func(r *rig) {
		var detached context.Context
		r.Atomically(r.Context(), func(ctx context.Context) { detached = r.Transactor.Detach(ctx) })
		r.put(detached, "a", "1")
		r.Atomically(detached, func(ctx context.Context) { r.put(ctx, "b", "1") })
		r.keys(r.Context(), "a", "b")
	}},
	{Name: "a detached context keeps values and cancellation", Run: func(r *rig) {
		outside, cancel := context.WithCancel(context.WithValue(r.Context(), valueKey{}, "kept"))
		defer cancel()
		r.is(r.Transactor.Atomically(outside, func(ctx context.Context) error {
			detached := r.Transactor.Detach(ctx)
			if detached.Value(valueKey{}) != "kept" || ctx.Value(valueKey{}) != "kept" {
				r.Fatalf("a value of the caller's context is lost")
			}
			cancel()
			r.is(detached.Err(), context.Canceled)
			return detached.Err()
		}), context.Canceled)
	}},
	{Name: "detaching outside of transactions changes nothing", Run: func(r *rig) {
		detached := r.Transactor.Detach(r.Context())
		r.put(detached, "a", "1")
		r.keys(r.Context(), "a")
	}},
	{Name: "the transaction of another handle means nothing", Run: func(r *rig) {
		other := newRig(r.TB, r.another)
		ctx := r.Context()
		r.Refused(ctx, func(ctx context.Context) {
			r.put(ctx, "a", "undone")
			if other.Transactor.Scope(ctx) != nil {
				r.Fatalf("the scope of another handle")
			}
			other.put(ctx, "b", "kept")
			other.Refused(ctx, func(ctx context.Context) {
				other.put(ctx, "c", "undone")
				r.put(ctx, "d", "undone")
			})
			r.keys(ctx, "a", "d")
			r.value(other.Transactor.Detach(ctx), "a", "undone")
		})
		r.keys(ctx)
		other.keys(ctx, "b")
	}},
}
