package task

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/trothdev/troth"
)

// claimed is one attempt: a task that this process holds.
type claimed struct {
	e    *Engine
	row  Row
	ref  troth.WorkRef
	kind *handled

	// ctx is the handler's. It ends with the lease.
	ctx    context.Context
	cancel context.CancelCauseFunc

	mu sync.Mutex
	// until is when the lease ends, by this process: not later than for the store.
	until time.Time
	// inTx is the transaction in which the handler completed the job, nil if it
	// did not; over says that the handler has returned.
	inTx *troth.Scope
	over bool
	// stray says that the handler goes on without its lease and has no slot any
	// more; the worker's own.
	stray bool
	// completing is held by a call of complete, of which there is one at a time.
	completing sync.Mutex
}

// hold begins an attempt at a row that was claimed when the claim was asked for
// at the given instant: its lease did not begin earlier than that.
func (e *Engine) hold(ctx context.Context, row Row, k *handled, asked time.Time) *claimed {
	c := &claimed{e: e, row: row, ref: row.Ref(), kind: k}
	c.ctx, c.cancel = context.WithCancelCause(ctx)
	c.until = asked.Add(e.opt.lease)
	return c
}

// extended moves the end of the lease, which was extended when that was asked
// for at the given instant.
func (c *claimed) extended(asked time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.until = asked.Add(c.e.opt.lease)
}

// leased is until when the attempt has its lease.
func (c *claimed) leased() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.until
}

// letGo ends the handler's context.
func (c *claimed) letGo(cause error) { c.cancel(cause) }

func (c *claimed) held() Held { return Held{Name: c.row.Name, Fence: c.row.Fence, Place: c.row.Place} }

// lost reports whether the lease ended under the attempt.
func (c *claimed) lost() bool { return errors.Is(context.Cause(c.ctx), ErrLeaseLost) }

// complete ends the work in the handler's own transaction. See [troth.Job].
func (c *claimed) complete(ctx context.Context) error {
	scope := c.e.tx.Scope(ctx)
	if scope == nil {
		return ErrNotInTx
	}
	if !c.completing.TryLock() {
		return ErrCompleted // by somebody else of the handler's, in another transaction
	}
	defer c.completing.Unlock()
	c.mu.Lock()
	before, over := c.inTx, c.over
	c.mu.Unlock()
	switch {
	case before != nil && before.State() != troth.ScopeRolledBack:
		return ErrCompleted
	case over || c.lost():
		return ErrLeaseLost
	}
	_, lost, err := c.e.conclude(acting(ctx), []Ending{{Held: c.held(), To: Completed}})
	switch {
	case err != nil:
		return err
	case len(lost) > 0:
		return ErrLeaseLost
	}
	c.mu.Lock()
	c.inTx = scope
	c.mu.Unlock()
	return nil
}

// ending returns what is left to write when the handler has returned. open is
// false if nothing is: the handler's own transaction has completed the work. Where
// it is not known how that transaction ended, the rows tell; and work that a
// transaction should have completed and has not is tried again, whatever the
// handler said, because its effect is not there either.
func (c *claimed) ending(ctx context.Context, e Ending) (ending Ending, open bool) {
	c.mu.Lock()
	scope := c.inTx
	c.over = true
	c.mu.Unlock()
	if scope == nil || scope.State() == troth.ScopeRolledBack {
		return e, true
	}
	if scope.State() == troth.ScopeCommitted {
		return e, false
	}
	row, found, err := c.e.store.Task(ctx, c.row.Name)
	if err == nil && found && row.State == Completed && row.Fence == c.row.Fence {
		return e, false
	}
	if e.To == Completed {
		e.To, e.Reason, e.By = Delayed, ReasonError, c.kind.wait(c.row.Attempt)
	}
	return e, true
}
