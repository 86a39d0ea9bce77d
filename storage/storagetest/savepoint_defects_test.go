package storagetest

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/suite"
)

type doomKey struct{}

var savepointDefects = []defect{
	{
		"an inner error rolls back the outer", "an inner error undoes the inner work and no more",
		atomically(func(sound troth.Transactor, ctx context.Context, fn func(context.Context) error) error {
			if doomed, inner := ctx.Value(doomKey{}).(*atomic.Bool); inner {
				err := fn(ctx)
				if err != nil {
					doomed.Store(true)
				}
				return err
			}
			var doomed atomic.Bool
			return sound.Atomically(ctx, func(ctx context.Context) error {
				err := fn(context.WithValue(ctx, doomKey{}, &doomed))
				if err == nil && doomed.Load() {
					return errDoomed
				}
				return err
			})
		}),
	},
	{
		"the work of a swallowed inner error stays", "a refused statement in a savepoint leaves the transaction whole",
		atomically(func(sound troth.Transactor, ctx context.Context, fn func(context.Context) error) error {
			if sound.Scope(ctx) != nil {
				return fn(ctx)
			}
			return sound.Atomically(ctx, fn)
		}),
	},
	{
		"closures are retried", "closures are run once, whatever they return",
		atomically(func(sound troth.Transactor, ctx context.Context, fn func(context.Context) error) error {
			err := sound.Atomically(ctx, fn)
			if troth.Retryable(err) {
				err = sound.Atomically(ctx, fn)
			}
			return err
		}),
	},
	{
		"errors are swallowed", "a closure that returns an error is undone, and the error comes back",
		atomically(func(sound troth.Transactor, ctx context.Context, fn func(context.Context) error) error {
			_ = sound.Atomically(ctx, fn)
			return nil
		}),
	},
	{
		"a transaction is acknowledged and lost", "a closure that returns nil is kept",
		atomically(func(sound troth.Transactor, ctx context.Context, fn func(context.Context) error) error {
			err := sound.Atomically(ctx, func(ctx context.Context) error {
				return errors.Join(fn(ctx), errDoomed)
			})
			if errors.Is(err, suite.ErrRefused) {
				return err
			}
			return nil
		}),
	},
	{
		"a refused transaction stays", "a closure that returns an error is undone, and the error comes back",
		atomically(func(sound troth.Transactor, ctx context.Context, fn func(context.Context) error) error {
			var refusal error
			err := sound.Atomically(ctx, func(ctx context.Context) error {
				refusal = fn(ctx)
				return nil
			})
			return errors.Join(err, refusal)
		}),
	},
	{
		"a taken key is taken again", "a statement outside of transactions stands alone",
		func(h *Harness) { h.Insert = h.Put },
	},
	{"uncommitted rows are seen by all", "a transaction sees its own writes and nobody else does", dirtyReads},
}

// dirtyReads shows to everybody what was written last.
func dirtyReads(h *Harness) {
	var written sync.Map
	put, get := h.Put, h.Get
	h.Put = func(ctx context.Context, key, value string) error {
		err := put(ctx, key, value)
		if err == nil {
			written.Store(key, value)
		}
		return err
	}
	h.Get = func(ctx context.Context, key string) (string, bool, error) {
		value, ok, err := get(ctx, key)
		if dirty, there := written.Load(key); there && err == nil {
			return dirty.(string), true, nil
		}
		return value, ok, err
	}
}
