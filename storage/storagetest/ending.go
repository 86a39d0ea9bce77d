package storagetest

import (
	"context"
	"runtime"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/suite"
)

var endingChecks = []check{
	{Name: "a panic undoes the work and goes on", Run: func(r *rig) {
		got := r.panics(r.Context(), func(ctx context.Context) { r.put(ctx, "a", "1") })
		if got != any(suite.ErrRefused) {
			r.Fatalf("recovered %v, want %v", got, suite.ErrRefused)
		}
		r.keys(r.Context())
		r.usable()
	}},
	{Name: "a panic in an inner closure that the outer recovers undoes no more", Run: func(r *rig) {
		ctx := r.Context()
		r.Atomically(ctx, func(ctx context.Context) {
			r.put(ctx, "a", "1")
			r.panics(ctx, func(ctx context.Context) { r.put(ctx, "b", "1") })
			r.absent(ctx, "b")
			r.put(ctx, "c", "1")
		})
		r.keys(ctx, "a", "c")
	}},
	{Name: "a panic through two closures undoes both", Run: func(r *rig) {
		r.panics(r.Context(), func(ctx context.Context) {
			r.put(ctx, "a", "1")
			r.Atomically(ctx, func(ctx context.Context) {
				r.put(ctx, "b", "1")
				panic(suite.ErrRefused)
			})
		})
		r.keys(r.Context())
		r.usable()
	}},
	{Name: "a goroutine that exits undoes its work", Run: func(r *rig) {
		r.exits(func() {
			r.Atomically(r.Context(), func(ctx context.Context) {
				r.put(ctx, "a", "1")
				runtime.Goexit()
			})
		})
		r.keys(r.Context())
		r.usable()
	}},
	{Name: "a goroutine that exits in a savepoint undoes all of its work", Run: func(r *rig) {
		r.exits(func() {
			r.Atomically(r.Context(), func(ctx context.Context) {
				r.put(ctx, "a", "1")
				r.Atomically(ctx, func(ctx context.Context) {
					r.put(ctx, "b", "1")
					runtime.Goexit()
				})
			})
		})
		r.keys(r.Context())
		r.usable()
	}},
	{Name: "a context is done after its commit", Run: func(r *rig) {
		var kept context.Context
		r.Atomically(r.Context(), func(ctx context.Context) { kept = ctx })
		r.useless(kept, troth.ErrTxDone)
		r.keys(r.Context())
	}},
	{Name: "a context is done after its rollback", Run: func(r *rig) {
		var kept context.Context
		r.Refused(r.Context(), func(ctx context.Context) { kept = ctx })
		r.useless(kept, troth.ErrTxDone)
		r.keys(r.Context())
	}},
	{Name: "a context is done after a panic", Run: func(r *rig) {
		var kept context.Context
		r.panics(r.Context(), func(ctx context.Context) { kept = ctx })
		r.useless(kept, troth.ErrTxDone)
		r.keys(r.Context())
	}},
	{Name: "an inner context is done when its closure ends", Run: func(r *rig) {
		r.Atomically(r.Context(), func(ctx context.Context) {
			var released, undone context.Context
			r.Atomically(ctx, func(ctx context.Context) { released = ctx })
			r.Refused(ctx, func(ctx context.Context) { undone = ctx })
			r.useless(released, troth.ErrTxDone)
			r.useless(undone, troth.ErrTxDone)
			r.put(ctx, "a", "1")
		})
		r.keys(r.Context(), "a")
	}},
}

// panics runs fn in a transaction, panics with suite.ErrRefused after it, and returns
// what it recovered.
func (r *rig) panics(ctx context.Context, fn func(ctx context.Context)) (recovered any) {
	r.Helper()
	defer func() { recovered = recover() }()
	r.Atomically(ctx, func(ctx context.Context) {
		fn(ctx)
		panic(suite.ErrRefused)
	})
	return nil
}

// exits runs fn in a goroutine of its own and waits for its end.
func (r *rig) exits(fn func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		fn()
	}()
	<-done
}
