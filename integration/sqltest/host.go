package sqltest

import (
	"context"
	"database/sql"

	"github.com/trothdev/troth/storage/sqlstore"
)

// Host begins a transaction on db as a host does that set up its connections as
// sqlstore asks, and returns ctx with it and how it ends. It is the Host of the
// harnesses of the suites.
func Host(ctx context.Context, h *sqlstore.Handle, db *sql.DB) (in context.Context, commit, rollback func() error, err error) {
	c, err := db.Conn(ctx)
	if err != nil {
		return nil, nil, nil, err
	}
	tx, err := begin(ctx, c, h.Dialect())
	if err != nil {
		_ = c.Close()
		return nil, nil, nil, err
	}
	give := func(end func() error) func() error {
		return func() error { defer func() { _ = c.Close() }(); return end() }
	}
	return h.WithTx(ctx, tx), give(tx.Commit), give(tx.Rollback), nil
}

func begin(ctx context.Context, c *sql.Conn, d sqlstore.Dialect) (*sql.Tx, error) {
	if d == sqlstore.SQLite {
		for _, pragma := range []string{"foreign_keys = ON", "synchronous = FULL", "busy_timeout = 500"} {
			if _, err := c.ExecContext(ctx, "PRAGMA "+pragma); err != nil {
				return nil, err
			}
		}
	}
	return c.BeginTx(context.WithoutCancel(ctx), nil)
}
