package storagetest

import (
	"context"
	"runtime"

	"github.com/trothdev/troth"
)

// hosted runs fn in a transaction of the host's, and then end, unless fn fails.
func (r *rig) hosted(fn func(ctx context.Context), end func(commit, rollback func() error) error) {
	r.Helper()
	ctx, commit, rollback, err := r.Host(r.Context())
	if err != nil {
		r.Fatalf("host: begin: %v", err)
	}
	ended := false
	defer func() {
		if !ended {
			_ = rollback()
		}
	}()
	fn(ctx)
	ended = true
	if err := end(commit, rollback); err != nil {
		r.Fatalf("host: end: %v", err)
	}
}

func commits(commit, _ func() error) error     { return commit() }
func rollsBack(_, rollback func() error) error { return rollback() }

var hostChecks = []check{
	{"work joins the host's transaction and commits with it", func(r *rig) {
		r.hosted(func(ctx context.Context) {
			r.put(ctx, "a", "1")
			r.atomically(ctx, func(ctx context.Context) { r.put(ctx, "b", "1") })
			r.keys(ctx, "a", "b")
			r.keys(r.Context())
		}, commits)
		r.keys(r.Context(), "a", "b")
	}},
	{"work is undone with the host's transaction", func(r *rig) {
		r.hosted(func(ctx context.Context) {
			r.put(ctx, "a", "1")
			r.atomically(ctx, func(ctx context.Context) { r.put(ctx, "b", "1") })
		}, rollsBack)
		r.keys(r.Context())
		r.usable()
	}},
	{"an inner error undoes the inner work and leaves the host's whole", func(r *rig) {
		r.put(r.Context(), "taken", "first")
		r.hosted(func(ctx context.Context) {
			r.put(ctx, "a", "1")
			r.refused(ctx, func(ctx context.Context) {
				r.put(ctx, "b", "undone")
				r.refused(ctx, func(ctx context.Context) { r.put(ctx, "c", "undone") })
				r.atomically(ctx, func(ctx context.Context) { r.put(ctx, "d", "undone") })
			})
			err := r.Transactor.Atomically(ctx, func(ctx context.Context) error {
				return r.Insert(ctx, "taken", "second")
			})
			if err == nil {
				r.Fatalf("a second row under one key")
			}
			r.put(ctx, "e", "1")
		}, commits)
		r.value(r.Context(), "taken", "first")
		r.keys(r.Context(), "a", "e", "taken")
	}},
	{"a panic undoes the inner work and leaves the host's whole", func(r *rig) {
		r.hosted(func(ctx context.Context) {
			r.put(ctx, "a", "1")
			r.panics(ctx, func(ctx context.Context) { r.put(ctx, "b", "1") })
			r.exits(func() {
				r.atomically(ctx, func(ctx context.Context) {
					r.put(ctx, "c", "1")
					runtime.Goexit()
				})
			})
		}, commits)
		r.keys(r.Context(), "a")
	}},
	{"a cancelled savepoint leaves the host's transaction whole", func(r *rig) {
		r.hosted(func(ctx context.Context) {
			some, cancel := context.WithCancel(ctx)
			defer cancel()
			err := r.Transactor.Atomically(some, func(ctx context.Context) error {
				r.put(ctx, "a", "1")
				cancel()
				return r.Put(ctx, "b", "1")
			})
			r.is(err, context.Canceled)
			r.put(ctx, "c", "1")
		}, commits)
		r.keys(r.Context(), "c")
	}},
	{"the host's context is refused while an inner one is open", func(r *rig) {
		r.hosted(func(outer context.Context) {
			r.atomically(outer, func(context.Context) {
				r.useless(outer, troth.ErrTxConcurrent, troth.ErrBusy)
			})
		}, commits)
		r.keys(r.Context())
	}},
	{"contexts are done after the host's transaction ended", func(r *rig) {
		for _, end := range []func(_, _ func() error) error{commits, rollsBack} {
			var outer, inner context.Context
			r.hosted(func(ctx context.Context) {
				outer = ctx
				r.atomically(ctx, func(ctx context.Context) { inner = ctx })
				r.useless(inner, troth.ErrTxDone)
			}, end)
			r.useless(outer, troth.ErrTxDone)
			r.useless(inner, troth.ErrTxDone)
		}
		r.keys(r.Context())
	}},
	{"nobody hears the host's commit", func(r *rig) {
		for _, end := range []func(_, _ func() error) error{commits, rollsBack} {
			var host, released, undone *troth.Scope
			r.hosted(func(ctx context.Context) {
				host = r.scopeOf(ctx)
				r.atomically(ctx, func(ctx context.Context) {
					released = r.scopeOf(ctx)
					released.SetValue("a", "1")
				})
				r.refused(ctx, func(ctx context.Context) {
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
	{"a context detached from the host's transaction sees what is committed", func(r *rig) {
		r.hosted(func(ctx context.Context) {
			r.put(ctx, "a", "1")
			r.keys(r.Transactor.Detach(ctx))
			if r.Transactor.Scope(r.Transactor.Detach(ctx)) != nil {
				r.Fatalf("a detached context has a scope")
			}
		}, commits)
		r.keys(r.Context(), "a")
	}},
	{"waiting for the host's transaction is bounded", func(r *rig) {
		r.hosted(func(ctx context.Context) {
			r.put(ctx, "a", "host")
			r.busy(func() error { return r.Put(r.Context(), "a", "other") })
		}, commits)
		r.value(r.Context(), "a", "host")
	}},
	{"a host's transaction that waits for one of ours is busy, not dead", func(r *rig) {
		outside := r.Context()
		r.atomically(outside, func(ctx context.Context) {
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
