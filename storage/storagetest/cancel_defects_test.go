package storagetest

import (
	"context"
	"errors"

	"github.com/trothdev/troth"
)

var cancelDefects = []defect{
	{"cancellation is called busy", "a cancelled context begins nothing", reclassified(context.Canceled, troth.ErrBusy)},
	{
		"a deadline is called busy", "a context past its deadline begins nothing",
		reclassified(context.DeadlineExceeded, troth.ErrBusy),
	},
	{
		"contexts are not looked at", "cancelled in the middle, the work is undone",
		func(h *Harness) {
			everyUse(h, func(ctx context.Context, once func(context.Context) error) error {
				return once(context.WithoutCancel(ctx))
			})
		},
	},
	{
		"a cancelled savepoint spoils the transaction", "a cancelled savepoint leaves the transaction whole",
		atomically(func(sound troth.Transactor, ctx context.Context, fn func(context.Context) error) error {
			err := sound.Atomically(ctx, fn)
			if errors.Is(err, context.Canceled) && sound.Scope(ctx) != nil {
				panic(err)
			}
			return err
		}),
	},
}
