package sqlstore

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/trothdev/troth"
)

// queue hands one turn to one caller after the other, first come, first served.
type queue struct {
	mu      sync.Mutex
	taken   bool
	lent    chan struct{} // closed when a read is over for which it is taken; nil if it is for none
	waiting []chan struct{}
}

// wait returns when the caller has the turn, which release or handOn gives on.
func (q *queue) wait(ctx context.Context, deadline time.Time) error {
	q.mu.Lock()
	if !q.taken {
		q.taken = true
		q.mu.Unlock()
		return nil
	}
	turn := make(chan struct{})
	q.waiting = append(q.waiting, turn)
	q.mu.Unlock()

	late := time.NewTimer(time.Until(deadline))
	defer late.Stop()
	var err error
	select {
	case <-turn:
		return nil
	case <-ctx.Done():
		err = fmt.Errorf("sqlstore: wait for the writer: %w", ctx.Err())
	case <-late.C:
		err = fmt.Errorf("sqlstore: no turn to write in time: %w", troth.ErrBusy)
	}
	if q.leave(turn) {
		return err
	}
	// The turn came in the same moment. It is not to be lost.
	return nil
}

// leave takes a caller out of the queue; false if it has the turn already.
func (q *queue) leave(turn chan struct{}) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	at := slices.Index(q.waiting, turn)
	if at < 0 {
		return false
	}
	q.waiting = slices.Delete(q.waiting, at, at+1)
	return true
}

// try takes the turn if nobody has it. If it is taken for a read, over is closed when that
// is over.
func (q *queue) try() (taken bool, over <-chan struct{}) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.taken {
		return false, q.lent
	}
	q.taken = true
	return true, nil
}

// borrow takes the turn for a read, if nobody has it.
func (q *queue) borrow() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.taken {
		return false
	}
	q.taken, q.lent = true, make(chan struct{})
	return true
}

// handOn gives the turn to the next caller; false if there is none, and then
// the caller keeps it.
func (q *queue) handOn() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting) == 0 {
		return false
	}
	close(q.waiting[0])
	q.waiting = slices.Delete(q.waiting, 0, 1)
	return true
}

// release gives the turn to the next caller, or to whoever comes.
func (q *queue) release() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.lent != nil {
		close(q.lent)
		q.lent = nil
	}
	if len(q.waiting) == 0 {
		q.taken = false
		return
	}
	close(q.waiting[0])
	q.waiting = slices.Delete(q.waiting, 0, 1)
}
