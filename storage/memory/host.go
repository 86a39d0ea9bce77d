package memory

import (
	"context"
	"fmt"

	"github.com/trothdev/troth"
)

// Tx is a transaction that the host began, as a host begins an *sql.Tx. It
// exists so that joining the host's transaction can be tried on memory too.
type Tx struct {
	db   *DB
	root *frame
}

// Begin begins a transaction of the host's. ctx limits the wait for the writer
// and nothing more. The caller must commit it or roll it back.
func (db *DB) Begin(ctx context.Context) (*Tx, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := db.acquire(ctx); err != nil {
		return nil, err
	}
	return &Tx{db: db, root: newTransaction(db, troth.NewHostScope(true))}, nil
}

// errForeign is why a transaction of another database cannot be used.
var errForeign = fmt.Errorf("memory: transaction of another database: %w", troth.ErrNotShared)

// WithTx returns a context in which everything on this database is part of tx.
// A transaction of another database is refused when the context is used, with
// [troth.ErrNotShared].
//
// As with SQL, the scope of the host's transaction stays open for ever: only
// the host knows how it ended.
func (db *DB) WithTx(ctx context.Context, tx *Tx) context.Context {
	if tx.db != db {
		return db.with(ctx, &frame{})
	}
	return db.with(ctx, tx.root)
}

// Commit makes the work durable as long as the process lives. It returns
// [troth.ErrTxDone] after the end, and [troth.ErrTxConcurrent] while the
// transaction is in use; then it is still open.
func (tx *Tx) Commit() error { return tx.end(true) }

// Rollback undoes the work. It returns the errors of [Tx.Commit].
func (tx *Tx) Rollback() error { return tx.end(false) }

func (tx *Tx) end(commit bool) error {
	if err := tx.root.use(); err != nil {
		return err
	}
	defer tx.root.done()
	tx.root.settleHost(commit)
	return nil
}

// settleHost is settle without telling the scope.
func (f *frame) settleHost(commit bool) {
	if commit {
		f.tx.commit()
	} else {
		f.tx.drop()
	}
	f.ended.Store(true)
	f.tx.top.Store(nil)
	f.tx.db.release()
}
