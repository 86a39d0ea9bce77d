package unsubscribesql

import (
	"cmp"
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"math"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/storage/sqlstore"
	"github.com/trothdev/troth/unsubscribe"
)

// ErrSnapshot says that the host's transaction reads an older snapshot, in which
// rows that matter here may be missing. Begin it as read committed.
var ErrSnapshot = errors.New("unsubscribesql: transaction reads an old snapshot")

var (
	errNoTransaction = errors.New("unsubscribesql: not in a transaction")
	errLost          = errors.New("unsubscribesql: the database did not keep what was written, or has no such row")
)

// Store is an unsubscribe.Backend on a SQL handle. It is safe for concurrent use.
type Store struct {
	h *sqlstore.Handle
	q *queries
}

var _ unsubscribe.Backend = (*Store)(nil)

//go:embed migrations/*.sql
var migrations embed.FS

// New brings the registry's tables up to date and returns the store on them.
func New(ctx context.Context, h *sqlstore.Handle) (*Store, error) {
	if h == nil {
		return nil, errors.New("unsubscribesql: new: no handle")
	}
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, fmt.Errorf("unsubscribesql: new: %w", err)
	}
	if err := h.Migrate(ctx, sqlstore.Migrations{Namespace: "unsubscribe", FS: files}); err != nil {
		return nil, err
	}
	return &Store{h: h, q: newQueries(h.Dialect())}, nil
}

// Transactor implements unsubscribe.Store.
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

// locking demands a transaction, and one that overlooks no row which is committed
// but not in its snapshot. SQLite lets nobody write on an old snapshot.
func (s *Store) locking(ctx context.Context) error {
	if s.h.Scope(ctx) == nil {
		return cmp.Or(ctx.Err(), errNoTransaction)
	}
	if !s.postgres() {
		return nil
	}
	return s.current(ctx)
}

// exec runs a statement and returns how many rows it changed.
func (s *Store) exec(ctx context.Context, text string, args ...any) (int, error) {
	res, err := s.h.Querier(ctx).Exec(ctx, text, args...)
	if err != nil {
		return 0, err
	}
	n, err := res.RowsAffected()
	return int(n), err
}

// affects runs a statement and reports whether it changed a row.
func (s *Store) affects(ctx context.Context, text string, args ...any) (bool, error) {
	n, err := s.exec(ctx, text, args...)
	return n > 0 && err == nil, err
}

// must runs a statement that is to change a row.
func (s *Store) must(ctx context.Context, text string, args ...any) error {
	changed, err := s.affects(ctx, text, args...)
	if err == nil && !changed {
		err = errLost
	}
	return err
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

// one reads the first row of a query.
func one[T any](ctx context.Context, s *Store, scan func(*sqlstore.Rows) (T, error), text string, args ...any) (v T, found bool, err error) {
	rows, err := query(ctx, s, scan, text, args...)
	if err != nil || len(rows) == 0 {
		return v, false, err
	}
	return rows[0], true, nil
}

// blob is b as an argument: NULL if it is nil.
func blob(b []byte) any {
	if b == nil {
		return nil
	}
	return b
}

// small converts a stored number; false if it does not fit.
func small(from int64, to *uint32) bool {
	*to = uint32(from)
	return from >= 0 && from <= math.MaxUint32
}

// fill copies a stored key; false if it is none.
func fill(to *unsubscribe.Key, from []byte) bool {
	return len(from) == len(to) && copy(to[:], from) == len(to)
}

// Managed implements unsubscribe.SystemStore.
func (s *Store) Managed(ctx context.Context) (bool, error) {
	if s.postgres() {
		if err := s.current(ctx); err != nil {
			return false, err
		}
	}
	var value int64
	return sqlstore.QueryRow(ctx, s.h.Querier(ctx), s.q.managed, nil, &value)
}

// SetManaged implements unsubscribe.SystemStore.
func (s *Store) SetManaged(ctx context.Context) error {
	_, err := s.exec(ctx, s.q.setManaged)
	return err
}
