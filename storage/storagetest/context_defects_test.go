package storagetest

import (
	"context"
)

var contextDefects = []defect{
	{
		"detaching does nothing", "a detached context sees what is committed",
		func(h *Harness) {
			h.Transactor = &broken{
				Transactor: h.Transactor,
				detach:     func(ctx context.Context) context.Context { return ctx },
			}
		},
	},
	{
		"detaching loses values and cancellation", "a detached context keeps values and cancellation",
		func(h *Harness) {
			h.Transactor = &broken{
				Transactor: h.Transactor,
				detach:     func(context.Context) context.Context { return context.Background() },
			}
		},
	},
	{
		"detaching outside gives a dead context", "detaching outside of transactions changes nothing",
		func(h *Harness) {
			h.Transactor = &broken{
				Transactor: h.Transactor,
				detach: func(ctx context.Context) context.Context {
					ctx, cancel := context.WithCancel(ctx)
					cancel()
					return ctx
				},
			}
		},
	},
}
