package storagetest

import (
	"context"
	"sync"
)

var waitChecks = []check{
	{"a closure that writes with the context from outside is busy, not dead", func(r *rig) {
		outside := r.Context()
		r.atomically(outside, func(ctx context.Context) {
			r.put(ctx, "a", "inside")
			r.busy(func() error { return r.Put(outside, "a", "outside") })
			r.value(ctx, "a", "inside")
		})
		r.value(outside, "a", "inside")
		r.put(outside, "a", "later")
		r.value(outside, "a", "later")
	}},
	{"a closure that begins another transaction from outside is busy, not dead", func(r *rig) {
		outside := r.Context()
		r.atomically(outside, func(ctx context.Context) {
			r.put(ctx, "a", "inside")
			r.busy(func() error {
				return r.Transactor.Atomically(outside, func(ctx context.Context) error {
					return r.Put(ctx, "a", "outside")
				})
			})
		})
		r.value(outside, "a", "inside")
		r.usable()
	}},
	{"waiting for another goroutine's transaction is bounded", func(r *rig) {
		ctx := r.Context()
		inside, leave := make(chan struct{}), make(chan struct{})
		var first sync.WaitGroup
		first.Go(func() {
			err := r.Transactor.Atomically(ctx, func(ctx context.Context) error {
				err := r.Put(ctx, "a", "first")
				close(inside)
				<-leave
				return err
			})
			if err != nil {
				r.Errorf("atomically: %v", err)
			}
		})
		<-inside
		func() {
			defer first.Wait()
			defer close(leave)
			r.busy(func() error {
				return r.Transactor.Atomically(ctx, func(ctx context.Context) error {
					return r.Put(ctx, "a", "second")
				})
			})
		}()
		r.value(ctx, "a", "first")
	}},
	{"reads outside do not wait for an open transaction", func(r *rig) {
		outside := r.Context()
		r.put(outside, "a", "old")
		r.atomically(outside, func(ctx context.Context) {
			r.put(ctx, "a", "new")
			r.value(outside, "a", "old")
			r.keys(outside, "a")
		})
	}},
}
