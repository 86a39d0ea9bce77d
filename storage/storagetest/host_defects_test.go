package storagetest

import (
	"context"
	"errors"

	"github.com/trothdev/troth"
)

var hostDefects = []defect{
	{
		"the host's transaction is not joined", "work joins the host's transaction and commits with it",
		func(h *Harness) {
			sound, host := h.Transactor, h.Host
			h.Host = func(ctx context.Context) (context.Context, func() error, func() error, error) {
				in, commit, rollback, err := host(ctx)
				return sound.Detach(in), commit, rollback, err
			}
		},
	},
	{
		"the host's commit is heard", "nobody hears the host's commit",
		func(h *Harness) {
			sound, host := h.Transactor, h.Host
			h.Host = func(ctx context.Context) (context.Context, func() error, func() error, error) {
				in, commit, rollback, err := host(ctx)
				return in, func() error {
					sound.Scope(in).End(troth.ScopeCommitted)
					return commit()
				}, rollback, err
			}
		},
	},
	{
		"the host's rollback commits", "work is undone with the host's transaction",
		func(h *Harness) {
			host := h.Host
			h.Host = func(ctx context.Context) (context.Context, func() error, func() error, error) {
				in, commit, _, err := host(ctx)
				return in, commit, commit, err
			}
		},
	},
	{
		"the host waits under a name of its own", "a host's transaction that waits for one of ours is busy, not dead",
		func(h *Harness) {
			host := h.Host
			h.Host = func(ctx context.Context) (context.Context, func() error, func() error, error) {
				in, commit, rollback, err := host(ctx)
				if errors.Is(err, troth.ErrBusy) {
					err = errDoomed
				}
				return in, commit, rollback, err
			}
		},
	},
}
