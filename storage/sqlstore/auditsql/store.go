// Package auditsql keeps the trail's rows in SQLite and PostgreSQL.
package auditsql

import (
	"context"
	"embed"
	"fmt"
	"io/fs"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
	"github.com/trothdev/troth/storage/sqlstore"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Store implements audit.Backend.
type Store struct {
	audit.LogStore
	audit.LogSystem
	handle *sqlstore.Handle
	sql    statements
}

var _ audit.Backend = (*Store)(nil)

// New brings the trail's tables, whose names begin with troth_audit_, to the
// newest version, and returns the store on them.
func New(ctx context.Context, handle *sqlstore.Handle) (*Store, error) {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, fmt.Errorf("auditsql: migrations: %w", err)
	}
	if err := handle.Migrate(ctx, sqlstore.Migrations{Namespace: "audit", FS: files}); err != nil {
		return nil, fmt.Errorf("auditsql: migrate: %w", err)
	}
	return &Store{handle: handle, sql: bind(handle.Dialect())}, nil
}

// Transactor implements audit.Store.
func (s *Store) Transactor() troth.Transactor { return s.handle }

// exec runs a statement and reports whether it changed a row.
func (s *Store) exec(ctx context.Context, query string, args ...any) (bool, error) {
	res, err := s.handle.Querier(ctx).Exec(ctx, query, args...)
	if err != nil {
		return false, err
	}
	n, err := res.RowsAffected()
	return n > 0, err
}
