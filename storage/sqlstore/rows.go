package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/trothdev/troth"
)

// Rows are the rows of one query. They keep the transaction, or outside of one
// a connection, to themselves until Close is called or Next returns false, and
// serve one goroutine.
type Rows struct {
	ctx     context.Context
	rows    *sql.Rows
	release func(err error) error // runs once; returns the error that Err tells

	once sync.Once
	mu   sync.Mutex
	over bool
	err  error
	used time.Time // when Next was called last
}

// Next moves to the next row. It returns false after the last one and after an
// error, which [Rows.Err] tells.
func (r *Rows) Next() bool {
	if err := r.ctx.Err(); err != nil {
		r.finish(err)
		return false
	}
	r.mu.Lock()
	r.used = time.Now()
	r.mu.Unlock()
	if r.rows.Next() {
		return true
	}
	r.finish(nil)
	return false
}

// Scan copies the row into dest, as (*sql.Rows).Scan does.
func (r *Rows) Scan(dest ...any) error { return r.rows.Scan(dest...) }

// Err returns what ended the rows before the last one: nil after a complete
// read, [troth.ErrTxDone] if the transaction ended under it.
func (r *Rows) Err() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.over {
		return r.err
	}
	return wrap("read rows", r.rows.Err())
}

// Close gives back what the rows hold. It may be called more than once. Its
// error is that of [Rows.Err].
func (r *Rows) Close() error {
	r.finish(nil)
	return r.Err()
}

// abandon closes the rows under a reader whose transaction ends: what it has
// read so far is not all there is.
func (r *Rows) abandon() { r.finish(troth.ErrTxDone) }

// idle returns for how long nobody has asked for a row.
func (r *Rows) idle() time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	return time.Since(r.used)
}

func (r *Rows) finish(cause error) {
	r.once.Do(func() {
		closed := r.rows.Close()
		err := orElse(r.rows.Err(), closed)
		if errors.Is(err, context.Canceled) && r.ctx.Err() == nil {
			// database/sql says so of rows whose transaction the host ended.
			err = fmt.Errorf("%w: %w", troth.ErrTxDone, sql.ErrTxDone)
		}
		err = r.release(orElse(cause, err))
		r.mu.Lock()
		r.over, r.err = true, err
		r.mu.Unlock()
	})
}

// QueryRow reads the first row of a query into dest; found is false where there
// is none.
func QueryRow(ctx context.Context, q Querier, query string, args []any, dest ...any) (found bool, err error) {
	rows, err := q.Query(ctx, query, args...)
	if err != nil {
		return false, err
	}
	if found = rows.Next(); found {
		err = rows.Scan(dest...)
	}
	if closed := rows.Close(); err == nil {
		err = closed
	}
	return found && err == nil, err
}
