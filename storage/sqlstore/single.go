package sqlstore

import (
	"context"
	"database/sql/driver"
	"errors"
	"time"
)

// Single runs one statement that is a transaction of its own and returns what
// it yields, as [Querier.Query] does; on PostgreSQL in one round trip instead of
// four, for statements that are run all the time. Where ctx carries a transaction
// of this handle it is part of that.
//
// There is no bound on locks but the wait bound for the first row, which gives the
// statement up as a cancelled context does: then, and when the connection is lost,
// it is not known whether it was carried out. Rows that are closed early do not
// undo it. Where the database's default isolation refuses it because of somebody
// else's work, it is run once more as [Querier.Query] runs it.
func (h *Handle) Single(ctx context.Context, query string, args ...any) (*Rows, error) {
	if h.dialect != Postgres || h.bound(ctx) != nil {
		return h.Querier(ctx).Query(ctx, query, args...)
	}
	if err := h.dialect.refuse(query); err != nil {
		return nil, err
	}
	q := poolQuerier{h}
	rows, err := q.direct(ctx, h.deadline(), query, args)
	if err != nil && sqlState(err) == serializationFailure {
		return q.Query(ctx, query, args...)
	}
	return rows, err
}

// serializationFailure says that the statement came to nothing, since the
// isolation is stricter than read committed.
const serializationFailure = "40001"

// direct runs a statement on a connection of the pool, and passes over those
// that the server dropped unnoticed.
func (q poolQuerier) direct(ctx context.Context, deadline time.Time, query string, args []any) (*Rows, error) {
	for attempt := 1; ; attempt++ {
		c, err := q.h.take(ctx, deadline)
		if err != nil {
			return nil, err
		}
		rows, cancel, err := q.bounded(ctx, c, deadline, query, args) //nolint:rowserrcheck // whoever reads them asks
		if err == nil {
			return &Rows{ctx: ctx, rows: rows, release: func(err error) error {
				defer cancel()
				return wrap("read rows", orElse(err, c.Close()))
			}}, nil
		}
		_ = c.Close()
		if attempt == staleConnections || !errors.Is(err, driver.ErrBadConn) {
			return nil, wrap("query", err)
		}
	}
}
