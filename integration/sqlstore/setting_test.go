package sqlstore_test

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/storage/sqlstore"
)

func asSetting(err error) (*sqlstore.SettingError, bool) {
	return errors.AsType[*sqlstore.SettingError](err)
}

// openWith opens the database with a PRAGMA on every connection.
func (d database) openWith(pragma string) *sql.DB {
	d.t.Helper()
	name, value, _ := strings.Cut(pragma, " = ")
	db, err := sql.Open(d.driver, d.dsn+"?_pragma="+name+"("+value+")")
	require.NoError(d.t, err)
	d.t.Cleanup(func() { _ = db.Close() })
	return db
}

func TestSettings_OfTheWriter(t *testing.T) {
	for _, limit := range []int{0, 1} {
		d := newSQLite(t)
		db := d.openWith("synchronous = OFF")
		db.SetMaxOpenConns(limit)
		h := d.handle(db)
		for range 2 {
			require.NoError(t, h.Atomically(t.Context(), func(ctx context.Context) error {
				for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1"} {
					var got string
					_, err := sqlstore.QueryRow(ctx, h.Querier(ctx), "PRAGMA "+pragma, nil, &got)
					require.NoError(t, err)
					require.Equal(t, want, got, pragma)
				}
				return nil
			}))
		}
	}
}

// A stricter setting of the host stays.
func TestSettings_ExtraStays(t *testing.T) {
	t.Parallel()
	d := newSQLite(t)
	h := d.handle(d.openWith("synchronous = EXTRA"))
	require.NoError(t, h.Atomically(t.Context(), func(ctx context.Context) error {
		var got int
		_, err := sqlstore.QueryRow(ctx, h.Querier(ctx), "PRAGMA synchronous", nil, &got)
		require.Equal(t, 3, got)
		return err
	}))
}

// A connection that the host shares with the writer keeps its busy timeout.
func TestSettings_BusyTimeoutIsGivenBack(t *testing.T) {
	t.Parallel()
	d := newSQLite(t)
	db := d.openWith("busy_timeout = 1234")
	db.SetMaxOpenConns(1)
	h := d.handle(db)
	require.NoError(t, d.add(t.Context(), h, "a"))
	var got int
	require.NoError(t, db.QueryRow("PRAGMA busy_timeout").Scan(&got))
	require.Equal(t, 1234, got)
}

func TestSettings_DatabaseInMemory(t *testing.T) {
	open := func(limit int) (*sqlstore.Handle, error) {
		db, err := sql.Open("sqlite", ":memory:")
		require.NoError(t, err)
		t.Cleanup(func() { _ = db.Close() })
		db.SetMaxOpenConns(limit)
		return sqlstore.Open(t.Context(), db, sqlstore.SQLite, sqlstore.WithWaitBound(bound))
	}
	for _, limit := range []int{0, 2} {
		h, err := open(limit)
		require.Nil(t, h)
		_, ok := asSetting(err)
		require.True(t, ok, "%v", err)
	}
	h, err := open(1)
	require.NoError(t, err)
	_, err = h.Querier(t.Context()).Exec(t.Context(), "CREATE TABLE note (body TEXT UNIQUE)")
	require.NoError(t, err)
	d := database{t: t, dialect: sqlstore.SQLite}
	require.NoError(t, d.add(t.Context(), h, "a"))
	require.Error(t, h.Atomically(t.Context(), func(ctx context.Context) error {
		_, err := h.Querier(ctx).Exec(ctx, "INSERT OR ROLLBACK INTO note VALUES ('a')")
		return err
	}))
	var n int
	_, err = sqlstore.QueryRow(t.Context(), h.Querier(t.Context()), "SELECT count(*) FROM note", nil, &n)
	require.NoError(t, err)
	require.Equal(t, 1, n, "the only copy of the data outlives a batch that was lost")
	require.NoError(t, h.Close())
}

// Where the journal cannot become a WAL the handle does not open.
func TestSettings_NoWAL(t *testing.T) {
	t.Parallel()
	d := newSQLite(t) // no handle was opened on it yet
	open := func(db *sql.DB) error {
		t.Cleanup(func() { _ = db.Close() })
		_, err := sqlstore.Open(t.Context(), db, sqlstore.SQLite, sqlstore.WithWaitBound(bound))
		return err
	}
	readOnly, err := sql.Open("sqlite", "file:"+filepath.ToSlash(d.dsn)+"?mode=ro")
	require.NoError(t, err)
	require.Error(t, open(readOnly))

	host, err := d.open().Begin()
	require.NoError(t, err)
	_, err = host.Exec("INSERT INTO note VALUES ('a')")
	require.NoError(t, err)
	promptly(t, func() { require.ErrorIs(t, open(d.open()), troth.ErrBusy, "the host holds the file") })
	require.NoError(t, host.Rollback())
	require.NoError(t, open(d.open()))
}

// A host that shares its only connection with the writer may change it between
// two transactions, as the usual way to rebuild a table does.
func TestSettings_SharedConnectionChanged(t *testing.T) {
	t.Parallel()
	d := newSQLite(t)
	db := d.open()
	db.SetMaxOpenConns(1)
	h := d.handle(db)
	for _, pragma := range []string{"foreign_keys = OFF", "synchronous = OFF", "secure_delete = OFF", "busy_timeout = 321"} {
		_, err := db.Exec("PRAGMA " + pragma)
		require.NoError(t, err)
	}
	require.NoError(t, h.Atomically(t.Context(), func(ctx context.Context) error {
		for pragma, want := range map[string]string{"synchronous": "2", "foreign_keys": "1", "secure_delete": "1", "busy_timeout": "0"} {
			var got string
			_, err := sqlstore.QueryRow(ctx, h.Querier(ctx), "PRAGMA "+pragma, nil, &got)
			require.NoError(t, err)
			require.Equal(t, want, got, pragma)
		}
		return nil
	}))
	var got int
	require.NoError(t, db.QueryRow("PRAGMA busy_timeout").Scan(&got))
	require.Equal(t, 321, got)
}

// TestOpen_NamesTheOtherDialect: who mixes the two up is told so, and not what went wrong then.
func TestOpen_NamesTheOtherDialect(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		other := sqlstore.SQLite + sqlstore.Postgres - d.dialect
		db := d.open()
		_, err := sqlstore.Open(t.Context(), db, other)
		bad, ok := asSetting(err)
		require.True(t, ok, err)
		require.Equal(t, sqlstore.SettingError{Setting: "dialect", Want: d.dialect.Name(), Got: other.Name()}, *bad)
		_, err = sqlstore.Open(t.Context(), db, d.dialect)
		require.NoError(t, err)
	})
}
