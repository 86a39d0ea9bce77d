package sqlstore

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/trothdev/troth"
)

// batch is one SQLite transaction that several callers share, and with it one
// sync of the disk. The first runs straight in the transaction, the ones after
// it in a savepoint each. All of them return when the outcome is known.
type batch struct {
	began   time.Time
	members int
	current atomic.Pointer[session] // of the member that had the turn last

	done  chan struct{} // closed when the outcome is known
	state troth.ScopeState
	err   error
}

func (b *batch) hasRoom(h *Handle) bool {
	return b.members < h.batchMax && time.Since(b.began) < h.batchAge
}

// member is one caller's part of a batch.
type member struct {
	w     *writer
	batch *batch
	b     *binding
	alone bool // the first of its batch: no savepoint
}

// join starts the caller's part of the open batch, or of a new one. The caller
// has the turn.
func (w *writer) join(ctx context.Context, deadline time.Time) (*member, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if w.batch == nil {
		if err := w.start(ctx, deadline); err != nil {
			return nil, err
		}
		w.batch = &batch{began: time.Now(), done: make(chan struct{})}
	}
	s := newSession(w.h, &frame{scope: troth.NewScope(nil, true)})
	m := &member{w: w, batch: w.batch, b: &binding{s: s, f: s.root, conn: w.conn}, alone: w.batch.members == 0}
	if !m.alone {
		if _, err := w.conn.ExecContext(context.Background(), "SAVEPOINT "+s.root.savepoint()); err != nil {
			err = wrap("savepoint", err)
			w.abandon(err)
			return nil, err
		}
	}
	w.batch.members++
	w.batch.current.Store(s)
	return m, nil
}

// end settles the caller's part, gives the turn on, and waits for the outcome
// of the whole: also a caller whose context has ended, because what is refused
// must never appear; and one whose closure failed, because it may have acted on
// what the others wrote.
func (m *member) end(err error) error {
	left, _ := m.b.s.seal(m.b.f)
	err = m.b.verdict(left, err)
	if fatal := m.settle(err); fatal != nil {
		m.w.abandon(fatal)
	}
	m.b.s.unseal(m.b.f)
	m.w.pass()

	m.await()
	scope, out := m.b.f.scope, m.batch
	if err != nil {
		scope.End(troth.ScopeRolledBack)
		if out.err != nil && m.b.s.death() == nil && !m.alone {
			return fmt.Errorf("%w; moreover %w", err, out.failure())
		}
		return err
	}
	scope.End(out.state)
	return out.failure()
}

// failure is what the members are told.
func (b *batch) failure() error {
	if b.err == nil {
		return nil
	}
	return &BatchError{Unknown: b.state == troth.ScopeUnknown, Err: b.err}
}

// settle keeps or undoes the caller's part. An error means that the batch
// cannot go on.
func (m *member) settle(err error) error {
	if dead := m.b.s.death(); dead != nil {
		return dead
	}
	ctx := context.Background()
	switch {
	case err == nil && m.alone:
		return nil
	case err == nil:
		return m.b.savepoint(ctx, "RELEASE")
	case m.alone:
		return m.w.undo()
	}
	return m.b.rollbackTo(ctx)
}

// undo rolls back a batch whose first member failed before any other came, and
// decides it.
func (w *writer) undo() error {
	if _, err := w.conn.ExecContext(context.Background(), "ROLLBACK"); err != nil {
		return wrap("rollback", err)
	}
	w.decide(troth.ScopeRolledBack, nil)
	return nil
}

// abandon gives up a batch that cannot go on, with its connection.
func (w *writer) abandon(cause error) {
	if w.batch == nil {
		return // overruled already
	}
	w.drop()
	w.decide(troth.ScopeRolledBack, cause)
}

// commit decides the batch.
func (w *writer) commit() {
	if err := w.file.check(); err != nil {
		w.abandon(err) // nobody would find the work
		return
	}
	ctx := context.Background()
	err := untilFree(ctx, w.h.deadline(), func() error {
		_, err := w.conn.ExecContext(ctx, "COMMIT")
		return err
	})
	if err == nil {
		w.decide(troth.ScopeCommitted, nil)
		return
	}
	// Where SQLite refused to commit, rolling back undoes the batch for sure.
	// After an I/O error nobody knows what a recovery would find on the disk.
	state := troth.ScopeUnknown
	_, undone := w.conn.ExecContext(ctx, "ROLLBACK")
	if code := sqliteCode(err); isBusy(err) || code == sqliteConstraint || (code == sqliteFull && undone == nil) {
		state = troth.ScopeRolledBack
	}
	w.drop()
	w.decide(state, wrap("commit", err))
}

// decide tells the members what became of the batch and ends it.
func (w *writer) decide(state troth.ScopeState, err error) {
	b := w.batch
	w.batch = nil
	b.state, b.err = state, err
	w.rest()
	close(b.done)
}
