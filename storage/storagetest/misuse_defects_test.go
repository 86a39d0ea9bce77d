package storagetest

import (
	"context"
	"errors"
	"sync"

	"github.com/trothdev/troth"
)

var misuseDefects = []defect{
	{
		"busy has a name of its own", "a closure that begins another transaction from outside is busy, not dead",
		reclassified(troth.ErrBusy, errDoomed),
	},
	{
		"misuse by two has a name of its own", "a second goroutine is refused while the first is in a savepoint",
		reclassified(troth.ErrTxConcurrent, errDoomed),
	},
	{
		"an outer context reaches into the inner transaction", "an outer context is refused while an inner one is open",
		reachesInner,
	},
}

// reachesInner runs what is asked of an outer context in the innermost one.
func reachesInner(h *Harness) {
	var mu sync.Mutex
	var newest context.Context
	everyUse(h, func(ctx context.Context, once func(context.Context) error) error {
		err := once(ctx)
		if !errors.Is(err, troth.ErrTxConcurrent) || !errors.Is(err, troth.ErrBusy) {
			return err
		}
		mu.Lock()
		inner := newest
		mu.Unlock()
		return once(inner)
	})
	atomically(func(sound troth.Transactor, ctx context.Context, fn func(context.Context) error) error {
		return sound.Atomically(ctx, func(ctx context.Context) error {
			mu.Lock()
			newest = ctx
			mu.Unlock()
			return fn(ctx)
		})
	})(h)
}
