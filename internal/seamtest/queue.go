package seamtest

import (
	"context"
	"sync"

	"github.com/trothdev/troth"
)

// Queue is an enqueuer whose work tests do themselves. Equal work is enqueued once.
type Queue struct {
	tx troth.Transactor

	mu   sync.Mutex
	work []queued
	fail error
}

var _ troth.Enqueuer = (*Queue)(nil)

type queued struct {
	troth.Work
	scope *troth.Scope
}

// NewQueue enqueues in the transactions of tx.
func NewQueue(tx troth.Transactor) *Queue { return &Queue{tx: tx} }

// Transactor implements troth.Enqueuer.
func (q *Queue) Transactor() troth.Transactor { return q.tx }

// Enqueue implements troth.Enqueuer.
func (q *Queue) Enqueue(ctx context.Context, w troth.Work) (string, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.fail != nil {
		return "", q.fail
	}
	for _, old := range q.work {
		if old.Tenant == w.Tenant && old.Kind == w.Kind && old.Key == w.Key && !undone(old.scope) {
			return w.Key, nil
		}
	}
	q.work = append(q.work, queued{w, q.tx.Scope(ctx)})
	return w.Key, nil
}

// Fail has it refuse everything with err from now on; nil has it take work again.
func (q *Queue) Fail(err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.fail = err
}

// Pending is the work of a kind, in its order; of every kind if it is empty.
func (q *Queue) Pending(kind string) (all []troth.Work) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, w := range q.work {
		if !undone(w.scope) && (kind == "" || w.Kind == kind) {
			all = append(all, w.Work)
		}
	}
	return all
}
