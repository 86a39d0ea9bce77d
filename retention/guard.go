package retention

import (
	"context"
	"runtime/debug"

	"go.uber.org/zap"
)

// guarded calls a method of a handler. One that panics has failed, for this record alone:
// what it did is undone, and it is called again later. What it said is not logged, since
// it may name people.
func (k *Keeper) guarded(ctx context.Context, o Order, method func(ctx context.Context, o Order) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			k.log.Error("retention: a handler panicked", zap.String("tenant", string(o.Tenant)), zap.String("type", o.Type),
				zap.String("record", o.Handle), zap.ByteString("stack", debug.Stack()))
			err = ErrPanic
		}
	}()
	return method(ctx, o)
}
