package consent_test

import (
	"context"
	"database/sql"
	"net/url"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/consent"
	"github.com/trothdev/troth/integration/pgtest"
	"github.com/trothdev/troth/kit"
	"github.com/trothdev/troth/storage/sqlstore"
)

const (
	shop   troth.Tenant  = "shop-17"
	letter troth.Purpose = "newsletter"
	// passphrase is of the secrets folder that all processes of a test share.
	passphrase = "of a test"
)

// database is a fresh database, and beside it the folder of its secrets; both can
// be opened by as many processes as a test likes.
type database struct{ Driver, DSN, Secrets string }

// each runs a test on both kinds of database.
func each(t *testing.T, test func(t *testing.T, d database)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		dir := t.TempDir()
		source := url.URL{
			Scheme: "file", Path: filepath.Join(dir, "test.db"),
			RawQuery: "_txlock=immediate&_pragma=busy_timeout(5000)&_pragma=journal_mode(wal)" +
				"&_pragma=synchronous(full)&_pragma=foreign_keys(on)",
		}
		test(t, database{Driver: "sqlite", DSN: source.String(), Secrets: filepath.Join(dir, "secrets")})
	})
	t.Run("postgres", func(t *testing.T) {
		test(t, database{Driver: "pgx", DSN: pgtest.DSN(t), Secrets: t.TempDir()})
	})
}

func (d database) dialect() sqlstore.Dialect {
	if d.Driver == "sqlite" {
		return sqlstore.SQLite
	}
	return sqlstore.Postgres
}

// open opens vault, trail and ledger in this process.
func (d database) open(t testing.TB, opts ...consent.Option) (*kit.Kit, *consent.Ledger, context.Context) {
	t.Helper()
	db, err := sql.Open(d.Driver, d.DSN)
	require.NoError(t, err)
	t.Cleanup(func() { _ = db.Close() })
	secrets, err := kit.LocalSecrets(d.Secrets, passphrase)
	require.NoError(t, err)
	k, err := kit.Open(t.Context(), kit.Config{DB: db, Dialect: d.dialect(), Secrets: secrets})
	require.NoError(t, err)
	t.Cleanup(func() { _ = k.Close(context.WithoutCancel(t.Context())) })
	l, err := newLedger(t.Context(), k, opts...)
	require.NoError(t, err)
	return k, l, troth.WithActor(t.Context(), troth.Actor{Kind: troth.Service, ID: "shop"})
}

func publish(ctx context.Context, t testing.TB, l *consent.Ledger) {
	t.Helper()
	_, err := l.Publish(ctx, consent.Terms{
		Tenant: shop, Purpose: letter, Version: 1, Title: "A monthly letter", Basis: consent.Consent,
		Data: []string{"email"}, Recipients: []string{"mailer"},
	})
	require.NoError(t, err)
}
