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
	{"there is no scope outside of transactions", func(r *rig) {
		if r.Transactor.Scope(r.Context()) != nil {
			r.Fatalf("a scope outside of transactions")
		}
	}},
	{"every closure has a scope of its own, inside the outer one", func(r *rig) {
		r.atomically(r.Context(), func(ctx context.Context) {
			outer := r.scopeOf(ctx)
			if r.scopeOf(ctx) != outer {
				r.Fatalf("two scopes of one context")
			}
			r.atomically(ctx, func(ctx context.Context) {
				inner := r.scopeOf(ctx)
				if inner == outer || !inner.Within(outer) || outer.Within(inner) {
					r.Fatalf("the inner scope is not inside the outer one")
				}
			})
		})
	}},
	{"a scope tells of its commit", func(r *rig) {
		var s *troth.Scope
		r.atomically(r.Context(), func(ctx context.Context) {
			s = r.scopeOf(ctx)
			r.state(s, troth.ScopeOpen)
		})
		r.state(s, troth.ScopeCommitted)
	}},
	{"a scope tells of its rollback, also by a panic", func(r *rig) {
		var s *troth.Scope
		r.refused(r.Context(), func(ctx context.Context) { s = r.scopeOf(ctx) })
		r.state(s, troth.ScopeRolledBack)
		r.panics(r.Context(), func(ctx context.Context) { s = r.scopeOf(ctx) })
		r.state(s, troth.ScopeRolledBack)
	}},
	{"a released scope shares the fate of the outer one", func(r *rig) {
		var inner *troth.Scope
		release := func(ctx context.Context) {
			r.atomically(ctx, func(ctx context.Context) { inner = r.scopeOf(ctx) })
			r.state(inner, troth.ScopeOpen)
		}
		r.atomically(r.Context(), release)
		r.state(inner, troth.ScopeCommitted)
		r.refused(r.Context(), release)
		r.state(inner, troth.ScopeRolledBack)
	}},
	{"an undone scope says so while the outer one is open", func(r *rig) {
		r.atomically(r.Context(), func(ctx context.Context) {
			var inner *troth.Scope
			r.refused(ctx, func(ctx context.Context) { inner = r.scopeOf(ctx) })
			r.state(inner, troth.ScopeRolledBack)
			r.state(r.scopeOf(ctx), troth.ScopeOpen)
		})
	}},
	{"values pass outwards when a scope is released", func(r *rig) {
		r.atomically(r.Context(), func(ctx context.Context) {
			outer := r.scopeOf(ctx)
			outer.SetValue("a", "outer")
			r.atomically(ctx, func(ctx context.Context) {
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
	{"values vanish when a scope is undone", func(r *rig) {
		r.atomically(r.Context(), func(ctx context.Context) {
			outer := r.scopeOf(ctx)
			outer.SetValue("a", "outer")
			r.refused(ctx, func(ctx context.Context) {
				r.scopeOf(ctx).SetValue("a", "inner")
				r.atomically(ctx, func(ctx context.Context) { r.scopeOf(ctx).SetValue("b", "inner") })
				r.held(r.scopeOf(ctx), "b", "inner")
			})
			r.held(outer, "a", "outer")
			r.held(outer, "b", nil)
		})
	}},
	{"an ended transaction keeps no values", func(r *rig) {
		var s *troth.Scope
		keep := func(ctx context.Context) {
			s = r.scopeOf(ctx)
			s.SetValue("a", "1")
		}
		r.atomically(r.Context(), keep)
		r.held(s, "a", nil)
		r.refused(r.Context(), keep)
		r.held(s, "a", nil)
	}},
}
