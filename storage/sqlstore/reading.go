package sqlstore

import (
	"context"
	"database/sql"
	"sync"
	"time"
)

// reading keeps the plain reads with arguments prepared that SQLite's pool runs:
// parsing costs as much as reading one row. Each connection prepares them again
// for itself, once. Of either dialect it knows which texts were found to be plain reads.
type reading struct {
	mu    sync.Mutex
	stmts map[string]*sql.Stmt
	plain map[string]bool
}

// isPlain reports whether the text is known as a plain read that the handle runs.
func (r *reading) isPlain(query string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.plain[query]
}

// wasPlain has a text known, unless it is one too many.
func (r *reading) wasPlain(query string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.plain == nil {
		r.plain = make(map[string]bool)
	}
	if len(r.plain) < preparedLimit {
		r.plain[query] = true
	}
}

// get returns the prepared statement, nil for one too many.
func (r *reading) get(ctx context.Context, db *sql.DB, query string) (*sql.Stmt, error) {
	r.mu.Lock()
	stmt, full := r.stmts[query], len(r.stmts) >= preparedLimit
	r.mu.Unlock()
	if stmt != nil || full {
		return stmt, nil
	}
	stmt, err := db.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if other := r.stmts[query]; other != nil {
		_ = stmt.Close() //nolint:sqlclosecheck // only of two that were prepared at once
		return other, nil
	}
	if r.stmts == nil {
		r.stmts = make(map[string]*sql.Stmt)
	}
	r.stmts[query] = stmt
	return stmt, nil
}

// forget closes the statements.
func (r *reading) forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for query, stmt := range r.stmts {
		_ = stmt.Close()
		delete(r.stmts, query)
	}
}

// prepared runs a plain read on SQLite's pool. rows is nil, without an error, if
// the statement is not to be kept prepared. A pool without a limit never makes
// a caller wait for a connection; in others that wait is bounded, which database/sql
// does for connections and not for statements.
func (q poolQuerier) prepared(ctx context.Context, deadline time.Time, query string, args []any) (rows *sql.Rows, err error) {
	if q.h.dialect != SQLite || len(args) == 0 || q.h.db.Stats().MaxOpenConnections > 0 {
		return nil, nil
	}
	err = untilFree(ctx, deadline, func() error {
		stmt, err := q.h.reading.get(ctx, q.h.db, query) //nolint:sqlclosecheck // kept for the next time
		if err != nil || stmt == nil {
			return err
		}
		rows, err = stmt.QueryContext(ctx, args...) //nolint:sqlclosecheck // the caller closes them
		return err
	})
	return rows, err
}
