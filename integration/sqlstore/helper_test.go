package sqlstore_test

import (
	"context"
	"database/sql"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/integration/pgtest"
	"github.com/trothdev/troth/storage/sqlstore"
)

// bound leaves a loaded machine time to make a connection.
const bound = time.Second

// database is a fresh database with a table note (body TEXT UNIQUE) that a test
// opens as often as it likes.
type database struct {
	t       *testing.T
	driver  string
	dsn     string
	dialect sqlstore.Dialect
}

// each runs a test on both kinds of database.
func each(t *testing.T, test func(t *testing.T, d database)) {
	t.Parallel()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		test(t, newSQLite(t))
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		test(t, newPostgres(t))
	})
}

func newPostgres(t *testing.T) database {
	return database{t, "pgx", pgtest.DSN(t), sqlstore.Postgres}.prepared()
}

func newSQLite(t *testing.T) database {
	return database{t, "sqlite", filepath.Join(t.TempDir(), "test.db"), sqlstore.SQLite}.prepared()
}

func (d database) prepared() database {
	db := d.open()
	_, err := db.Exec("CREATE TABLE note (body TEXT UNIQUE)")
	require.NoError(d.t, err)
	require.NoError(d.t, db.Close())
	return d
}

func (d database) open() *sql.DB {
	d.t.Helper()
	db, err := sql.Open(d.driver, d.dsn)
	require.NoError(d.t, err)
	d.t.Cleanup(func() { _ = db.Close() })
	return db
}

func (d database) handle(db *sql.DB, opts ...sqlstore.Option) *sqlstore.Handle {
	d.t.Helper()
	h, err := sqlstore.Open(d.t.Context(), db, d.dialect, append([]sqlstore.Option{sqlstore.WithWaitBound(bound)}, opts...)...)
	require.NoError(d.t, err)
	d.t.Cleanup(func() { require.NoError(d.t, h.Close()) })
	return h
}

func (d database) add(ctx context.Context, h *sqlstore.Handle, body string) error {
	_, err := h.Querier(ctx).Exec(ctx, d.dialect.Rebind("INSERT INTO note (body) VALUES (?)"), body)
	return err
}

// notes reads the table from outside, in order.
func (d database) notes() []string {
	d.t.Helper()
	rows, err := d.open().Query("SELECT body FROM note ORDER BY body")
	require.NoError(d.t, err)
	defer func() { _ = rows.Close() }()
	notes := []string{}
	for rows.Next() {
		var body string
		require.NoError(d.t, rows.Scan(&body))
		notes = append(notes, body)
	}
	require.NoError(d.t, rows.Err())
	return notes
}

// promptly fails the test if f takes much longer than the wait bound.
func promptly(t *testing.T, f func()) {
	t.Helper()
	began := time.Now()
	f()
	require.Less(t, time.Since(began), bound+5*time.Second, "waited beyond the bound")
}

// hostReady sets up a connection of the host as its documentation asks, and
// begins a transaction on it.
func (d database) hostReady(db *sql.DB, opts *sql.TxOptions) *sql.Tx {
	d.t.Helper()
	c, err := db.Conn(d.t.Context())
	require.NoError(d.t, err)
	d.t.Cleanup(func() { _ = c.Close() })
	if d.dialect == sqlstore.SQLite {
		for _, pragma := range []string{"foreign_keys = ON", "synchronous = FULL"} {
			_, err := c.ExecContext(d.t.Context(), "PRAGMA "+pragma)
			require.NoError(d.t, err)
		}
	}
	tx, err := c.BeginTx(context.WithoutCancel(d.t.Context()), opts)
	require.NoError(d.t, err)
	d.t.Cleanup(func() { _ = tx.Rollback() })
	return tx
}
