package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/trothdev/troth"
)

// errNoSnapshot says that a snapshot cannot begin inside of a transaction.
var errNoSnapshot = errors.New("sqlstore: snapshot: not inside of a transaction")

// Snapshot runs fn with a context in which all reads see what was committed at
// one instant, not before the call. It holds nobody up: on SQLite it is a reader
// beside the writer, on PostgreSQL a read-only transaction that is repeatable
// read. What fn writes is refused or undone. In a pool of one connection
// everybody else waits.
func (h *Handle) Snapshot(ctx context.Context, fn func(ctx context.Context) error) error {
	if h.bound(ctx) != nil {
		return errNoSnapshot
	}
	c, err := h.take(ctx, h.deadline())
	if err != nil {
		return err
	}
	life, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	end, on, err := h.beginSnapshot(life, c)
	if err != nil {
		discard(c)
		return wrap("snapshot", err)
	}
	s := newSession(h, &frame{scope: troth.NewScope(nil, false)})
	b := &binding{s: s, f: s.root, conn: on}
	defer func() {
		// Also where fn panics. Whatever it left open is closed here.
		_, _ = s.seal(s.root)
		s.root.scope.End(troth.ScopeRolledBack)
		if end() != nil {
			discard(c)
		} else {
			_ = c.Close()
		}
		s.unseal(s.root)
	}()
	return fn(h.with(ctx, b))
}

// beginSnapshot begins the transaction, and returns what ends it and what
// statements run on.
func (h *Handle) beginSnapshot(ctx context.Context, c *sql.Conn) (end func() error, on conn, err error) {
	if h.dialect == Postgres {
		tx, err := c.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
		if err != nil {
			return nil, nil, err
		}
		// The first statement takes the snapshot, not the beginning.
		if _, err := tx.ExecContext(ctx, "SELECT 1"); err != nil {
			return nil, nil, errors.Join(err, tx.Rollback())
		}
		return tx.Rollback, tx, nil
	}
	// Not BeginTx, which takes the write lock where the data source says so. The
	// first read takes the snapshot.
	if _, err := c.ExecContext(ctx, "BEGIN DEFERRED"); err != nil {
		return nil, nil, err
	}
	end = func() error {
		_, err := c.ExecContext(context.WithoutCancel(ctx), "ROLLBACK")
		return err
	}
	var n int
	if err := c.QueryRowContext(ctx, "SELECT COUNT(*) FROM sqlite_master").Scan(&n); err != nil {
		return nil, nil, fmt.Errorf("take snapshot: %w", errors.Join(err, end()))
	}
	return end, c, nil
}
