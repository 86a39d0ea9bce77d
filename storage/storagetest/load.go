package storagetest

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/suite"
)

var loadChecks = []check{
	{Name: "of 64 goroutines, what was acknowledged is there and what was refused is not", Run: func(r *rig) {
		const writers, rounds = 64, 4
		results := make([][rounds]error, writers)
		var all sync.WaitGroup
		for w := range writers {
			all.Go(func() {
				for i := range rounds {
					results[w][i] = r.pair(w, i)
				}
			})
		}
		all.Wait()
		acknowledged := 0
		for w := range writers {
			for i, err := range results[w] {
				if r.accounted(w, i, err); err == nil {
					acknowledged++
				}
			}
		}
		if acknowledged == 0 {
			r.Fatalf("no work of %d writers was acknowledged", writers)
		}
	}},
}

// Every writer has a way to end its transactions.
const (
	refuses = iota
	panicsOut
	cancels
	swallows
	endings // all others return nil
)

func left(w, i int) string  { return fmt.Sprintf("%02d-%d-left", w, i) }
func right(w, i int) string { return fmt.Sprintf("%02d-%d-right", w, i) }

// pair writes two rows in one transaction, the second in a savepoint, and ends
// it in the way of the writer.
func (r *rig) pair(w, i int) (err error) {
	defer func() {
		if recovered := recover(); recovered != nil {
			err = suite.ErrRefused
		}
	}()
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	return r.Transactor.Atomically(ctx, func(ctx context.Context) error {
		if err := r.Put(ctx, left(w, i), "kept"); err != nil {
			return err
		}
		err := r.Transactor.Atomically(ctx, func(ctx context.Context) error {
			return r.Put(ctx, right(w, i), "kept")
		})
		if err != nil {
			return err
		}
		return r.ending(ctx, cancel, w, i)
	})
}

func (r *rig) ending(ctx context.Context, cancel func(), w, i int) error {
	switch w % (2 * endings) {
	case refuses:
		return suite.ErrRefused
	case panicsOut:
		panic(suite.ErrRefused)
	case cancels:
		cancel()
	case swallows:
		_ = r.Transactor.Atomically(ctx, func(ctx context.Context) error {
			return errors.Join(r.Put(ctx, left(w, i), "undone"), suite.ErrRefused)
		})
	}
	return nil
}

func (r *rig) accounted(w, i int, err error) {
	r.Helper()
	r.truthful(err, left(w, i))
	r.truthful(err, right(w, i))
	expected := err == nil || errors.Is(err, suite.ErrRefused) ||
		errors.Is(err, context.Canceled) || errors.Is(err, troth.ErrBusy)
	if !expected {
		r.Errorf("writer %d: %v", w, err)
	}
	if ways := w % (2 * endings); err == nil && (ways == refuses || ways == panicsOut) {
		r.Errorf("writer %d refused its work and was answered with success", w)
	}
}
