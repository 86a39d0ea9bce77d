package storagetest

import (
	"context"
	"runtime"

	"github.com/trothdev/troth"
)

var endingChecks = []check{
	{"a panic undoes the work and goes on", func(r *rig) {
		got := r.panics(r.Context(), func(ctx context.Context) { r.put(ctx, "a", "1") })
		if got != any(errRefused) {
			r.Fatalf("recovered %v, want %v", got, errRefused)
		}
		r.keys(r.Context())
		r.usable()
	}},
	{"a panic in an inner closure that the outer recovers undoes no more", func(r *rig) {
		ctx := r.Context()
		r.atomically(ctx, func(ctx context.Context) {
			r.put(ctx, "a", "1")
			r.panics(ctx, func(ctx context.Context) { r.put(ctx, "b", "1") })
			r.absent(ctx, "b")
			r.put(ctx, "c", "1")
		})
		r.keys(ctx, "a", "c")
	}},
	{"a panic through two closures undoes both", func(r *rig) {
		r.panics(r.Context(), func(ctx context.Context) {
			r.put(ctx, "a", "1")
			r.atomically(ctx, func(ctx context.Context) {
				r.put(ctx, "b", "1")
				panic(errRefused)
			})
		})
		r.keys(r.Context())
		r.usable()
	}},
	{"a goroutine that exits undoes its work", func(r *rig) {
		r.exits(func() {
			r.atomically(r.Context(), func(ctx context.Context) {
				r.put(ctx, "a", "1")
				runtime.Goexit()
			})
		})
		r.keys(r.Context())
		r.usable()
	}},
	{"a goroutine that exits in a savepoint undoes all of its work", func(r *rig) {
		r.exits(func() {
			r.atomically(r.Context(), func(ctx context.Context) {
				r.put(ctx, "a", "1")
				r.atomically(ctx, func(ctx context.Context) {
					r.put(ctx, "b", "1")
					runtime.Goexit()
				})
			})
		})
		r.keys(r.Context())
		r.usable()
	}},
	{"a context is done after its commit", func(r *rig) {
		var kept context.Context
		r.atomically(r.Context(), func(ctx context.Context) { kept = ctx })
		r.useless(kept, troth.ErrTxDone)
		r.keys(r.Context())
	}},
	{"a context is done after its rollback", func(r *rig) {
		var kept context.Context
		r.refused(r.Context(), func(ctx context.Context) { kept = ctx })
		r.useless(kept, troth.ErrTxDone)
		r.keys(r.Context())
	}},
	{"a context is done after a panic", func(r *rig) {
		var kept context.Context
		r.panics(r.Context(), func(ctx context.Context) { kept = ctx })
		r.useless(kept, troth.ErrTxDone)
		r.keys(r.Context())
	}},
	{"an inner context is done when its closure ends", func(r *rig) {
		r.atomically(r.Context(), func(ctx context.Context) {
			var released, undone context.Context
			r.atomically(ctx, func(ctx context.Context) { released = ctx })
			r.refused(ctx, func(ctx context.Context) { undone = ctx })
			r.useless(released, troth.ErrTxDone)
			r.useless(undone, troth.ErrTxDone)
			r.put(ctx, "a", "1")
		})
		r.keys(r.Context(), "a")
	}},
}

// panics runs fn in a transaction, panics with errRefused after it, and returns
// what it recovered.
func (r *rig) panics(ctx context.Context, fn func(ctx context.Context)) (recovered any) {
	r.Helper()
	defer func() { recovered = recover() }()
	r.atomically(ctx, func(ctx context.Context) {
		fn(ctx)
		panic(errRefused)
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
