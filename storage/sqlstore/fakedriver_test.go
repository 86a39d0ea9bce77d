package sqlstore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// fake is a database that runs nothing: it writes down the statements that
// reach it, keeps track of whether a transaction is open as SQLite does, and
// fails where a test says so.
type fake struct {
	mu     sync.Mutex
	log    []string
	opened int
	closed int
	// cancellable is a statement in a transaction that a caller's context could
	// have interrupted.
	cancellable string
	// fail is asked about every statement that is written down. lost tells
	// that the database rolled the transaction back as well.
	fail func(statement string) (err error, lost bool)
}

var pragmas = map[string]string{"foreign_keys": "1", "synchronous": "2", "journal_mode": "wal", "busy_timeout": "0", "secure_delete": "1"}

func (f *fake) Connect(context.Context) (driver.Conn, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.opened++
	return &fakeConn{f: f}, nil
}

func (f *fake) Driver() driver.Driver { return nil }

// statements returns what reached the database since the last call.
func (f *fake) statements() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	defer func() { f.log = nil }()
	return slices.Clone(f.log)
}

func (f *fake) thrownAway() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.closed
}

// newFake opens a handle on a fake database, for use inside a synctest bubble.
func newFake(t *testing.T, d Dialect, opts ...Option) (*Handle, *fake) {
	t.Helper()
	f := &fake{fail: func(string) (error, bool) { return nil, false }}
	db := sql.OpenDB(f)
	h, err := Open(t.Context(), db, d, opts...)
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, h.Close())
		require.NoError(t, db.Close())
	})
	f.statements()
	return h, f
}

// failOn makes the statements that begin so fail, as often as errs says.
func (f *fake) failOn(prefix string, errs ...error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fail = func(statement string) (error, bool) {
		if !strings.HasPrefix(statement, prefix) || len(errs) == 0 {
			return nil, false
		}
		err := errs[0]
		errs = errs[1:]
		return err, false
	}
}

type fakeConn struct {
	f  *fake
	tx bool
}

func (c *fakeConn) run(ctx context.Context, statement string) error {
	c.f.mu.Lock()
	defer c.f.mu.Unlock()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if c.tx && ctx.Done() != nil {
		c.f.cancellable = statement
	}
	if statement == "BEGIN" && c.tx {
		return errors.New("cannot start a transaction within a transaction")
	}
	c.f.log = append(c.f.log, statement)
	err, lost := c.f.fail(statement)
	if lost {
		c.tx = false
	}
	if err != nil {
		return err
	}
	switch word, _, _ := strings.Cut(statement, " "); {
	case word == "BEGIN":
		c.tx = true
	case word == "COMMIT" || statement == "ROLLBACK":
		if !c.tx {
			return errors.New("no transaction is active")
		}
		c.tx = false
	}
	return nil
}

func (c *fakeConn) ExecContext(ctx context.Context, query string, _ []driver.NamedValue) (driver.Result, error) {
	return driver.RowsAffected(1), c.run(ctx, query)
}

func (c *fakeConn) QueryContext(ctx context.Context, query string, _ []driver.NamedValue) (driver.Rows, error) {
	name, pragma := strings.CutPrefix(query, "PRAGMA ")
	switch {
	case name == "database_list":
		return &fakeRows{columns: 3, rows: [][]driver.Value{{int64(0), "main", "/shop.db"}}}, nil
	case pragma:
		name, _, _ = strings.Cut(name, " ")
		return &fakeRows{columns: 1, rows: [][]driver.Value{{pragmas[name]}}}, nil
	}
	return &fakeRows{columns: 1, rows: [][]driver.Value{{"a"}, {"b"}}}, c.run(ctx, query)
}

func (c *fakeConn) BeginTx(ctx context.Context, _ driver.TxOptions) (driver.Tx, error) {
	return fakeTx{c}, c.run(ctx, "BEGIN tx")
}

func (c *fakeConn) Close() error {
	c.f.mu.Lock()
	defer c.f.mu.Unlock()
	c.f.closed++
	return nil
}

func (c *fakeConn) Prepare(query string) (driver.Stmt, error) { return fakeStmt{c, query}, nil }
func (c *fakeConn) Begin() (driver.Tx, error)                 { return nil, errors.ErrUnsupported }

// fakeStmt is written down each time that it is run.
type fakeStmt struct {
	c     *fakeConn
	query string
}

func (s fakeStmt) Close() error                               { return nil }
func (s fakeStmt) NumInput() int                              { return -1 }
func (s fakeStmt) Exec([]driver.Value) (driver.Result, error) { return nil, errors.ErrUnsupported }
func (s fakeStmt) Query([]driver.Value) (driver.Rows, error)  { return nil, errors.ErrUnsupported }

func (s fakeStmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	return s.c.ExecContext(ctx, s.query, args)
}

func (s fakeStmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	return s.c.QueryContext(ctx, s.query, args)
}

type fakeTx struct{ c *fakeConn }

func (t fakeTx) Commit() error   { return t.c.run(context.Background(), "COMMIT") }
func (t fakeTx) Rollback() error { return t.c.run(context.Background(), "ROLLBACK") }

type fakeRows struct {
	columns int
	rows    [][]driver.Value
}

func (r *fakeRows) Columns() []string { return make([]string, r.columns) }
func (r *fakeRows) Close() error      { return nil }

func (r *fakeRows) Next(dest []driver.Value) error {
	if len(r.rows) == 0 {
		return io.EOF
	}
	copy(dest, r.rows[0])
	r.rows = r.rows[1:]
	return nil
}

// wide is a batch without bounds that matter.
func wide() Option { return WithBatch(1000, time.Hour) }

// pass lets the time of a synctest bubble go by.
func pass(d time.Duration) { time.Sleep(d) } //nolint:forbidigo // nobody waits for it in a bubble
