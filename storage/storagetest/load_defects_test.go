package storagetest

import (
	"context"
	"sync/atomic"

	"github.com/trothdev/troth"
)

var loadDefects = []defect{
	{
		"some transactions are acknowledged and lost",
		"of 64 goroutines, what was acknowledged is there and what was refused is not", losesSome,
	},
}

// losesSome acknowledges every fiftieth transaction and undoes it.
func losesSome(h *Harness) {
	var count atomic.Int64
	atomically(func(sound troth.Transactor, ctx context.Context, fn func(context.Context) error) error {
		lost := false
		err := sound.Atomically(ctx, func(ctx context.Context) error {
			if err := fn(ctx); err != nil {
				return err
			}
			if lost = count.Add(1)%50 == 0; lost {
				return errDoomed
			}
			return nil
		})
		if lost {
			return nil
		}
		return err
	})(h)
}
