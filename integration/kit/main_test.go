// Package kit_test runs the kit on real databases.
package kit_test

import (
	"context"
	"database/sql"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
	"github.com/trothdev/troth/integration/pgtest"
	"github.com/trothdev/troth/kit"
	"github.com/trothdev/troth/storage/sqlstore"
	"github.com/trothdev/troth/vault"
	"github.com/trothdev/troth/vault/vaulttest"
)

func TestMain(m *testing.M) {
	victimMain()
	pgtest.Main(m)
}

// settings are those that the documentation of kit asks of a SQLite database.
const settings = "?_txlock=immediate&_pragma=busy_timeout(5000)&_pragma=foreign_keys(1)&_pragma=synchronous(2)"

// database is a fresh one.
type database struct {
	dialect sqlstore.Dialect
	driver  string
	source  string
}

func sqlite(t *testing.T) database {
	t.Helper()
	return database{sqlstore.SQLite, "sqlite", "file:" + filepath.Join(t.TempDir(), "shop.db") + settings}
}

func postgres(t *testing.T) database {
	t.Helper()
	return database{sqlstore.Postgres, "pgx", pgtest.DSN(t)}
}

// each runs test once on each kind of database.
func each(t *testing.T, test func(t *testing.T, d database)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { test(t, sqlite(t)) })
	t.Run("postgres", func(t *testing.T) { test(t, postgres(t)) })
}

// connect opens a pool of its own on the database, as another program would.
func (d database) connect(t *testing.T) *sql.DB {
	t.Helper()
	db, err := sql.Open(d.driver, d.source)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, db.Close()) })
	return db
}

func (d database) config(db *sql.DB) kit.Config {
	return kit.Config{DB: db, Dialect: d.dialect, Secrets: kit.Secrets{KEK: vaulttest.InsecureKEK()}}
}

// host is an application on the database: its pool, and its kit.
type host struct {
	*kit.Kit
	db *sql.DB
}

func (d database) host(t *testing.T, opts ...vault.Option) host {
	t.Helper()
	return d.hostOn(t, d.connect(t), opts...)
}

func (d database) hostOn(t *testing.T, db *sql.DB, opts ...vault.Option) host {
	t.Helper()
	k, err := kit.Open(t.Context(), d.config(db), opts...)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, k.Close(context.WithoutCancel(t.Context()))) })
	return host{k, db}
}

// inTx runs fn in a transaction of the host's own, and commits it if asked to.
func (h host) inTx(ctx context.Context, t *testing.T, commit bool, fn func(ctx context.Context, tx *sql.Tx)) {
	t.Helper()
	tx, err := h.db.BeginTx(ctx, nil)
	require.NoError(t, err)
	defer func() { _ = tx.Rollback() }()
	fn(h.WithTx(ctx, tx), tx)
	if commit {
		require.NoError(t, tx.Commit())
	}
}

// count counts the entries of the tenant that tell of the act.
func (h host) count(t *testing.T, act string) int {
	t.Helper()
	return h.countOf(t, tenant, act)
}

// countOf is count of any tenant's.
func (h host) countOf(t *testing.T, tenant troth.Tenant, act string) (n int) {
	t.Helper()
	for r, err := range h.Trail.Entries(t.Context(), tenant, audit.Query{}) {
		require.NoError(t, err)
		if r.Act == act {
			n++
		}
	}
	return n
}

func (h host) seal(ctx context.Context, t *testing.T, id string) []byte {
	t.Helper()
	sealed, err := h.Vault.Seal(ctx, nil, email(id), []byte(id+"@example.org"))
	require.NoError(t, err)
	return sealed
}

func (h host) requireOpens(ctx context.Context, t *testing.T, id string, sealed []byte) {
	t.Helper()
	plain, err := h.Vault.Open(ctx, nil, email(id), purpose, sealed)
	require.NoError(t, err)
	require.Equal(t, id+"@example.org", string(plain))
}

const (
	tenant  troth.Tenant  = "acme"
	purpose troth.Purpose = "order-fulfilment"
)

func email(id string) troth.Context {
	return troth.Context{
		Subject:     troth.Subject{Tenant: tenant, ID: id},
		Compartment: troth.DefaultCompartment,
		Cell:        troth.Cell{Table: "customers", Column: "email", Row: id},
	}
}

func person(id string) vault.Target { return vault.Target{Tenant: tenant, SubjectID: id} }

func erasure() troth.Permit { return troth.UnmanagedPermit("erasure-request") }

func asService(t *testing.T) context.Context {
	t.Helper()
	return troth.WithActor(t.Context(), troth.Actor{Kind: troth.Service, ID: "order-desk"})
}

func asPerson(t *testing.T) context.Context {
	t.Helper()
	return troth.WithActor(t.Context(), troth.Actor{Kind: troth.Person, ID: "staff-17"})
}
