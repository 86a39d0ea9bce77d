// Package sqltest runs the suites of stores on SQLite and PostgreSQL.
package sqltest

import (
	"context"
	"database/sql"
	"path/filepath"
	"testing"

	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/trothdev/troth/integration/pgtest"
	"github.com/trothdev/troth/storage/sqlstore"
)

// SQLite returns a fresh database in a file of the test's own folder.
func SQLite(t testing.TB) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(t.TempDir(), "test.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// Each runs test once on SQLite and once on PostgreSQL, each with a fresh
// database of its own. Every call of open returns a new handle on that same
// database, as a program that starts again would have it.
func Each(t *testing.T, test func(t *testing.T, open func() *sqlstore.Handle)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { each(t, SQLite(t), sqlstore.SQLite, test) })
	t.Run("postgres", func(t *testing.T) { each(t, pgtest.Open(t), sqlstore.Postgres, test) })
}

func each(t *testing.T, db *sql.DB, d sqlstore.Dialect, test func(*testing.T, func() *sqlstore.Handle)) {
	t.Helper()
	test(t, func() *sqlstore.Handle { return Handle(t, db, d) })
}

// Handle returns a handle on a database, which is closed at the end of the test.
func Handle(t testing.TB, db *sql.DB, d sqlstore.Dialect) *sqlstore.Handle {
	t.Helper()
	h, err := sqlstore.Open(t.Context(), db, d)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	return h
}

// Open returns such a handle and the store on it that open makes.
func Open[S any](
	t testing.TB, db *sql.DB, d sqlstore.Dialect, open func(ctx context.Context, h *sqlstore.Handle) (S, error),
) (*sqlstore.Handle, S) {
	t.Helper()
	h := Handle(t, db, d)
	s, err := open(t.Context(), h)
	if err != nil {
		t.Fatal(err)
	}
	return h, s
}
