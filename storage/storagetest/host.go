package storagetest

import (
	"context"
	"runtime"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/suite"
)

var hostChecks = []check{
	{Name: "work joins the host's transaction and commits with it", Run: func(r *rig) {
		r.Hosted(func(ctx context.Context) {
			r.put(ctx, "a", "1")
			r.Atomically(ctx, func(ctx context.Context) { r.put(ctx, "b", "1") })
			r.keys(ctx, "a", "b")
			r.keys(r.Context())
		}, suite.Commits)
		r.keys(r.Context(), "a", "b")
	}},
	{Name: "work is undone with the host's transaction", Run: func(r *rig) {
		r.Hosted(func(ctx context.Context) {
			r.put(ctx, "a", "1")
			r.Atomically(ctx, func(ctx context.Context) { r.put(ctx, "b", "1") })
		}, suite.RollsBack)
		r.keys(r.Context())
		r.usable()
	}},
	{Name: "an inner error undoes the inner work and leaves the host's whole", Run: func(r *rig) {
		r.put(r.Context(), "taken", "first")
		r.Hosted(func(ctx context.Context) {
			r.put(ctx, "a", "1")
			r.Refused(ctx, func(ctx context.Context) {
				r.put(ctx, "b", "undone")
				r.Refused(ctx, func(ctx context.Context) { r.put(ctx, "c", "undone") })
				r.Atomically(ctx, func(ctx context.Context) { r.put(ctx, "d", "undone") })
			})
			err := r.Transactor.Atomically(ctx, func(ctx context.Context) error {
				return r.Insert(ctx, "taken", "second")
			})
			if err == nil {
				r.Fatalf("a second row under one key")
			}
			r.put(ctx, "e", "1")
		}, suite.Commits)
		r.value(r.Context(), "taken", "first")
		r.keys(r.Context(), "a", "e", "taken")
	}},
	{Name: "a panic undoes the inner work and leaves the host's whole", Run: func(r *rig) {
		r.Hosted(func(ctx context.Context) {
			r.put(ctx, "a", "1")
			r.panics(ctx, func(ctx context.Context) { r.put(ctx, "b", "1") })
			r.exits(func() {
				r.Atomically(ctx, func(ctx context.Context) {
					r.put(ctx, "c", "1")
					runtime.Goexit()
				})
			})
		}, suite.Commits)
		r.keys(r.Context(), "a")
	}},
	{Name: "a cancelled savepoint leaves the host's transaction whole", Run: func(r *rig) {
		r.Hosted(func(ctx context.Context) {
			some, cancel := context.WithCancel(ctx)
			defer cancel()
			err := r.Transactor.Atomically(some, func(ctx context.Context) error {
				r.put(ctx, "a", "1")
				cancel()
				return r.Put(ctx, "b", "1")
			})
			r.is(err, context.Canceled)
			r.put(ctx, "c", "1")
		}, suite.Commits)
		r.keys(r.Context(), "c")
	}},
	{Name: "the host's context is refused while an inner one is open", Run: func(r *rig) {
		r.Hosted(func(outer context.Context) {
			r.Atomically(outer, func(context.Context) {
				r.useless(outer, troth.ErrTxConcurrent, troth.ErrBusy)
			})
		}, suite.Commits)
		r.keys(r.Context())
	}},
	{Name: "contexts are done after the host's transaction ended", Run: func(r *rig) {
		for _, end := range []func(_, _ func() error) error{suite.Commits, suite.RollsBack} {
			var outer, inner context.Context
			r.Hosted(func(ctx context.Context) {
				outer = ctx
				r.Atomically(ctx, func(ctx context.Context) { inner = ctx })
				r.useless(inner, troth.ErrTxDone)
			}, end)
			r.useless(outer, troth.ErrTxDone)
			r.useless(inner, troth.ErrTxDone)
		}
		r.keys(r.Context())
	}},
	{Name: "nobody hears the host's commit", Run: func(r *rig) {
		for _, end := range []func(_, _ func() error) error{suite.Commits, suite.RollsBack} {
			var host, released, undone *troth.Scope
			r.Hosted(func(ctx context.Context) {
				host = r.scopeOf(ctx)
				r.Atomically(ctx, func(ctx context.Context) {
					released = r.scopeOf(ctx)
					released.SetValue("a", "1")
				})
				r.Refused(ctx, func(ctx context.Context) {
					undone = r.scopeOf(ctx)
					undone.SetValue("b", "1")
				})
				r.held(host, "a", "1")
				r.held(host, "b", nil)
			}, end)
			r.state(host, troth.ScopeOpen)
			r.state(released, troth.ScopeOpen)
			r.state(undone, troth.ScopeRolledBack)
		}
	}},
	{Name: "a context detached from the host's transaction sees what is committed", Run: func(r *rig) {
		r.Hosted(func(ctx context.Context) {
			r.put(ctx, "a", "1")
			r.keys(r.Transactor.Detach(ctx))
			if r.Transactor.Scope(r.Transactor.Detach(ctx)) != nil {
				r.Fatalf("a detached context has a scope")
			}
		}, suite.Commits)
		r.keys(r.Context(), "a")
	}},
	{Name: "waiting for the host's transaction is bounded", Run: func(r *rig) {
		r.Hosted(func(ctx context.Context) {
			r.put(ctx, "a", "host")
			r.busy(func() error { return r.Put(r.Context(), "a", "other") })
		}, suite.Commits)
		r.value(r.Context(), "a", "host")
	}},
	{Name: "a host's transaction that waits for one of ours is busy, not dead", Run: func(r *rig) {
		outside := r.Context()
		r.Atomically(outside, func(ctx context.Context) {
			r.put(ctx, "a", "ours")
			r.busy(func() error {
				// With one writer the host may get no further than here.
				host, _, rollback, err := r.Host(outside)
				if err != nil {
					return err
				}
				defer func() { _ = rollback() }()
				return r.Put(host, "a", "host")
			})
		})
		r.value(outside, "a", "ours")
		r.usable()
	}},
}
