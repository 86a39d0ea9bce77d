package task

import (
	"context"
	"time"
)

// dispatch hands a task to the host's queue, in the transaction of ctx.
func (e *Engine) dispatch(ctx context.Context, n Name, notBefore time.Time) error {
	if e.opt.dispatcher == nil {
		return nil
	}
	return wrap("dispatch", e.opt.dispatcher.Dispatch(ctx, n.Ref(), notBefore))
}

// dispatchNew dispatches a task that was just added, unless it waits for others.
func (e *Engine) dispatchNew(ctx context.Context, n NewTask) error {
	if e.opt.dispatcher == nil {
		return nil
	}
	if len(n.After) > 0 {
		row, found, err := e.store.Task(ctx, n.Name)
		if err != nil || !found || row.State == Blocked {
			return wrap("look at a new task", err)
		}
	}
	return e.dispatch(ctx, n.Name, instant(n.NotBefore))
}

// settleFreed dispatches tasks that wait for others no longer, and puts those
// that were handed to a person on the trail.
func (e *Engine) settleFreed(ctx context.Context, freed []Freed, owner string) error {
	for _, f := range freed {
		if f.State == Manual {
			if err := e.recordParked(ctx, f.Name, owner); err != nil {
				return err
			}
			continue
		}
		if err := e.dispatch(ctx, f.Name, instant(f.WakeAt)); err != nil {
			return err
		}
	}
	return nil
}
