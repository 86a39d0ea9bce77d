package memory

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/trothdev/troth"
)

// transaction is what holds the writer. Its writes stay in the pending rows of
// the tables that it touched until it commits.
type transaction struct {
	db *DB

	// guard is held while the transaction is used. It is only ever tried,
	// because a second caller is an error; but for ending a transaction, which
	// cannot be refused.
	guard   sync.Mutex
	top     atomic.Pointer[frame] // the innermost; nil after the end
	touched []table
	// undo takes back what was written since the outermost savepoint, newest
	// last. What was written outside of savepoints is dropped as a whole.
	undo []func()
}

// table is what a transaction needs of the tables that it touched.
type table interface {
	apply() // makes pending rows committed ones; under the lock of the DB
	drop()  // forgets pending rows
}

// frame is one level of a transaction: the whole of it, or a savepoint.
type frame struct {
	tx    *transaction
	outer *frame
	scope *troth.Scope
	mark  int // length of the undo log when the frame began
	ended atomic.Bool
}

// errSuspended: waiting would be for ever, because whoever uses the inner one
// waits for this caller. It is both, misuse and a refusal to wait.
var errSuspended = fmt.Errorf("memory: a transaction inside this one is open: %w, %w",
	troth.ErrTxConcurrent, troth.ErrBusy)

func newTransaction(db *DB, scope *troth.Scope) *frame {
	tx := &transaction{db: db}
	f := &frame{tx: tx, scope: scope}
	tx.top.Store(f)
	return f
}

// use begins one statement in the frame; done ends it.
func (f *frame) use() error {
	if err := f.usable(); err != nil {
		return err
	}
	if !f.tx.guard.TryLock() {
		return troth.ErrTxConcurrent
	}
	if err := f.usable(); err != nil {
		f.tx.guard.Unlock()
		return err
	}
	return nil
}

func (f *frame) done() { f.tx.guard.Unlock() }

func (f *frame) usable() error {
	switch {
	case f.tx == nil:
		return errForeign
	case f.ended.Load():
		return troth.ErrTxDone
	case f.tx.top.Load() != f:
		return errSuspended
	}
	return nil
}

// push opens a savepoint.
func (f *frame) push() (*frame, error) {
	if err := f.use(); err != nil {
		return nil, err
	}
	defer f.done()
	inner := &frame{
		tx:    f.tx,
		outer: f,
		scope: troth.NewScope(f.scope, true),
		mark:  len(f.tx.undo),
	}
	f.tx.top.Store(inner)
	return inner, nil
}

// end commits or rolls back what was done in the frame. A statement or a
// savepoint of another goroutine that is still open makes it a rollback and
// [troth.ErrTxConcurrent].
func (f *frame) end(commit bool) error {
	alone := f.tx.guard.TryLock()
	if !alone {
		f.tx.guard.Lock()
	}
	defer f.tx.guard.Unlock()
	if f.ended.Load() {
		return troth.ErrTxDone
	}
	for at := f.tx.top.Load(); at != f; at = f.tx.top.Load() {
		alone = false
		at.finish(troth.ScopeRolledBack)
	}
	var err error
	if !alone {
		commit, err = false, troth.ErrTxConcurrent
	}
	f.settle(commit)
	return err
}

// settle ends the innermost frame.
func (f *frame) settle(commit bool) {
	switch {
	case f.outer == nil && commit:
		f.tx.commit()
	case f.outer == nil:
		f.tx.drop()
	case !commit:
		f.tx.rollbackTo(f.mark)
	}
	state := troth.ScopeRolledBack
	if commit {
		state = troth.ScopeCommitted
	}
	f.finish(state)
	if f.outer == nil {
		f.tx.db.release()
	}
}

// finish closes the innermost frame to further use.
func (f *frame) finish(state troth.ScopeState) {
	f.ended.Store(true)
	f.tx.top.Store(f.outer)
	f.scope.End(state)
}

func (tx *transaction) commit() {
	tx.db.mu.Lock()
	defer tx.db.mu.Unlock()
	for _, t := range tx.touched {
		t.apply()
	}
}

func (tx *transaction) drop() {
	for _, t := range tx.touched {
		t.drop()
	}
}

func (tx *transaction) rollbackTo(mark int) {
	for _, undo := range slices.Backward(tx.undo[mark:]) {
		undo()
	}
	clear(tx.undo[mark:])
	tx.undo = tx.undo[:mark]
}

// inSavepoint reports whether something could be undone without the rest.
func (tx *transaction) inSavepoint() bool { return tx.top.Load().outer != nil }
