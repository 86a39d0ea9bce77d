package memory

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/trothdev/troth"
)

// DefaultWaitBound is how long a transaction waits for the one before it.
const DefaultWaitBound = 5 * time.Second

// DB is the handle that tables share. It implements [troth.Transactor].
type DB struct {
	wait   time.Duration
	writer chan struct{} // holds one token while a transaction runs

	// mu guards the committed rows of all tables: a commit changes them at once.
	mu sync.RWMutex
}

var _ troth.Transactor = (*DB)(nil)

// Option changes how [Open] makes a DB.
type Option func(*DB)

// WithWaitBound sets how long a transaction waits for the writer before it ends
// in [troth.ErrBusy]; zero or less does not wait. The default is
// [DefaultWaitBound].
func WithWaitBound(d time.Duration) Option { return func(db *DB) { db.wait = d } }

// Open returns an empty database.
func Open(opts ...Option) *DB {
	db := &DB{wait: DefaultWaitBound, writer: make(chan struct{}, 1)}
	for _, opt := range opts {
		opt(db)
	}
	return db
}

// Writing reports whether a transaction is open now.
func (db *DB) Writing() bool { return len(db.writer) > 0 }

// Atomically implements [troth.Transactor].
func (db *DB) Atomically(ctx context.Context, fn func(ctx context.Context) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	f, err := db.enter(ctx)
	if err != nil {
		return err
	}
	returned := false
	defer func() {
		if !returned { // fn panicked or called runtime.Goexit
			_ = f.end(false)
		}
	}()
	err = fn(db.with(ctx, f))
	returned = true
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		_ = f.end(false)
		return err
	}
	return f.end(true)
}

// enter opens a savepoint in the transaction of ctx, or a transaction where ctx
// has none.
func (db *DB) enter(ctx context.Context) (*frame, error) {
	if outer := db.frame(ctx); outer != nil {
		return outer.push()
	}
	if err := db.acquire(ctx); err != nil {
		return nil, err
	}
	return newTransaction(db, troth.NewScope(nil, true)), nil
}

// acquire waits for the writer.
func (db *DB) acquire(ctx context.Context) error {
	select {
	case db.writer <- struct{}{}:
		return nil
	default:
	}
	timer := time.NewTimer(db.wait)
	defer timer.Stop()
	select {
	case db.writer <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return fmt.Errorf("memory: wait for the writer: %w", troth.ErrBusy)
	}
}

func (db *DB) release() { <-db.writer }

// Scope implements [troth.Transactor].
func (db *DB) Scope(ctx context.Context) *troth.Scope {
	if f := db.frame(ctx); f != nil {
		return f.scope
	}
	return nil
}

// Detach implements [troth.Transactor].
func (db *DB) Detach(ctx context.Context) context.Context {
	if db.frame(ctx) == nil {
		return ctx
	}
	return db.with(ctx, nil)
}

// frameKey is the context key of one handle: a transaction of one database
// means nothing to another.
type frameKey struct{ db *DB }

func (db *DB) with(ctx context.Context, f *frame) context.Context {
	return context.WithValue(ctx, frameKey{db}, f)
}

func (db *DB) frame(ctx context.Context) *frame {
	f, _ := ctx.Value(frameKey{db}).(*frame)
	return f
}
