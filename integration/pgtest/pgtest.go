// Package pgtest gives tests a fresh PostgreSQL database each: on the server
// that TROTH_POSTGRES_DSN names, whose role must be allowed to create databases,
// or else on a throw-away cluster that the test process starts from the
// installed initdb and postgres. Where neither is to be had the test is skipped
// and says so; with TROTH_REQUIRE_POSTGRES=1 it fails instead.
//
// A package that uses it ends its cluster with
//
//	func TestMain(m *testing.M) { pgtest.Main(m) }
package pgtest

import (
	"database/sql"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
)

// Main runs the tests of a package, stops the cluster that they started, and
// exits. What it is given beside is done before that.
func Main(m *testing.M, ends ...func()) {
	code := m.Run()
	for _, end := range ends {
		end()
	}
	theServer.dropTemplates()
	if theServer.started != nil {
		theServer.started.stop()
	}
	os.Exit(code)
}

// Open returns a fresh database, dropped when the test ends.
func Open(t testing.TB) *sql.DB {
	t.Helper()
	db, err := sql.Open("pgx", DSN(t))
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// DSN returns the address of a fresh database, dropped when the test ends, for
// tests that open it themselves or in another process.
func DSN(t testing.TB) string {
	t.Helper()
	return fresh(t, theServer.take)
}

// Copy is DSN with what prepare has put into a database, which it is given once for
// each name: it must close what it opens there. Copying costs less than making
// the same again.
func Copy(t testing.TB, name string, prepare func(dsn string) error) string {
	t.Helper()
	return fresh(t, func() (string, error) { return theServer.takeCopy(name, prepare) })
}

func fresh(t testing.TB, take func() (string, error)) string {
	t.Helper()
	base, err := theServer.dsn()
	if err != nil {
		if os.Getenv("TROTH_REQUIRE_POSTGRES") == "1" {
			t.Fatalf("pgtest: PostgreSQL is required: %v", err)
		}
		t.Skipf("pgtest: no PostgreSQL: %v", err)
	}
	name, err := take()
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	t.Cleanup(func() {
		if err := theServer.giveBack(name); err != nil {
			t.Errorf("pgtest: %v", err)
		}
	})
	dsn, err := withDatabase(base, name)
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	return dsn
}

// withDatabase puts the name of a database in a DSN of either form.
func withDatabase(base, name string) (string, error) {
	config, err := pgx.ParseConfig(base)
	if err != nil {
		return "", fmt.Errorf("read TROTH_POSTGRES_DSN: %w", err)
	}
	if !strings.Contains(base, "://") {
		return base + " dbname=" + name, nil
	}
	address, query, _ := strings.Cut(base, "?")
	address = strings.TrimSuffix(strings.TrimSuffix(address, "/"), "/"+config.Database)
	if query != "" {
		query = "?" + query
	}
	return address + "/" + name + query, nil
}
