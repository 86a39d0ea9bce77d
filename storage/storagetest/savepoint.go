package storagetest

import "context"

var savepointChecks = []check{
	{Name: "a closure that returns nil is kept", Run: func(r *rig) {
		ctx := r.Context()
		r.Atomically(ctx, func(ctx context.Context) {
			r.put(ctx, "a", "1")
			r.put(ctx, "b", "2")
		})
		r.keys(ctx, "a", "b")
	}},
	{Name: "a closure that returns an error is undone, and the error comes back", Run: func(r *rig) {
		ctx := r.Context()
		r.put(ctx, "a", "old")
		r.Refused(ctx, func(ctx context.Context) {
			r.put(ctx, "a", "new")
			r.put(ctx, "b", "new")
		})
		r.value(ctx, "a", "old")
		r.keys(ctx, "a")
	}},
	{Name: "a statement outside of transactions stands alone", Run: func(r *rig) {
		ctx := r.Context()
		r.put(ctx, "a", "1")
		r.value(ctx, "a", "1")
		if err := r.Insert(ctx, "a", "2"); err == nil {
			r.Fatalf("a second row under one key")
		}
		r.value(ctx, "a", "1")
	}},
	{Name: "a transaction sees its own writes and nobody else does", Run: func(r *rig) {
		outside := r.Context()
		r.put(outside, "a", "old")
		r.Atomically(outside, func(ctx context.Context) {
			r.put(ctx, "a", "new")
			r.put(ctx, "b", "new")
			r.value(ctx, "a", "new")
			r.keys(ctx, "a", "b")
			r.value(outside, "a", "old")
			r.keys(outside, "a")
		})
		r.value(outside, "a", "new")
	}},
	{Name: "an inner error undoes the inner work and no more", Run: func(r *rig) {
		ctx := r.Context()
		r.Atomically(ctx, func(ctx context.Context) {
			r.put(ctx, "a", "before")
			r.Refused(ctx, func(ctx context.Context) {
				r.put(ctx, "a", "inner")
				r.put(ctx, "b", "inner")
				r.keys(ctx, "a", "b")
			})
			r.value(ctx, "a", "before")
			r.absent(ctx, "b")
			r.put(ctx, "c", "after")
		})
		r.value(ctx, "a", "before")
		r.keys(ctx, "a", "c")
	}},
	{Name: "inner work shares the fate of the outer", Run: func(r *rig) {
		ctx := r.Context()
		r.Refused(ctx, func(ctx context.Context) {
			r.Atomically(ctx, func(ctx context.Context) { r.put(ctx, "a", "1") })
			r.value(ctx, "a", "1")
		})
		r.keys(ctx)
		r.Atomically(ctx, func(ctx context.Context) {
			r.Atomically(ctx, func(ctx context.Context) { r.put(ctx, "b", "1") })
		})
		r.keys(ctx, "b")
	}},
	{Name: "savepoints nest, and follow one another", Run: func(r *rig) {
		ctx := r.Context()
		r.Atomically(ctx, func(ctx context.Context) {
			r.put(ctx, "1", "kept")
			r.Atomically(ctx, func(ctx context.Context) {
				r.put(ctx, "2", "kept")
				r.Refused(ctx, func(ctx context.Context) {
					r.put(ctx, "2", "undone")
					r.put(ctx, "3", "undone")
					r.Atomically(ctx, func(ctx context.Context) {
						r.put(ctx, "1", "undone")
						r.put(ctx, "4", "undone")
					})
					r.keys(ctx, "1", "2", "3", "4")
				})
				r.keys(ctx, "1", "2")
			})
			r.Refused(ctx, func(ctx context.Context) { r.put(ctx, "5", "undone") })
			r.Atomically(ctx, func(ctx context.Context) { r.put(ctx, "6", "kept") })
		})
		r.value(ctx, "1", "kept")
		r.value(ctx, "2", "kept")
		r.keys(ctx, "1", "2", "6")
	}},
	{Name: "a refused statement in a savepoint leaves the transaction whole", Run: func(r *rig) {
		ctx := r.Context()
		r.put(ctx, "taken", "first")
		r.Atomically(ctx, func(ctx context.Context) {
			r.put(ctx, "a", "1")
			err := r.Transactor.Atomically(ctx, func(ctx context.Context) error {
				r.put(ctx, "b", "undone")
				return r.Insert(ctx, "taken", "second")
			})
			if err == nil {
				r.Fatalf("a second row under one key")
			}
			r.put(ctx, "c", "3")
		})
		r.value(ctx, "taken", "first")
		r.keys(ctx, "a", "c", "taken")
	}},
	{Name: "a swallowed refusal is not answered with a false success", Run: func(r *rig) {
		ctx := r.Context()
		r.put(ctx, "taken", "first")
		err := r.Transactor.Atomically(ctx, func(ctx context.Context) error {
			r.put(ctx, "a", "kept")
			_ = r.Insert(ctx, "taken", "second")
			return nil
		})
		r.truthful(err, "a")
		r.value(ctx, "taken", "first")
		r.usable()
	}},
	{Name: "a refusal swallowed inside a savepoint is not answered with a false success", Run: func(r *rig) {
		ctx := r.Context()
		r.put(ctx, "taken", "first")
		var inner error
		r.Atomically(ctx, func(ctx context.Context) {
			r.put(ctx, "a", "kept")
			inner = r.Transactor.Atomically(ctx, func(ctx context.Context) error {
				r.put(ctx, "b", "kept")
				_ = r.Insert(ctx, "taken", "second")
				return nil
			})
		})
		r.truthful(nil, "a")
		r.truthful(inner, "b")
	}},
	{Name: "closures are run once, whatever they return", Run: func(r *rig) {
		outer, inner := 0, 0
		err := r.Transactor.Atomically(r.Context(), func(ctx context.Context) error {
			outer++
			return r.Transactor.Atomically(ctx, func(context.Context) error {
				inner++
				return tryAgainError{}
			})
		})
		r.is(err, tryAgainError{})
		if outer != 1 || inner != 1 {
			r.Fatalf("the outer closure ran %d times, the inner %d", outer, inner)
		}
	}},
}

// tryAgainError is an error that invites retries.
type tryAgainError struct{}

func (tryAgainError) Error() string   { return "storagetest: try again" }
func (tryAgainError) Retryable() bool { return true }
