package tasksql

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"sync"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/storage/sqlstore"
	"github.com/trothdev/troth/task"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Store is a task.Backend on a SQL handle. It is safe for concurrent use.
type Store struct {
	h *sqlstore.Handle
	q *queries
	// past is where the last claim of a kind left off that found no line with room.
	past sync.Map
}

var _ task.Backend = (*Store)(nil)

// Option changes how [New] makes a store.
type Option func(*options) error

type options struct{ now string }

// WithNow sets the SQL expression for the current time, in microseconds since
// 1970, UTC. The default is the database's clock; tests put one of their own in
// its place, such as a row that they move.
func WithNow(expression string) Option {
	return func(o *options) error {
		if expression == "" {
			return errors.New("tasksql: no expression for the current time")
		}
		o.now = expression
		return nil
	}
}

// New brings the tables of tasks up to date and returns the store on them.
func New(ctx context.Context, h *sqlstore.Handle, opts ...Option) (*Store, error) {
	if h == nil {
		return nil, errors.New("tasksql: new: no handle")
	}
	o := options{now: clockOf(h.Dialect())}
	for _, opt := range opts {
		if err := opt(&o); err != nil {
			return nil, err
		}
	}
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, fmt.Errorf("tasksql: new: %w", err)
	}
	if err := h.Migrate(ctx, sqlstore.Migrations{Namespace: "task", FS: files}); err != nil {
		return nil, err
	}
	return &Store{h: h, q: newQueries(h.Dialect(), o.now)}, nil
}

// clockOf is the current time of the database. On PostgreSQL it is not that of
// the transaction's beginning, which may be long ago.
func clockOf(d sqlstore.Dialect) string {
	if d == sqlstore.Postgres {
		return "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint"
	}
	return "CAST(round(unixepoch('now', 'subsec') * 1000) AS INTEGER) * 1000"
}

// Transactor implements task.Store.
func (s *Store) Transactor() troth.Transactor { return s.h }

func (s *Store) postgres() bool { return s.h.Dialect() == sqlstore.Postgres }

var errNoTransaction = errors.New("tasksql: not in a transaction")

// atomically runs fn in the transaction of ctx, or in one of its own.
func (s *Store) atomically(ctx context.Context, fn func(ctx context.Context) error) error {
	if s.h.Scope(ctx) != nil {
		return fn(ctx)
	}
	return s.h.Atomically(ctx, fn)
}

// exec runs a statement and returns how many rows it changed.
func (s *Store) exec(ctx context.Context, query string, args ...any) (int, error) {
	res, err := s.h.Querier(ctx).Exec(ctx, query, args...)
	if err != nil {
		return 0, err
	}
	n, err := res.RowsAffected()
	return int(n), err
}

// one reads the first row of a query; found is false where there is none.
func (s *Store) one(ctx context.Context, query string, args []any, dest ...any) (found bool, err error) {
	return sqlstore.QueryRow(ctx, s.h.Querier(ctx), query, args, dest...)
}

// roomAtOnce is for how many rows there is room made at once.
const roomAtOnce = 512

// query reads all rows of a query.
func query[T any](ctx context.Context, s *Store, scan func(*sqlstore.Rows) (T, error), text string, args ...any) ([]T, error) {
	rows, err := s.h.Querier(ctx).Query(ctx, text, args...)
	return all(rows, err, nil, 0, scan)
}

// single does the same with a statement that is a transaction of its own where
// ctx has none. It may return up to so many rows.
func single[T any](ctx context.Context, s *Store, most int, scan func(*sqlstore.Rows) (T, error), text string, args ...any) ([]T, error) {
	rows, err := s.h.Single(ctx, text, args...)
	return all(rows, err, nil, most, scan)
}

// all reads rows behind others. Where there are any it makes room for the most there
// may be: copying what was read as it grows costs more than reading it.
func all[T any](rows *sqlstore.Rows, err error, found []T, most int, scan func(*sqlstore.Rows) (T, error)) ([]T, error) {
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			if ended := rows.Close(); ended != nil {
				return nil, ended // the better reason
			}
			return nil, err
		}
		if len(found) == cap(found) && len(found) < most {
			found = slices.Grow(found, min(most-len(found), roomAtOnce))
		}
		found = append(found, v)
	}
	return found, rows.Err()
}

// Managed implements task.SystemStore.
func (s *Store) Managed(ctx context.Context) (bool, error) {
	var one int
	return s.one(ctx, s.q.managed, nil, &one)
}

// SetManaged implements task.SystemStore.
func (s *Store) SetManaged(ctx context.Context) error {
	_, err := s.exec(ctx, s.q.setManaged)
	return err
}
