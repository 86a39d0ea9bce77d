package storagetest

import (
	"context"

	"github.com/trothdev/troth"
)

var scopeDefects = []defect{
	{"a rollback keeps the scope's values", "values vanish when a scope is undone", outermostScope},
	{
		"there is always a scope", "there is no scope outside of transactions",
		func(h *Harness) {
			sound, always := h.Transactor, troth.NewScope(nil, true)
			h.Transactor = &broken{Transactor: sound, scope: func(ctx context.Context) *troth.Scope {
				if s := sound.Scope(ctx); s != nil {
					return s
				}
				return always
			}}
		},
	},
	{
		"scopes are never ended", "a scope tells of its commit",
		func(h *Harness) {
			h.Transactor = &broken{Transactor: h.Transactor, scope: func(context.Context) *troth.Scope {
				return troth.NewScope(nil, true)
			}}
		},
	},
}

// outermostScope gives one scope to a transaction and its savepoints.
func outermostScope(h *Harness) {
	type key struct{}
	sound := h.Transactor
	h.Transactor = &broken{
		Transactor: sound,
		atomically: func(ctx context.Context, fn func(context.Context) error) error {
			return sound.Atomically(ctx, func(ctx context.Context) error {
				if ctx.Value(key{}) == nil {
					ctx = context.WithValue(ctx, key{}, sound.Scope(ctx))
				}
				return fn(ctx)
			})
		},
		scope: func(ctx context.Context) *troth.Scope {
			s, _ := ctx.Value(key{}).(*troth.Scope)
			return s
		},
	}
}
