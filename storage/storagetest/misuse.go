package storagetest

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/trothdev/troth"
)

var misuseChecks = []check{
	{Name: "an outer context is refused while an inner one is open", Run: func(r *rig) {
		r.Atomically(r.Context(), func(outer context.Context) {
			r.put(outer, "a", "1")
			r.Atomically(outer, func(ctx context.Context) {
				r.useless(outer, troth.ErrTxConcurrent, troth.ErrBusy)
				r.put(ctx, "b", "1")
			})
			r.put(outer, "c", "1")
		})
		r.keys(r.Context(), "a", "b", "c")
	}},
	{Name: "of goroutines that share a context each statement is done or refused", Run: func(r *rig) {
		var mu sync.Mutex
		done := map[string]bool{}
		r.Atomically(r.Context(), func(ctx context.Context) {
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
	{Name: "a second goroutine is refused while the first is in a savepoint", Run: func(r *rig) {
		r.Atomically(r.Context(), func(outer context.Context) {
			leave := r.hold(outer, "a")
			uses := r.uses(outer)
			if err := leave(); err != nil {
				r.Fatalf("atomically: %v", err)
			}
			for use, err := range uses {
				if !errors.Is(err, troth.ErrTxConcurrent) {
					r.Errorf("%s: got %v, want %v", use, err, troth.ErrTxConcurrent)
				}
			}
		})
		r.keys(r.Context(), "a")
	}},
	{Name: "a closure that ends under an open savepoint is not answered with a false success", Run: func(r *rig) {
		var leave func() error
		outer := r.Transactor.Atomically(r.Context(), func(ctx context.Context) error {
			r.put(ctx, "outer", "kept")
			leave = r.hold(ctx, "inner")
			return nil
		})
		inner := leave()
		r.truthful(outer, "outer")
		if outer != nil {
			inner = outer // what was inside shares its fate
		}
		r.truthful(inner, "inner")
		r.usable()
	}},
}

// hold keeps a transaction open in a goroutine of its own, which writes the key
// when leave is called. It returns when the closure runs, or was refused.
func (r *rig) hold(ctx context.Context, key string) (leave func() error) {
	inside, open, ended := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	var first sync.Once
	go func() {
		ended <- r.Transactor.Atomically(ctx, func(ctx context.Context) error {
			first.Do(func() { close(inside) })
			<-open
			return r.Put(ctx, key, "kept")
		})
		first.Do(func() { close(inside) })
	}()
	<-inside
	return func() error {
		close(open)
		return <-ended
	}
}
