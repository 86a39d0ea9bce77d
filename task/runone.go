package task

import (
	"context"
	"fmt"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/trothdev/troth"
)

// RunOne runs one task now, for a queue of the host's that delivers references at
// least once. It returns nil when there is nothing left for the queue to do with
// the reference: the task has ended or waits for a person, or it will be
// dispatched again.
//
// It returns a *[NotNowError] if the task exists and cannot run now; then the
// queue should deliver the reference again. Without a dispatcher that is also the
// answer after an attempt that failed in a way that may pass. It returns
// [ErrNotFound] for a reference that names nothing, [ErrKind] where the kind is
// not registered here, and [ErrInTx] inside a transaction.
func (e *Engine) RunOne(ctx context.Context, ref troth.WorkRef) error {
	if e.tx.Scope(ctx) != nil {
		return ErrInTx
	}
	n, err := name(ref)
	if err != nil {
		return err
	}
	row, found, err := e.store.Task(ctx, n)
	switch {
	case err != nil:
		return wrap("look at a task", err)
	case !found:
		return ErrNotFound
	case !row.State.Open(), row.State == Manual:
		return nil
	}
	k := e.kind(row.Kind)
	if k == nil {
		return fmt.Errorf("%w: it is not registered", ErrKind)
	}
	asked := time.Now()
	want := KindClaim{Kind: k.Name, Whole: k.Whole, PerLine: k.PerLine}
	claimedRow, ok, err := e.store.ClaimOne(ctx, n, want, e.opt.lease)
	if err != nil {
		return wrap("claim", err)
	}
	if !ok {
		return notNow(row)
	}
	return e.runClaimed(ctx, e.hold(acting(ctx), claimedRow, k, asked))
}

// notNow says why a task could not be claimed.
func notNow(row Row) error {
	e := &NotNowError{State: row.State}
	if row.State == Delayed || row.State == Running {
		e.Until = instant(row.WakeAt)
	}
	return e
}

// runClaimed runs a task that was claimed alone, and writes what came of it.
func (e *Engine) runClaimed(ctx context.Context, c *claimed) error {
	defer c.letGo(context.Canceled)
	ended := make(chan struct{})
	var lease sync.WaitGroup
	lease.Go(func() { c.keepLease(ended) })
	attempt := make(chan Ending, 1)
	go c.attempt(func(_ *claimed, ending Ending) { attempt <- ending })
	ending := <-attempt
	ctx = acting(context.WithoutCancel(ctx))
	ending, open := c.ending(ctx, ending)
	var err error
	if open {
		var freed []Freed
		if freed, err = e.persist(ctx, ending); len(freed) > 0 {
			e.Nudge()
		}
	}
	close(ended)
	lease.Wait()
	switch {
	case err != nil:
		return err
	case e.opt.dispatcher != nil || !open:
		return nil
	case ending.To == Delayed:
		return &NotNowError{State: Delayed, Until: e.opt.now().Add(ending.By)}
	case ending.To == Waiting:
		return &NotNowError{State: Waiting}
	}
	return nil
}

// keepLease extends the lease until the attempt has ended, and ends its context
// with the lease.
func (c *claimed) keepLease(ended <-chan struct{}) {
	tick := time.NewTicker(c.e.opt.lease / 3)
	defer tick.Stop()
	expiry := c.expireAlone()
	defer expiry.Stop()
	for {
		select {
		case <-ended:
			return
		case <-tick.C:
		}
		asked := time.Now()
		ctx, cancel := context.WithTimeout(context.WithoutCancel(c.ctx), c.e.opt.lease/3)
		lost, err := c.e.store.Extend(ctx, []Held{c.held()}, c.e.opt.lease)
		cancel()
		switch {
		case err != nil:
			c.e.log.Warn("task: a lease could not be extended: will try again", zap.Error(err))
		case len(lost) > 0:
			c.letGo(ErrLeaseLost)
			return
		case !c.lost():
			c.extended(asked)
		}
	}
}

// expireAlone ends the context of an attempt with its lease, where no worker does.
func (c *claimed) expireAlone() (expiry *time.Timer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	expiry = time.AfterFunc(time.Until(c.until), func() {
		left := time.Until(c.leased()) // which also waits for the timer to be set
		if left > 0 {
			expiry.Reset(left)
		} else {
			c.letGo(ErrLeaseLost)
		}
	})
	return expiry
}
