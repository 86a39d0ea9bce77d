package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/trothdev/troth"
)

// binding is what a context carries: one level of one transaction, and the
// connection on which it runs.
type binding struct {
	s    *session
	f    *frame
	conn conn
	tx   *sql.Tx // nil in a SQLite batch, which has none
}

// bindingKey belongs to one handle, so that transactions of two databases never
// mix.
type bindingKey struct{ h *Handle }

func (h *Handle) with(ctx context.Context, b *binding) context.Context {
	return context.WithValue(ctx, bindingKey{h}, b)
}

func (h *Handle) bound(ctx context.Context) *binding {
	b, _ := ctx.Value(bindingKey{h}).(*binding)
	return b
}

// stmtContext is the context that a statement runs under. SQLite rolls back the
// whole transaction when a write in it is interrupted, so it never is.
func (b *binding) stmtContext(ctx context.Context) context.Context {
	if b.s.h.dialect == SQLite {
		return context.WithoutCancel(ctx)
	}
	return ctx
}

// enter takes the session for one statement, which leave gives back.
func (b *binding) enter(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := b.s.enter(b.f); err != nil {
		return err
	}
	if err := b.checkHost(ctx); err != nil {
		b.s.leave()
		return err
	}
	return nil
}

func (b *binding) exec(ctx context.Context, query string, args []any) (sql.Result, error) {
	if err := b.enter(ctx); err != nil {
		return nil, err
	}
	defer b.s.leave()
	calm, err := b.hurry(ctx)
	if err != nil {
		return nil, b.failed(ctx, "exec", err)
	}
	res, err := b.conn.ExecContext(b.stmtContext(ctx), query, args...)
	calmed := calm()
	if err = orElse(err, calmed); err != nil {
		return nil, b.failed(ctx, "exec", err)
	}
	return res, nil
}

func (b *binding) query(ctx context.Context, query string, args []any) (*Rows, error) {
	if err := b.enter(ctx); err != nil {
		return nil, err
	}
	calm, err := b.hurry(ctx)
	if err != nil {
		defer b.s.leave()
		return nil, b.failed(ctx, "query", err)
	}
	rows, err := b.conn.QueryContext(b.stmtContext(ctx), query, args...)
	if err != nil {
		defer b.s.leave()
		_ = calm()
		return nil, b.failed(ctx, "query", err)
	}
	r := &Rows{ctx: ctx, rows: rows, used: time.Now()}
	r.release = func(err error) error {
		defer b.s.leave()
		calmed := calm()
		return b.failed(ctx, "read rows", orElse(err, calmed))
	}
	b.s.setRows(r)
	return r, nil
}

// failed judges what a failed statement did to the transaction. It is called
// while the session is in use.
func (b *binding) failed(ctx context.Context, verb string, err error) error {
	if err == nil {
		return nil
	}
	err = wrap(verb, err)
	b.s.fail(b.f, err)
	if b.s.h.dialect == SQLite && !stillOpen(ctx, b.conn) {
		b.destroy(err)
	}
	return err
}

// stillOpen asks whether SQLite still has the transaction open after a
// statement failed: a full disk, an I/O error or a lack of memory may have
// rolled it back without a word, and what came next would commit by itself.
// Inside a transaction BEGIN must fail, and say why.
func stillOpen(ctx context.Context, c conn) bool {
	ctx = context.WithoutCancel(ctx)
	_, err := c.ExecContext(ctx, "BEGIN")
	if err == nil {
		_, _ = c.ExecContext(ctx, "ROLLBACK")
		return false
	}
	return strings.Contains(err.Error(), "within a transaction")
}

// destroy declares the transaction gone. The host's own is rolled back for
// good, so that its next statements fail instead of committing by themselves.
func (b *binding) destroy(cause error) {
	b.s.kill(cause)
	if b.s.host {
		_ = b.tx.Rollback()
	}
}

// push opens a savepoint.
func (b *binding) push(ctx context.Context) (*binding, error) {
	child := &frame{parent: b.f, depth: b.f.depth + 1, scope: troth.NewScope(b.scope(ctx), b.scope(ctx).Current())}
	if err := b.enter(ctx); err != nil {
		return nil, err
	}
	defer b.s.leave()
	var err error
	if child.calm, err = b.hurry(ctx); err != nil {
		return nil, b.failed(ctx, "savepoint", err)
	}
	if _, err := b.conn.ExecContext(b.stmtContext(ctx), "SAVEPOINT "+child.savepoint()); err != nil {
		_ = child.calm()
		return nil, b.failed(ctx, "savepoint", err)
	}
	b.s.mu.Lock()
	defer b.s.mu.Unlock()
	if b.f.done {
		// The closure around it ended meanwhile and takes the savepoint along.
		return nil, fmt.Errorf("sqlstore: %w", troth.ErrTxDone)
	}
	b.s.top = child
	return &binding{s: b.s, f: child, conn: b.conn, tx: b.tx}, nil
}

// pop ends the savepoint of b: err is what the closure returned.
func (b *binding) pop(ctx context.Context, err error) error {
	left, ended := b.s.seal(b.f)
	if ended {
		return orElse(err, fmt.Errorf("sqlstore: %w", troth.ErrTxDone))
	}
	defer b.s.unseal(b.f)
	if err = b.verdict(left, err); err == nil {
		if err = b.release(ctx); err == nil {
			b.f.scope.End(troth.ScopeCommitted)
			return nil
		}
	}
	b.f.scope.End(troth.ScopeRolledBack)
	if b.s.death() != nil {
		return err
	}
	undo := b.rollbackTo(ctx)
	if undo == nil {
		undo = b.f.calm()
	}
	if undo != nil {
		b.destroy(undo)
	}
	return err
}

// release keeps the work of b's savepoint. After an error the savepoint is
// still there to be undone, or the whole transaction is gone.
func (b *binding) release(ctx context.Context) error {
	err := b.savepoint(ctx, "RELEASE")
	if err == nil {
		if err = wrap("release savepoint", b.f.calm()); err != nil {
			b.destroy(err)
		}
	} else if b.s.h.dialect == SQLite {
		b.destroy(err)
	}
	return err
}

// rollbackTo undoes the savepoint of b and takes it off.
func (b *binding) rollbackTo(ctx context.Context) error {
	if err := b.savepoint(ctx, "ROLLBACK TO"); err != nil {
		return err
	}
	return b.savepoint(ctx, "RELEASE")
}

// verdict turns what a closure returned into what becomes of its work.
func (b *binding) verdict(left bool, err error) error {
	b.s.mu.Lock()
	defer b.s.mu.Unlock()
	switch {
	case err != nil:
		return err
	case b.s.dead != nil:
		return b.s.dead
	case left:
		return errLeft
	case b.s.h.dialect == Postgres && b.f.aborted != nil:
		return fmt.Errorf("sqlstore: closure ignored a failed statement: %w", b.f.aborted)
	}
	return nil
}

func (b *binding) savepoint(ctx context.Context, verb string) error {
	_, err := b.conn.ExecContext(context.WithoutCancel(ctx), verb+" SAVEPOINT "+b.f.savepoint())
	return wrap(strings.ToLower(verb)+" savepoint", err)
}

func (f *frame) savepoint() string { return "troth_" + strconv.Itoa(f.depth) }

func orElse(err, other error) error {
	if err != nil {
		return err
	}
	return other
}
