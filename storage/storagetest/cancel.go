package storagetest

import (
	"context"
	"errors"
	"time"

	"github.com/trothdev/troth"
)

var cancelChecks = []check{
	{Name: "a cancelled context begins nothing", Run: func(r *rig) {
		ctx, cancel := context.WithCancel(r.Context())
		cancel()
		r.useless(ctx, context.Canceled)
		r.keys(r.Context())
	}},
	{Name: "a context past its deadline begins nothing", Run: func(r *rig) {
		ctx, cancel := context.WithDeadline(r.Context(), time.Unix(0, 0))
		defer cancel()
		r.useless(ctx, context.DeadlineExceeded)
		r.keys(r.Context())
	}},
	{Name: "cancelled in the middle, the work is undone", Run: func(r *rig) {
		outside, cancel := context.WithCancel(r.Context())
		defer cancel()
		err := r.Transactor.Atomically(outside, func(ctx context.Context) error {
			r.put(ctx, "a", "1")
			cancel()
			r.useless(ctx, context.Canceled)
			return ctx.Err()
		})
		r.is(err, context.Canceled)
		r.keys(r.Context())
		r.usable()
	}},
	{Name: "cancelled before the commit, the answer is true", Run: func(r *rig) {
		outside, cancel := context.WithCancel(r.Context())
		defer cancel()
		err := r.Transactor.Atomically(outside, func(ctx context.Context) error {
			r.put(ctx, "a", "kept")
			cancel()
			return nil
		})
		r.truthful(err, "a")
		if err != nil {
			r.is(err, context.Canceled)
		}
		r.usable()
	}},
	{Name: "a cancelled savepoint leaves the transaction whole", Run: func(r *rig) {
		ctx := r.Context()
		r.Atomically(ctx, func(ctx context.Context) {
			r.put(ctx, "a", "1")
			some, cancel := context.WithCancel(ctx)
			defer cancel()
			err := r.Transactor.Atomically(some, func(ctx context.Context) error {
				r.put(ctx, "b", "1")
				cancel()
				return r.Put(ctx, "c", "1")
			})
			r.is(err, context.Canceled)
			r.useless(some, context.Canceled)
			r.absent(ctx, "b")
			r.put(ctx, "d", "1")
		})
		r.keys(ctx, "a", "d")
	}},
	{Name: "cancelled while it waits, a transaction leaves nothing", Run: func(r *rig) {
		outside := r.Context()
		r.Atomically(outside, func(ctx context.Context) {
			r.put(ctx, "a", "first")
			some, cancel := context.WithCancel(outside)
			began, waited := make(chan struct{}), make(chan error, 1)
			go func() {
				close(began)
				waited <- r.Transactor.Atomically(some, func(ctx context.Context) error {
					return r.Put(ctx, "a", "second")
				})
			}()
			<-began
			cancel()
			// The bound may run out first on a slow machine; no third answer.
			if err := <-waited; errors.Is(err, context.Canceled) == errors.Is(err, troth.ErrBusy) {
				r.Fatalf("got %v, want %v", err, context.Canceled)
			}
		})
		r.value(outside, "a", "first")
		r.usable()
	}},
}
