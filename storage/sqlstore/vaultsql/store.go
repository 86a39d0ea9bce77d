package vaultsql

import (
	"cmp"
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/storage/sqlstore"
	"github.com/trothdev/troth/vault"
)

// ErrSnapshot says that the host's transaction reads an older snapshot, in
// which rows that matter here may be missing. Begin it as read committed.
var ErrSnapshot = errors.New("vaultsql: transaction reads an old snapshot")

// Store is a vault.Backend on a SQL handle. It is safe for concurrent use.
type Store struct {
	h *sqlstore.Handle
	q *queries
	j *journalQueries
}

var _ vault.Backend = (*Store)(nil)

//go:embed migrations/*.sql
var migrations embed.FS

// New brings the vault's tables up to date and returns the store on them.
func New(ctx context.Context, h *sqlstore.Handle) (*Store, error) {
	if h == nil {
		return nil, errors.New("vaultsql: new: no handle")
	}
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, fmt.Errorf("vaultsql: new: %w", err)
	}
	if err := h.Migrate(ctx, sqlstore.Migrations{Namespace: "vault", FS: files}); err != nil {
		return nil, err
	}
	return &Store{h: h, q: newQueries(h.Dialect()), j: newJournalQueries(h.Dialect())}, nil
}

// Transactor implements vault.Store.
func (s *Store) Transactor() troth.Transactor { return s.h }

func (s *Store) postgres() bool { return s.h.Dialect() == sqlstore.Postgres }

// current demands a transaction, if there is one, whose reads see every commit
// made before them.
func (s *Store) current(ctx context.Context) error {
	if scope := s.h.Scope(ctx); scope != nil && !scope.Current() {
		return ErrSnapshot
	}
	return nil
}

// affects runs a statement and reports whether it changed a row.
func (s *Store) affects(ctx context.Context, query string, args ...any) (bool, error) {
	res, err := s.h.Querier(ctx).Exec(ctx, query, args...)
	if err != nil {
		return false, err
	}
	n, err := res.RowsAffected()
	return n > 0, err
}

// query reads all rows of a query.
func query[T any](ctx context.Context, s *Store, scan func(*sqlstore.Rows) (T, error), text string, args ...any) ([]T, error) {
	rows, err := s.h.Querier(ctx).Query(ctx, text, args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var found []T
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			// Rows that ended under the scan tell the better reason.
			return nil, cmp.Or(rows.Close(), err)
		}
		found = append(found, v)
	}
	return found, rows.Err()
}

// blob is b as an argument: NULL if it is empty.
func blob(b []byte) any {
	if len(b) == 0 {
		return nil
	}
	return b
}
