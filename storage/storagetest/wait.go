package storagetest

import "context"

var waitChecks = []check{
	{Name: "a closure that writes with the context from outside is busy, not dead", Run: func(r *rig) {
		outside := r.Context()
		r.Atomically(outside, func(ctx context.Context) {
			r.put(ctx, "a", "inside")
			r.busy(func() error { return r.Put(outside, "a", "outside") })
			r.busy(func() error { return r.Insert(outside, "a", "outside") })
			r.value(ctx, "a", "inside")
		})
		r.value(outside, "a", "inside")
		r.put(outside, "a", "later")
		r.value(outside, "a", "later")
	}},
	{Name: "a closure that begins another transaction from outside is busy, not dead", Run: func(r *rig) {
		outside := r.Context()
		r.Atomically(outside, func(ctx context.Context) {
			r.put(ctx, "a", "inside")
			r.busy(func() error {
				return r.Transactor.Atomically(outside, func(ctx context.Context) error {
					return r.Put(ctx, "a", "outside")
				})
			})
		})
		r.value(outside, "a", "inside")
		r.usable()
	}},
	{Name: "reads outside do not wait for an open transaction", Run: func(r *rig) {
		outside := r.Context()
		r.put(outside, "a", "old")
		r.Atomically(outside, func(ctx context.Context) {
			r.put(ctx, "a", "new")
			r.value(outside, "a", "old")
			r.keys(outside, "a")
		})
	}},
}
