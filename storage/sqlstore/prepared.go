package sqlstore

import (
	"context"
	"database/sql"
)

// preparedLimit bounds how many statements a connection keeps prepared: stores
// have a few dozen between them, hosts may make any number.
const preparedLimit = 256

// shared are the statements of every batch.
var shared = map[string]bool{
	"BEGIN IMMEDIATE": true, "COMMIT": true, "SAVEPOINT troth_0": true, "RELEASE SAVEPOINT troth_0": true,
}

// prepared is a connection that keeps the statements with arguments prepared
// that it has run, and those of every batch: parsing costs SQLite as much as running. It belongs to whoever
// has the writer's turn.
type prepared struct {
	*sql.Conn
	stmts map[string]*sql.Stmt
}

func newPrepared(c *sql.Conn) *prepared {
	return &prepared{Conn: c, stmts: make(map[string]*sql.Stmt)}
}

// ExecContext runs a statement that returns no rows.
func (p *prepared) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	stmt, err := p.stmt(ctx, query, args) //nolint:sqlclosecheck // kept for the next time
	if err != nil {
		return nil, err
	}
	if stmt == nil {
		return p.Conn.ExecContext(ctx, query, args...)
	}
	return stmt.ExecContext(ctx, args...)
}

// QueryContext runs a statement that returns rows.
func (p *prepared) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	stmt, err := p.stmt(ctx, query, args) //nolint:sqlclosecheck // kept for the next time
	if err != nil {
		return nil, err
	}
	if stmt == nil {
		return p.Conn.QueryContext(ctx, query, args...)
	}
	return stmt.QueryContext(ctx, args...)
}

// stmt returns the prepared statement, nil for a query that is to be run as it
// is: one without arguments, or one too many.
func (p *prepared) stmt(ctx context.Context, query string, args []any) (*sql.Stmt, error) {
	if len(args) == 0 && !shared[query] {
		return nil, nil
	}
	stmt := p.stmts[query]
	if stmt != nil || len(p.stmts) >= preparedLimit {
		return stmt, nil
	}
	stmt, err := p.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	p.stmts[query] = stmt
	return stmt, nil
}

// forget closes the statements, before the connection goes elsewhere.
func (p *prepared) forget() {
	for query, stmt := range p.stmts {
		_ = stmt.Close()
		delete(p.stmts, query)
	}
}
