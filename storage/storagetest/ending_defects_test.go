package storagetest

import (
	"context"
	"errors"
	"runtime"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/suite"
)

var endingDefects = []defect{
	{
		"a panic commits", "a panic undoes the work and goes on",
		atomically(func(sound troth.Transactor, ctx context.Context, fn func(context.Context) error) error {
			var recovered any
			err := sound.Atomically(ctx, func(ctx context.Context) error {
				defer func() { recovered = recover() }()
				return fn(ctx)
			})
			if recovered != nil {
				panic(recovered)
			}
			return err
		}),
	},
	{
		"a panic becomes an error", "a panic undoes the work and goes on",
		atomically(func(sound troth.Transactor, ctx context.Context, fn func(context.Context) error) (err error) {
			defer func() {
				if recover() != nil {
					err = suite.ErrRefused
				}
			}()
			return sound.Atomically(ctx, fn)
		}),
	},
	{
		"a goroutine that exits commits", "a goroutine that exits undoes its work",
		atomically(func(sound troth.Transactor, ctx context.Context, fn func(context.Context) error) error {
			exited := true
			err := sound.Atomically(ctx, func(ctx context.Context) (err error) {
				done := make(chan struct{})
				go func() {
					defer close(done)
					defer func() {
						if recover() != nil {
							exited, err = false, suite.ErrRefused
						}
					}()
					err = fn(ctx)
					exited = false
				}()
				<-done
				return err
			})
			if exited && err == nil {
				runtime.Goexit()
			}
			return err
		}),
	},
	{
		"a context lives on after its transaction", "a context is done after its commit",
		func(h *Harness) {
			sound := h.Transactor
			everyUse(h, func(ctx context.Context, once func(context.Context) error) error {
				err := once(ctx)
				if errors.Is(err, troth.ErrTxDone) {
					return once(sound.Detach(ctx))
				}
				return err
			})
		},
	},
}
