package restore_test

import (
	"context"
	"database/sql"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/integration/pgtest"
	"github.com/trothdev/troth/storage/sqlstore"
)

// place is where a database is.
type place struct {
	Driver, DSN string
	// Path is the file of a SQLite database.
	Path string
}

func (p place) dialect() sqlstore.Dialect {
	if p.Driver == "sqlite" {
		return sqlstore.SQLite
	}
	return sqlstore.Postgres
}

func sqliteAt(path string) place {
	source := url.URL{
		Scheme: "file", Path: path,
		RawQuery: "_txlock=immediate&_pragma=busy_timeout(5000)&_pragma=journal_mode(wal)" +
			"&_pragma=synchronous(full)&_pragma=foreign_keys(on)",
	}
	return place{Driver: "sqlite", DSN: source.String(), Path: path}
}

// way is one way of making a backup of a database and of restoring it.
type way struct {
	name  string
	fresh func(t *testing.T) place
	// backUp copies the database while programs use it; what it returns puts the
	// copy into a fresh place.
	backUp func(t *testing.T, p place) (restore func(t *testing.T) place)
}

func freshSQLite(t *testing.T) place { return sqliteAt(filepath.Join(t.TempDir(), "site.db")) }

func freshPostgres(t *testing.T) place { return place{Driver: "pgx", DSN: pgtest.DSN(t)} }

var ways = []way{
	{"vacuum into", freshSQLite, vacuumInto},
	{"file and write-ahead log", freshSQLite, copyFiles},
	{"pg_dump and pg_restore", freshPostgres, dumpCustom},
	{"pg_dump and psql", freshPostgres, dumpPlain},
}

func (p place) exec(t *testing.T, statements ...string) {
	t.Helper()
	db, err := sql.Open(p.Driver, p.DSN)
	require.NoError(t, err)
	defer func() { _ = db.Close() }()
	for _, s := range statements {
		_, err = db.ExecContext(t.Context(), s)
		require.NoError(t, err)
	}
}

func vacuumInto(t *testing.T, p place) func(t *testing.T) place {
	t.Helper()
	copied := filepath.Join(t.TempDir(), "backup.db")
	p.exec(t, "VACUUM INTO '"+copied+"'")
	return func(t *testing.T) place {
		t.Helper()
		path := filepath.Join(t.TempDir(), "restored.db")
		copyFile(t, copied, path)
		return sqliteAt(path)
	}
}

// copyFiles holds the write lock, so that nothing is written meanwhile, and
// copies what is there, the log without a checkpoint.
func copyFiles(t *testing.T, p place) func(t *testing.T) place {
	t.Helper()
	dir := t.TempDir()
	db, err := sql.Open(p.Driver, p.DSN)
	require.NoError(t, err)
	defer func() { _ = db.Close() }()
	c, err := db.Conn(t.Context())
	require.NoError(t, err)
	_, err = c.ExecContext(t.Context(), "BEGIN IMMEDIATE")
	require.NoError(t, err)
	copyFile(t, p.Path, filepath.Join(dir, "backup.db"))
	copyFile(t, p.Path+"-wal", filepath.Join(dir, "backup.db-wal"))
	info, err := os.Stat(filepath.Join(dir, "backup.db-wal"))
	require.NoError(t, err)
	require.Positive(t, info.Size(), "the log holds something")
	_, err = c.ExecContext(t.Context(), "ROLLBACK")
	require.NoError(t, err)
	return func(t *testing.T) place {
		t.Helper()
		path := filepath.Join(t.TempDir(), "restored.db")
		copyFile(t, filepath.Join(dir, "backup.db"), path)
		copyFile(t, filepath.Join(dir, "backup.db-wal"), path+"-wal")
		return sqliteAt(path)
	}
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	b, err := os.ReadFile(from)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(to, b, 0o600))
}

func dumpCustom(t *testing.T, p place) func(t *testing.T) place {
	t.Helper()
	dump := filepath.Join(t.TempDir(), "backup.dump")
	run(t, "pg_dump", "--format=custom", "--no-owner", "--file="+dump, "--dbname="+p.DSN)
	return func(t *testing.T) place {
		t.Helper()
		restored := freshPostgres(t)
		run(t, "pg_restore", "--no-owner", "--exit-on-error", "--dbname="+restored.DSN, dump)
		return restored
	}
}

func dumpPlain(t *testing.T, p place) func(t *testing.T) place {
	t.Helper()
	dump := filepath.Join(t.TempDir(), "backup.sql")
	run(t, "pg_dump", "--no-owner", "--file="+dump, "--dbname="+p.DSN)
	return func(t *testing.T) place {
		t.Helper()
		restored := freshPostgres(t)
		run(t, "psql", "--quiet", "--no-psqlrc", "--set=ON_ERROR_STOP=1", "--file="+dump, "--dbname="+restored.DSN)
		return restored
	}
}

func run(t *testing.T, name string, args ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	out, err := exec.CommandContext(ctx, pgtest.Program(t, name), args...).CombinedOutput()
	require.NoError(t, err, "%s: %s", name, out)
}
