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
	handle *sqlstore.Handle
	sql    statements
	log    *logStatements
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
	d := handle.Dialect()
	return &Store{handle: handle, sql: bind(d), log: bindLog(d)}, nil
}

// Transactor implements audit.Store.
func (s *Store) Transactor() troth.Transactor { return s.handle }

// OneWriter reports whether one transaction writes at a time, so that the trail
// may put entries into the log past the inbox.
func (s *Store) OneWriter() bool { return !s.postgres() }

func (s *Store) postgres() bool { return s.handle.Dialect() == sqlstore.Postgres }

// exec runs a statement and reports whether it changed a row.
func (s *Store) exec(ctx context.Context, query string, args ...any) (bool, error) {
	n, err := s.count(ctx, query, args...)
	return n > 0, err
}

// count runs a statement and returns how many rows it changed.
func (s *Store) count(ctx context.Context, query string, args ...any) (int, error) {
	res, err := s.handle.Querier(ctx).Exec(ctx, query, args...)
	if err != nil {
		return 0, err
	}
	n, err := res.RowsAffected()
	return int(n), err
}

// execEach runs a statement for each of n rows and returns how many it changed.
func (s *Store) execEach(ctx context.Context, query string, n int, args func(i int) []any) (changed int, err error) {
	err = s.atomically(ctx, func(ctx context.Context) error {
		for i := range n {
			c, err := s.count(ctx, query, args(i)...)
			if err != nil {
				return err
			}
			changed += c
		}
		return nil
	})
	return changed, err
}

// atomically runs fn in the transaction of ctx, or in one of its own.
func (s *Store) atomically(ctx context.Context, fn func(ctx context.Context) error) error {
	if s.handle.Scope(ctx) != nil {
		return fn(ctx)
	}
	return s.handle.Atomically(ctx, fn)
}
