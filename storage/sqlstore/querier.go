package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/trothdev/troth"
)

// Querier runs single statements, each in a call of its own, with the placeholders of the dialect (see
// [Dialect.Rebind]); a text that holds more than one is [ErrControl]. Inside a transaction they are part of it; outside each one
// stands for itself.
type Querier interface {
	// Exec runs a statement that returns no rows.
	Exec(ctx context.Context, query string, args ...any) (sql.Result, error)
	// Query runs a statement that returns rows, which must be closed.
	Query(ctx context.Context, query string, args ...any) (*Rows, error)
}

// Querier returns what runs statements where ctx is: in its transaction of this
// handle, else on the pool. It always works; what is wrong with ctx is told by
// the statements.
//
// Outside of a transaction a plain read takes any connection of the pool, and
// everything else runs in a small transaction of its own, so that waiting for
// locks and for the writer is bounded. A plain read on PostgreSQL ends in
// [troth.ErrBusy] if it has no first row within the wait bound.
func (h *Handle) Querier(ctx context.Context) Querier {
	if b := h.bound(ctx); b != nil {
		return txQuerier{b}
	}
	return poolQuerier{h}
}

// refuse returns ErrControl for a text that the handle cannot answer for.
func (d Dialect) refuse(query string) error {
	if d.controls(query) || !d.single(query) {
		return ErrControl
	}
	return nil
}

type txQuerier struct{ b *binding }

func (q txQuerier) Exec(ctx context.Context, query string, args ...any) (sql.Result, error) {
	if err := q.b.s.h.dialect.refuse(query); err != nil {
		return nil, err
	}
	return q.b.exec(ctx, query, args)
}

func (q txQuerier) Query(ctx context.Context, query string, args ...any) (*Rows, error) {
	if err := q.b.s.h.dialect.refuse(query); err != nil {
		return nil, err
	}
	return q.b.query(ctx, query, args)
}

type poolQuerier struct{ h *Handle }

func (q poolQuerier) Exec(ctx context.Context, query string, args ...any) (res sql.Result, err error) {
	err = q.h.Atomically(q.h.Detach(ctx), func(ctx context.Context) error {
		res, err = q.h.Querier(ctx).Exec(ctx, query, args...)
		return err
	})
	if err != nil {
		return nil, err
	}
	return res, nil
}

func (q poolQuerier) Query(ctx context.Context, query string, args ...any) (*Rows, error) {
	ctx = q.h.Detach(ctx)
	if q.h.reading.isPlain(query) {
		return q.read(ctx, query, args)
	}
	if q.h.dialect.plainRead(query) {
		if err := q.h.dialect.refuse(query); err != nil {
			return nil, err
		}
		if len(args) > 0 {
			q.h.reading.wasPlain(query)
		}
		return q.read(ctx, query, args)
	}
	b, end, err := q.h.start(ctx)
	if err != nil {
		return nil, err
	}
	rows, err := txQuerier{b}.Query(ctx, query, args...)
	if err != nil {
		return nil, end(err)
	}
	inner := rows.release
	rows.release = func(err error) error { return end(inner(err)) }
	return rows, nil
}

// read runs a plain read on a connection of the pool.
func (q poolQuerier) read(ctx context.Context, query string, args []any) (*Rows, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if rows := q.borrow(ctx, query, args); rows != nil {
		return rows, nil
	}
	deadline := q.h.deadline()
	if rows, err := q.prepared(ctx, deadline, query, args); rows != nil || err != nil {
		if err != nil {
			return nil, wrap("query", err)
		}
		return &Rows{ctx: ctx, rows: rows, release: func(err error) error { return wrap("read rows", err) }}, nil
	}
	return q.direct(ctx, deadline, query, args)
}

// bounded runs a read. On PostgreSQL it may wait for somebody who holds the
// table, and is given up at the deadline; once it has answered, its rows take
// as long as they take. They live until cancel is called.
func (q poolQuerier) bounded(ctx context.Context, c *sql.Conn, deadline time.Time, query string, args []any) (*sql.Rows, context.CancelFunc, error) {
	life, cancel := context.WithCancel(ctx)
	inTime := func() bool { return true }
	if q.h.dialect == Postgres {
		inTime = time.AfterFunc(time.Until(deadline), cancel).Stop
	}
	rows, err := c.QueryContext(life, query, args...)
	late := !inTime()
	if err == nil && !late {
		return rows, cancel, nil
	}
	cancel()
	if rows != nil {
		_ = rows.Close() //nolint:sqlclosecheck // only what came too late is closed here
	}
	switch {
	case ctx.Err() != nil:
		return nil, nil, ctx.Err()
	case late:
		return nil, nil, fmt.Errorf("no answer in time: %w", troth.ErrBusy)
	}
	return nil, nil, err
}

// staleConnections is how many connections that the server dropped unnoticed
// are passed over before the error is believed.
const staleConnections = 3
