package storagetest

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/trothdev/troth"
)

var misuseChecks = []check{
	{"an outer context is refused while an inner one is open", func(r *rig) {
		r.atomically(r.Context(), func(outer context.Context) {
			r.put(outer, "a", "1")
			r.atomically(outer, func(ctx context.Context) {
				r.useless(outer, troth.ErrTxConcurrent, troth.ErrBusy)
				r.put(ctx, "b", "1")
			})
			r.put(outer, "c", "1")
		})
		r.keys(r.Context(), "a", "b", "c")
	}},
	{"of goroutines that share a context each statement is done or refused", func(r *rig) {
		var mu sync.Mutex
		done := map[string]bool{}
		r.atomically(r.Context(), func(ctx context.Context) {
			var all sync.WaitGroup
			for g := range 8 {
				all.Go(func() {
					for i := range 25 {
						key := fmt.Sprintf("%d-%d", g, i)
						err := r.Put(ctx, key, "kept")
						if err != nil && !errors.Is(err, troth.ErrTxConcurrent) {
							r.Errorf("put: got %v, want %v", err, troth.ErrTxConcurrent)
						}
						mu.Lock()
						done[key] = err == nil
						mu.Unlock()
					}
				})
			}
			all.Wait()
		})
		for key, ok := range done {
			if ok {
				r.value(r.Context(), key, "kept")
			} else {
				r.absent(r.Context(), key)
			}
		}
	}},
	{"a second goroutine is refused while the first is in a savepoint", func(r *rig) {
		r.atomically(r.Context(), func(outer context.Context) {
			inside, leave := make(chan struct{}), make(chan struct{})
			var first sync.WaitGroup
			first.Go(func() {
				err := r.Transactor.Atomically(outer, func(ctx context.Context) error {
					close(inside)
					<-leave
					return r.Put(ctx, "a", "1")
				})
				if err != nil {
					r.Errorf("atomically: %v", err)
				}
			})
			<-inside
			uses := r.uses(outer)
			close(leave)
			first.Wait()
			for use, err := range uses {
				if !errors.Is(err, troth.ErrTxConcurrent) {
					r.Errorf("%s: got %v, want %v", use, err, troth.ErrTxConcurrent)
				}
			}
		})
		r.keys(r.Context(), "a")
	}},
	{"a closure that ends under an open savepoint is not answered with a false success", func(r *rig) {
		inside, leave := make(chan struct{}), make(chan struct{})
		var other sync.WaitGroup
		var inner error
		outer := r.Transactor.Atomically(r.Context(), func(ctx context.Context) error {
			r.put(ctx, "outer", "kept")
			other.Go(func() {
				inner = r.Transactor.Atomically(ctx, func(ctx context.Context) error {
					close(inside)
					<-leave
					return r.Put(ctx, "inner", "kept")
				})
			})
			<-inside
			return nil
		})
		close(leave)
		other.Wait()
		r.truthful(outer, "outer")
		if outer != nil {
			inner = outer // what was inside shares its fate
		}
		r.truthful(inner, "inner")
		r.usable()
	}},
}
