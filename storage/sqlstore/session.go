package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"sync"
	"time"

	"github.com/trothdev/troth"
)

// conn is what *sql.Tx and *sql.Conn have in common.
type conn interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// frame is one level of a transaction: the transaction itself or a savepoint.
type frame struct {
	parent *frame
	depth  int // 0 for the transaction itself, also the savepoint's name
	scope  *troth.Scope
	calm   calm // of a savepoint; see hurry

	done    bool  // guarded by session.mu
	aborted error // the statement that failed in it, if any; guarded by session.mu
}

// session is one transaction as its callers share it: who may use it now. A
// session never holds a *sql.Tx, so that a host's transaction that is
// forgotten takes its session with it.
type session struct {
	h    *Handle
	host bool
	root *frame

	mu   sync.Mutex
	idle *sync.Cond // signalled when busy clears or rows open
	top  *frame     // the innermost open level, the only one that may be used
	busy bool       // a statement runs, or its rows are open
	rows *Rows      // the open rows
	dead error      // why the whole transaction is gone
	used time.Time  // when the last statement ended

	// Of a host's transaction, asked once.
	askScope sync.Once
	checked  bool  // while busy
	timeout  int64 // SQLite's busy timeout in milliseconds, if longer than the wait bound
}

func newSession(h *Handle, root *frame) *session {
	s := &session{h: h, root: root, top: root, used: time.Now()}
	s.idle = sync.NewCond(&s.mu)
	return s
}

// enter marks the session as in use by one statement of f.
func (s *session) enter(f *frame) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case f.done:
		return fmt.Errorf("sqlstore: %w", troth.ErrTxDone)
	case s.dead != nil:
		return s.dead
	case s.top != f:
		return errOuter
	case s.busy:
		return fmt.Errorf("sqlstore: %w", troth.ErrTxConcurrent)
	}
	s.busy = true
	return nil
}

func (s *session) leave() {
	s.mu.Lock()
	s.busy, s.rows, s.used = false, nil, time.Now()
	s.idle.Broadcast()
	s.mu.Unlock()
}

func (s *session) setRows(r *Rows) {
	s.mu.Lock()
	s.rows = r
	s.idle.Broadcast()
	s.mu.Unlock()
}

// kill declares the whole transaction gone.
func (s *session) kill(cause error) {
	s.mu.Lock()
	if s.dead == nil {
		s.dead = lost(cause)
	}
	s.mu.Unlock()
}

func (s *session) death() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.dead
}

// fail remembers that a statement of f failed: PostgreSQL refuses everything
// after it until f is rolled back.
func (s *session) fail(f *frame, err error) {
	s.mu.Lock()
	if f.aborted == nil {
		f.aborted = err
	}
	s.mu.Unlock()
}

// seal ends the use of f and of whatever is open inside it, waits for a
// statement that still runs and closes rows that were left open. It leaves the
// session busy for the caller's own last statements, to be followed by unseal.
// ended is true if an enclosing level ended first and took f with it; then
// there is nothing left to do. left is true if the closure did not clean up.
func (s *session) seal(f *frame) (left, ended bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f.done {
		return false, true
	}
	left = s.top != f || s.busy
	for at := s.top; at != f.parent; at = at.parent {
		if !at.done && at != f {
			at.scope.End(troth.ScopeRolledBack)
		}
		at.done = true
	}
	for s.busy {
		if rows := s.rows; rows != nil {
			s.mu.Unlock()
			rows.abandon()
			s.mu.Lock()
			continue
		}
		s.idle.Wait()
	}
	s.busy = true
	return left, false
}

// unseal gives the session back to the level around f.
func (s *session) unseal(f *frame) {
	s.mu.Lock()
	s.top = f.parent
	s.busy = false
	s.idle.Broadcast()
	s.mu.Unlock()
}
