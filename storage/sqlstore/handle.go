package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"time"

	"github.com/trothdev/troth"
)

var _ troth.Transactor = (*Handle)(nil)

// Handle is one database: a [troth.Transactor], its dialect and its
// migrations.
type Handle struct {
	db       *sql.DB
	dialect  Dialect
	wait     time.Duration
	batchMax int
	batchAge time.Duration
}

var errSkeleton = errors.New("sqlstore: not there yet")

// Open returns a handle on db.
func Open(ctx context.Context, db *sql.DB, d Dialect, opts ...Option) (*Handle, error) {
	h := &Handle{db: db, dialect: d, wait: defaultWait, batchMax: defaultBatchMax, batchAge: defaultBatchAge}
	for _, opt := range opts {
		if err := opt(h); err != nil {
			return nil, err
		}
	}
	return h, ctx.Err()
}

func (h *Handle) Atomically(ctx context.Context, fn func(ctx context.Context) error) error {
	return errSkeleton
}
func (h *Handle) Scope(ctx context.Context) *troth.Scope                 { return nil }
func (h *Handle) Detach(ctx context.Context) context.Context             { return ctx }
func (h *Handle) WithTx(ctx context.Context, tx *sql.Tx) context.Context { return ctx }
func (h *Handle) Querier(ctx context.Context) Querier                    { return nil }
func (h *Handle) Tx(ctx context.Context) (*sql.Tx, bool)                 { return nil, false }
func (h *Handle) Dialect() Dialect                                       { return h.dialect }
func (h *Handle) Idle(ctx context.Context) (bool, error)                 { return false, errors.ErrUnsupported }
func (h *Handle) Migrate(ctx context.Context, m Migrations) error        { return errSkeleton }
func (h *Handle) Close() error                                           { return nil }

// Querier runs statements.
type Querier interface {
	Exec(ctx context.Context, query string, args ...any) (sql.Result, error)
	Query(ctx context.Context, query string, args ...any) (*Rows, error)
}

// Rows are the rows of a query.
type Rows struct{ rows *sql.Rows }

func (r *Rows) Next() bool             { return r.rows.Next() }
func (r *Rows) Scan(dest ...any) error { return r.rows.Scan(dest...) }
func (r *Rows) Err() error             { return r.rows.Err() }
func (r *Rows) Close() error           { return r.rows.Close() }

// Migrations are the schema of one store.
type Migrations struct {
	Namespace string
	FS        fs.FS
}

// Rebind turns the `?` of q into the dialect's placeholders.
func (d Dialect) Rebind(q string) string { return q }

// QueryRow reads one row; found is false where there is none.
func QueryRow(ctx context.Context, q Querier, query string, args []any, dest ...any) (found bool, err error) {
	return false, errSkeleton
}
