package vault_test

import (
	"context"
	"database/sql"
	"net/url"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
	"github.com/trothdev/troth/integration/pgtest"
	"github.com/trothdev/troth/kit"
	"github.com/trothdev/troth/storage/sqlstore"
	"github.com/trothdev/troth/vault"
)

const (
	shop    troth.Tenant      = "shop-17"
	profile troth.Compartment = "profile"
	orders  troth.Purpose     = "order-fulfilment"
	// passphrase is of the secrets folder that all processes of a test share.
	passphrase = "of a test"
)

var erasure = troth.UnmanagedPermit("erasure-request")

// database is a fresh database, and beside it the folder of its secrets; both
// can be opened by as many processes as a test likes.
type database struct{ Driver, DSN, Secrets string }

// each runs a test on both kinds of database.
func each(t *testing.T, test func(t *testing.T, d database)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		test(t, newStock(t, "sqlite"))
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		test(t, newStock(t, "pgx"))
	})
}

// newSQLite sets up every connection as the documentation asks of hosts.
func newSQLite(t testing.TB) database {
	t.Helper()
	dir := t.TempDir()
	d := sqliteAt(filepath.Join(dir, "test.db"))
	d.Secrets = filepath.Join(dir, "secrets")
	return d
}

func sqliteAt(path string) database {
	source := url.URL{
		Scheme: "file", Path: path,
		RawQuery: "_txlock=immediate&_pragma=busy_timeout(5000)&_pragma=journal_mode(wal)" +
			"&_pragma=synchronous(full)&_pragma=foreign_keys(on)",
	}
	return database{Driver: "sqlite", DSN: source.String()}
}

func newPostgres(t testing.TB) database {
	t.Helper()
	return database{Driver: "pgx", DSN: pgtest.DSN(t), Secrets: t.TempDir()}
}

func (d database) dialect() sqlstore.Dialect {
	if d.Driver == "sqlite" {
		return sqlstore.SQLite
	}
	return sqlstore.Postgres
}

func (d database) open(t testing.TB) *sql.DB {
	t.Helper()
	db, err := sql.Open(d.Driver, d.DSN)
	require.NoError(t, err)
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// kit opens the library in this process, on a pool of its own.
func (d database) kit(t testing.TB, opts ...vault.Option) *kit.Kit {
	t.Helper()
	return d.kitOn(t, d.open(t), opts...)
}

func (d database) kitOn(t testing.TB, db *sql.DB, opts ...vault.Option) *kit.Kit {
	t.Helper()
	secrets, err := secretsOf(d)
	require.NoError(t, err)
	k, err := kit.Open(t.Context(), kit.Config{DB: db, Dialect: d.dialect(), Secrets: secrets}, opts...)
	require.NoError(t, err)
	t.Cleanup(func() { _ = k.Close(context.WithoutCancel(t.Context())) })
	return k
}

// opened are secrets that this process has opened: stretching a passphrase
// costs what it should.
var opened sync.Map // of the folder: kit.Secrets

func secretsOf(d database) (kit.Secrets, error) {
	if s, ok := opened.Load(d.Secrets); ok {
		return s.(kit.Secrets), nil
	}
	s, err := kit.LocalSecrets(d.Secrets, passphrase)
	if err == nil {
		opened.Store(d.Secrets, s)
	}
	return s, err
}

// count runs a query that gives one number.
func (d database) count(t testing.TB, db *sql.DB, query string, args ...any) int {
	t.Helper()
	var n int
	require.NoError(t, db.QueryRowContext(t.Context(), d.dialect().Rebind(query), args...).Scan(&n))
	return n
}

func service(ctx context.Context, id string) context.Context {
	return troth.WithActor(ctx, troth.Actor{Kind: troth.Service, ID: id})
}

func person(ctx context.Context, id string) context.Context {
	return troth.WithActor(ctx, troth.Actor{Kind: troth.Person, ID: id, Tenant: shop})
}

// emailOf is the place of a person's e-mail.
func emailOf(tenant troth.Tenant, subject string) troth.Context {
	return troth.Context{
		Subject: troth.Subject{Tenant: tenant, ID: subject}, Compartment: profile,
		Cell: troth.Cell{Table: "customer", Column: "email", Row: subject},
	}
}

func plaintextOf(subject string) []byte { return []byte(subject + "@example.org") }

// entries reads the trail of a tenant.
func entries(t testing.TB, trail *audit.Trail, tenant troth.Tenant) []audit.Record {
	t.Helper()
	var list []audit.Record
	for r, err := range trail.Entries(t.Context(), tenant, audit.Query{}) {
		require.NoError(t, err)
		list = append(list, r)
	}
	return list
}

// fact returns the named fact of an entry, the zero Fact if there is none.
func fact(r audit.Record, name string) troth.Fact {
	for _, f := range r.Facts {
		if f.Name == name {
			return f.Fact
		}
	}
	return troth.Fact{}
}
