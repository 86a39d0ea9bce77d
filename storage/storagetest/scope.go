package storagetest

import (
	"context"

	"github.com/trothdev/troth"
)

// scopeOf returns the scope of ctx, which must have one.
func (r *rig) scopeOf(ctx context.Context) *troth.Scope {
	r.Helper()
	s := r.Transactor.Scope(ctx)
	if s == nil {
		r.Fatalf("no scope inside a transaction")
	}
	return s
}

func (r *rig) state(s *troth.Scope, want troth.ScopeState) {
	r.Helper()
	if got := s.State(); got != want {
		r.Fatalf("scope state %d, want %d", got, want)
	}
}

func (r *rig) held(s *troth.Scope, key string, want any) {
	r.Helper()
	if got := s.Value(key); got != want {
		r.Fatalf("scope value %q is %v, want %v", key, got, want)
	}
}

var scopeChecks = []check{
	{Name: "there is no scope outside of transactions", Run: func(r *rig) {
		if r.Transactor.Scope(r.Context()) != nil {
			r.Fatalf("a scope outside of transactions")
		}
	}},
	{Name: "every closure has a scope of its own, inside the outer one", Run: func(r *rig) {
		r.Atomically(r.Context(), func(ctx context.Context) {
			outer := r.scopeOf(ctx)
			if r.scopeOf(ctx) != outer {
				r.Fatalf("two scopes of one context")
			}
			r.Atomically(ctx, func(ctx context.Context) {
				inner := r.scopeOf(ctx)
				if inner == outer || !inner.Within(outer) || outer.Within(inner) {
					r.Fatalf("the inner scope is not inside the outer one")
				}
			})
		})
	}},
	{Name: "a scope tells of its commit", Run: func(r *rig) {
		var s *troth.Scope
		r.Atomically(r.Context(), func(ctx context.Context) {
			s = r.scopeOf(ctx)
			r.state(s, troth.ScopeOpen)
		})
		r.state(s, troth.ScopeCommitted)
	}},
	{Name: "a scope tells of its rollback, also by a panic", Run: func(r *rig) {
		var s *troth.Scope
		r.Refused(r.Context(), func(ctx context.Context) { s = r.scopeOf(ctx) })
		r.state(s, troth.ScopeRolledBack)
		r.panics(r.Context(), func(ctx context.Context) { s = r.scopeOf(ctx) })
		r.state(s, troth.ScopeRolledBack)
	}},
	{Name: "a released scope shares the fate of the outer one", Run: func(r *rig) {
		var inner *troth.Scope
		release := func(ctx context.Context) {
			r.Atomically(ctx, func(ctx context.Context) { inner = r.scopeOf(ctx) })
			r.state(inner, troth.ScopeOpen)
		}
		r.Atomically(r.Context(), release)
		r.state(inner, troth.ScopeCommitted)
		r.Refused(r.Context(), release)
		r.state(inner, troth.ScopeRolledBack)
	}},
	{Name: "an undone scope says so while the outer one is open", Run: func(r *rig) {
		r.Atomically(r.Context(), func(ctx context.Context) {
			var inner *troth.Scope
			r.Refused(ctx, func(ctx context.Context) { inner = r.scopeOf(ctx) })
			r.state(inner, troth.ScopeRolledBack)
			r.state(r.scopeOf(ctx), troth.ScopeOpen)
		})
	}},
	{Name: "values pass outwards when a scope is released", Run: func(r *rig) {
		r.Atomically(r.Context(), func(ctx context.Context) {
			outer := r.scopeOf(ctx)
			outer.SetValue("a", "outer")
			r.Atomically(ctx, func(ctx context.Context) {
				inner := r.scopeOf(ctx)
				r.held(inner, "a", "outer")
				inner.SetValue("a", "inner")
				inner.SetValue("b", "inner")
				r.held(outer, "a", "outer")
			})
			r.held(outer, "a", "inner")
			r.held(outer, "b", "inner")
		})
	}},
	{Name: "values vanish when a scope is undone", Run: func(r *rig) {
		r.Atomically(r.Context(), func(ctx context.Context) {
			outer := r.scopeOf(ctx)
			outer.SetValue("a", "outer")
			r.Refused(ctx, func(ctx context.Context) {
				r.scopeOf(ctx).SetValue("a", "inner")
				r.Atomically(ctx, func(ctx context.Context) { r.scopeOf(ctx).SetValue("b", "inner") })
				r.held(r.scopeOf(ctx), "b", "inner")
			})
			r.held(outer, "a", "outer")
			r.held(outer, "b", nil)
		})
	}},
	{Name: "an ended transaction keeps no values", Run: func(r *rig) {
		var s *troth.Scope
		keep := func(ctx context.Context) {
			s = r.scopeOf(ctx)
			s.SetValue("a", "1")
		}
		r.Atomically(r.Context(), keep)
		r.held(s, "a", nil)
		r.Refused(r.Context(), keep)
		r.held(s, "a", nil)
	}},
}
