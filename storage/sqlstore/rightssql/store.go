package rightssql

import (
	"cmp"
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"slices"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/rights"
	"github.com/trothdev/troth/storage/sqlstore"
)

// ErrSnapshot says that the host's transaction reads an older snapshot, in which what
// happened to a request may be missing. Begin it as read committed.
var ErrSnapshot = errors.New("rightssql: transaction reads an old snapshot")

var (
	errNoTransaction = errors.New("rightssql: not in a transaction")
	errLost          = errors.New("rightssql: the database did not keep what was written, or has no such row")
)

// Store is a rights.Backend on a SQL handle. It is safe for concurrent use.
type Store struct {
	h *sqlstore.Handle
	q *queries
}

var _ rights.Backend = (*Store)(nil)

//go:embed migrations/*.sql
var migrations embed.FS

// New brings the desk's tables up to date and returns the store on them.
func New(ctx context.Context, h *sqlstore.Handle) (*Store, error) {
	if h == nil {
		return nil, errors.New("rightssql: new: no handle")
	}
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, fmt.Errorf("rightssql: new: %w", err)
	}
	if err := h.Migrate(ctx, sqlstore.Migrations{Namespace: "rights", FS: files}); err != nil {
		return nil, err
	}
	return &Store{h: h, q: newQueries(h.Dialect())}, nil
}

// Transactor implements rights.Store.
func (s *Store) Transactor() troth.Transactor { return s.h }

func (s *Store) postgres() bool { return s.h.Dialect() == sqlstore.Postgres }

// locking demands a transaction, and one that overlooks no row which is committed
// but not in its snapshot. SQLite lets nobody write on an old snapshot.
func (s *Store) locking(ctx context.Context) error {
	scope := s.h.Scope(ctx)
	if scope == nil {
		return cmp.Or(ctx.Err(), errNoTransaction)
	}
	if s.postgres() && !scope.Current() {
		return ErrSnapshot
	}
	return nil
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

// many writes rows with as few statements as there are texts for, which are by how many rows
// they write, and returns how many were changed: all of it in one transaction.
func many[T any](ctx context.Context, s *Store, texts []string, rows []T, add func(args []any, row *T) []any) (changed int, err error) {
	if len(rows) > len(texts) {
		err = s.h.Atomically(ctx, func(ctx context.Context) error {
			changed = 0
			for some := range slices.Chunk(rows, len(texts)) {
				n, err := many(ctx, s, texts, some, add)
				if err != nil {
					return err
				}
				changed += n
			}
			return nil
		})
		if err != nil {
			return 0, err
		}
		return changed, nil
	}
	if len(rows) == 0 {
		return 0, ctx.Err()
	}
	args := make([]any, 0, 8*len(rows))
	for i := range rows {
		args = add(args, &rows[i])
	}
	return s.exec(ctx, texts[len(rows)-1], args...)
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

func scanNumber(rows *sqlstore.Rows) (n int64, err error) {
	err = rows.Scan(&n)
	return n, err
}

// small converts a stored number; false if it does not fit.
func small(from int64, to *uint32) bool {
	*to = uint32(from)
	return from >= 0 && from <= math.MaxUint32
}
