package sqlstore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"time"

	"github.com/trothdev/troth"
)

// beginPostgres opens a transaction of the handle's own: read committed, so
// that its reads are current, whatever the default of the database is, and with
// a bound on waiting for locks.
func (h *Handle) beginPostgres(ctx context.Context) (*binding, func(error) error, error) {
	deadline := h.deadline()
	for attempt := 1; ; attempt++ {
		c, err := h.take(ctx, deadline)
		if err != nil {
			return nil, nil, err
		}
		t := &ownTx{conn: c}
		if err = t.begin(ctx, h.wait, deadline); err == nil {
			s := newSession(h, &frame{scope: troth.NewScope(nil, true)})
			t.b = &binding{s: s, f: s.root, conn: t.tx, tx: t.tx}
			return t.b, t.end, nil
		}
		discard(c)
		if attempt == staleConnections || !errors.Is(err, driver.ErrBadConn) {
			return nil, nil, wrap("begin", err)
		}
	}
}

// ownTx is a transaction on PostgreSQL that the handle began.
type ownTx struct {
	conn   *sql.Conn
	tx     *sql.Tx
	b      *binding
	cancel context.CancelFunc
}

// begin starts the transaction. A caller's cancellation and the deadline end
// the start, but once it stands they must not roll it back behind a closure
// that goes on.
func (t *ownTx) begin(ctx context.Context, wait time.Duration, deadline time.Time) (err error) {
	life, cancel := context.WithCancel(context.WithoutCancel(ctx))
	t.cancel = cancel
	late := time.AfterFunc(time.Until(deadline), cancel)
	unbind := context.AfterFunc(ctx, cancel)
	t.tx, err = t.conn.BeginTx(life, &sql.TxOptions{Isolation: sql.LevelReadCommitted})
	if err == nil {
		// A query and not SET LOCAL, since after one PostgreSQL refuses to change
		// the isolation level, which the scope has told.
		_, err = t.tx.ExecContext(life, fmt.Sprintf("SELECT set_config('lock_timeout', '%d', true)", wait.Milliseconds()))
	}
	inTime, wanted := late.Stop(), unbind()
	if err == nil && inTime && wanted {
		return nil
	}
	cancel()
	if t.tx != nil {
		_ = t.tx.Rollback()
	}
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case !inTime:
		return fmt.Errorf("no answer in time: %w", troth.ErrBusy)
	}
	return err
}

// end commits if the closure succeeded, else rolls back.
func (t *ownTx) end(err error) error {
	defer t.cancel()
	defer func() { _ = t.conn.Close() }()
	root := t.b.f
	left, _ := t.b.s.seal(root)
	defer t.b.s.unseal(root)
	if err = t.b.verdict(left, err); err != nil {
		root.scope.End(troth.ScopeRolledBack)
		if t.tx.Rollback() != nil {
			// Whatever it is in, nobody else should get it.
			discard(t.conn)
		}
		return err
	}
	if err := t.tx.Commit(); err != nil {
		state := troth.ScopeUnknown
		if refusesCommit(err) {
			state = troth.ScopeRolledBack
		}
		root.scope.End(state)
		discard(t.conn)
		return wrap("commit", err)
	}
	root.scope.End(troth.ScopeCommitted)
	return nil
}

// discard closes a connection for good instead of giving it back to the pool.
func discard(c *sql.Conn) {
	_ = c.Raw(func(any) error { return driver.ErrBadConn })
	_ = c.Close()
}
