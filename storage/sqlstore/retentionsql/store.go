package retentionsql

import (
	"cmp"
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"math"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/retention"
	"github.com/trothdev/troth/storage/sqlstore"
)

// ErrSnapshot says that the host's transaction reads an older snapshot, in which holds
// and records may be missing. Begin it as read committed.
var ErrSnapshot = errors.New("retentionsql: transaction reads an old snapshot")

var (
	errNoTransaction = errors.New("retentionsql: not in a transaction")
	errLost          = errors.New("retentionsql: the database did not keep what was written, or has no such row")
)

// maxMAC is the longest MAC that any keeper writes.
const maxMAC = 32

// Store is a retention.Backend on a SQL handle. It is safe for concurrent use.
type Store struct {
	h *sqlstore.Handle
	q *queries
}

var _ retention.Backend = (*Store)(nil)

//go:embed migrations/*.sql
var migrations embed.FS

// New brings the keeper's tables up to date and returns the store on them.
func New(ctx context.Context, h *sqlstore.Handle) (*Store, error) {
	if h == nil {
		return nil, errors.New("retentionsql: new: no handle")
	}
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, fmt.Errorf("retentionsql: new: %w", err)
	}
	if err := h.Migrate(ctx, sqlstore.Migrations{Namespace: "retention", FS: files}); err != nil {
		return nil, err
	}
	return &Store{h: h, q: newQueries(h.Dialect())}, nil
}

// Transactor implements retention.Store.
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

// LockTenant implements retention.Store. On SQLite the writer is alone; it is the
// statement that makes the transaction one that writes, before anything is read. Whoever
// locks a tenant for the first time makes its row, and is alone with it.
func (s *Store) LockTenant(ctx context.Context, tenant troth.Tenant, alone bool) error {
	if err := s.locking(ctx); err != nil {
		return err
	}
	if !s.postgres() {
		_, err := s.exec(ctx, s.q.insertGate, string(tenant))
		return err
	}
	lock := s.q.lockShared
	if alone {
		lock = s.q.lockAlone
	}
	for range 2 {
		_, found, err := one(ctx, s, scanText, lock, string(tenant))
		if err != nil || found {
			return err
		}
		if _, err := s.exec(ctx, s.q.insertGate, string(tenant)); err != nil {
			return err
		}
	}
	return errLost
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

func scanText(rows *sqlstore.Rows) (t string, err error) {
	err = rows.Scan(&t)
	return t, err
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
