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

var _ troth.Transactor = (*Handle)(nil)

// Handle is one database: a [troth.Transactor], its dialect and its
// migrations.
type Handle struct {
	db       *sql.DB
	dialect  Dialect
	wait     time.Duration
	batchMax int
	batchAge time.Duration

	writer  *writer // SQLite only
	reading reading
	hosts   sync.Map // weak.Pointer[sql.Tx] -> *session
}

// Open returns a handle on db, which stays the host's own to configure and to
// close. On SQLite it brings the file into WAL mode and checks that the
// settings that durability rests on take effect, else [*SettingError]; a
// database in memory is accepted only in a pool that is limited to one
// connection, because every further one would be another, empty database. A database
// of the other dialect is a [*SettingError], too.
func Open(ctx context.Context, db *sql.DB, d Dialect, opts ...Option) (*Handle, error) {
	if db == nil {
		return nil, errors.New("sqlstore: open: no database")
	}
	if d != SQLite && d != Postgres {
		return nil, errors.New("sqlstore: open: unknown dialect")
	}
	h := &Handle{db: db, dialect: d, wait: defaultWait, batchMax: defaultBatchMax, batchAge: defaultBatchAge}
	for _, opt := range opts {
		if err := opt(h); err != nil {
			return nil, err
		}
	}
	if d == SQLite {
		h.writer = &writer{h: h}
		if err := h.writer.open(ctx); err != nil {
			return nil, h.mistaken(ctx, err)
		}
		return h, nil
	}
	deadline := h.deadline()
	c, err := h.take(ctx, deadline)
	if err != nil {
		return nil, err
	}
	bounded, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	_, err = queryText(bounded, c, versionOf(Postgres))
	if err := errors.Join(err, c.Close()); err != nil {
		return nil, h.mistaken(bounded, wrap("open", err))
	}
	return h, nil
}

// mistaken returns why a database could not be opened: err, unless it speaks the other
// dialect.
func (h *Handle) mistaken(ctx context.Context, err error) error {
	other := SQLite + Postgres - h.dialect
	var version string
	if ctx.Err() != nil || h.db.QueryRowContext(ctx, versionOf(other)).Scan(&version) != nil {
		return err
	}
	return &SettingError{Setting: "dialect", Want: other.Name(), Got: h.dialect.Name()}
}

// Dialect returns the kind of SQL that the database speaks.
func (h *Handle) Dialect() Dialect { return h.dialect }

// Close gives up the connection that the handle keeps on SQLite, after the work
// that is under way. It never closes the host's database.
func (h *Handle) Close() error {
	if h.writer == nil {
		return nil
	}
	h.reading.forget()
	return h.writer.close()
}

// Atomically runs fn in a transaction of its own, or in a savepoint where ctx
// carries a transaction of this handle.
func (h *Handle) Atomically(ctx context.Context, fn func(ctx context.Context) error) error {
	b, end, err := h.start(ctx)
	if err != nil {
		return err
	}
	returned := false
	defer func() {
		// A panic, or a goroutine that exits inside fn, goes on from here.
		if !returned {
			_ = end(errPanicked)
		}
	}()
	err = fn(h.with(ctx, b))
	returned = true
	return end(err)
}

// start opens a savepoint or a transaction. end takes what the closure returned
// and decides; it must be called once.
func (h *Handle) start(ctx context.Context) (b *binding, end func(err error) error, err error) {
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	if outer := h.bound(ctx); outer != nil {
		b, err = outer.push(ctx)
		return b, func(err error) error { return b.pop(ctx, err) }, err
	}
	if h.dialect == SQLite {
		return h.writer.begin(ctx)
	}
	return h.beginPostgres(ctx)
}

// Scope returns the transaction of this handle that ctx runs in, nil outside of
// any.
func (h *Handle) Scope(ctx context.Context) *troth.Scope {
	b := h.bound(ctx)
	if b == nil {
		return nil
	}
	return b.scope(ctx)
}

// Detach returns ctx outside of any transaction of this handle.
func (h *Handle) Detach(ctx context.Context) context.Context {
	if h.bound(ctx) == nil {
		return ctx
	}
	return h.with(ctx, nil)
}

// Tx returns the *sql.Tx that ctx runs in: the host's, or on PostgreSQL the
// handle's own. There is none outside of a transaction, nor in a batch of
// SQLite. It must not be committed or rolled back, and statements on it are
// not guarded as those of a [Querier] are.
func (h *Handle) Tx(ctx context.Context) (*sql.Tx, bool) {
	b := h.bound(ctx)
	if b == nil || b.tx == nil {
		return nil, false
	}
	return b.tx, true
}

// Idle reports whether nobody held SQLite's write lock at this instant, so that
// everything written before is decided and visible. It does not wait for the
// lock. Elsewhere it is errors.ErrUnsupported.
func (h *Handle) Idle(ctx context.Context) (bool, error) {
	if h.dialect != SQLite {
		return false, fmt.Errorf("sqlstore: idle: %w", errors.ErrUnsupported)
	}
	if b := h.bound(ctx); b != nil && !b.s.host {
		return false, nil
	}
	return h.writer.idle(ctx)
}

func (h *Handle) deadline() time.Time { return time.Now().Add(h.wait) }

// take gets a connection from the pool, until the deadline.
func (h *Handle) take(ctx context.Context, deadline time.Time) (*sql.Conn, error) {
	bounded, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	var c *sql.Conn
	// A new connection may find the database busy at once, with settings that
	// its data source makes the driver apply.
	err := untilFree(bounded, deadline, func() (err error) {
		c, err = h.db.Conn(bounded)
		return err
	})
	switch {
	case err == nil:
		return c, nil
	case ctx.Err() != nil:
		return nil, fmt.Errorf("sqlstore: connect: %w", ctx.Err())
	case bounded.Err() != nil:
		return nil, fmt.Errorf("sqlstore: no connection in time: %w", troth.ErrBusy)
	}
	return nil, wrap("connect", err)
}
