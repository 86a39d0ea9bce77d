package unsubscribe_test

import (
	"context"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"database/sql"
	"errors"
	"net/url"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/integration/pgtest"
	"github.com/trothdev/troth/storage/sqlstore"
	"github.com/trothdev/troth/storage/sqlstore/unsubscribesql"
	"github.com/trothdev/troth/unsubscribe"
)

// gateKeys are keys of tests, which hide nothing.
type gateKeys struct{}

func (gateKeys) MAC(_ context.Context, ref troth.KeyRef, message []byte) ([32]byte, error) {
	h := hmac.New(sha256.New, []byte(string(ref.Tenant)+"\x00"+ref.Use+"\x00"+ref.ID))
	h.Write(message)
	return [32]byte(h.Sum(nil)), nil
}

func (gateKeys) AEAD(context.Context, troth.KeyRef) (cipher.AEAD, error) {
	return nil, errors.New("not of this test")
}

var gateLetter = unsubscribe.Campaign{
	Tenant: "acme", List: "letter", Channel: unsubscribe.Email, Class: unsubscribe.Marketing,
}

func gateTo(address string) unsubscribe.Recipient {
	return unsubscribe.Recipient{Address: troth.Protect(address)}
}

func gateOut(address string) unsubscribe.OptOutParams {
	return unsubscribe.OptOutParams{
		Tenant: gateLetter.Tenant, Channel: unsubscribe.Email, Address: troth.Protect(address),
		Scope: unsubscribe.Client, Method: unsubscribe.ByPage,
	}
}

// gateDatabase can be opened by as many processes as a test likes.
type gateDatabase struct{ Driver, DSN string }

func eachGateDatabase(t *testing.T, test func(t *testing.T, d gateDatabase)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		source := url.URL{
			Scheme: "file", Path: filepath.Join(t.TempDir(), "test.db"),
			RawQuery: "_txlock=immediate&_pragma=busy_timeout(5000)&_pragma=journal_mode(wal)" +
				"&_pragma=synchronous(full)&_pragma=foreign_keys(on)",
		}
		test(t, gateDatabase{"sqlite", source.String()})
	})
	t.Run("postgres", func(t *testing.T) { test(t, gateDatabase{"pgx", pgtest.DSN(t)}) })
}

// gateProcess is what one process has.
type gateProcess struct {
	db       *sql.DB
	handle   *sqlstore.Handle
	registry *unsubscribe.Registry
	gate     *unsubscribe.Gate
	ctx      context.Context
}

func (d gateDatabase) open(t testing.TB, opts ...unsubscribe.GateOption) *gateProcess {
	t.Helper()
	p := d.prepare(t, opts...)
	require.NoError(t, p.gate.Load(p.ctx))
	return p
}

// prepare is open without loading the index.
func (d gateDatabase) prepare(t testing.TB, opts ...unsubscribe.GateOption) *gateProcess {
	t.Helper()
	db, err := sql.Open(d.Driver, d.DSN)
	require.NoError(t, err)
	t.Cleanup(func() { _ = db.Close() })
	dialect := sqlstore.Postgres
	if d.Driver == "sqlite" {
		dialect = sqlstore.SQLite
	}
	p := &gateProcess{db: db, ctx: troth.WithActor(t.Context(), troth.Actor{Kind: troth.Service, ID: "mailer"})}
	var s *unsubscribesql.Store
	p.handle, s = open(t, db, dialect)
	p.registry, err = unsubscribe.New(p.ctx, unsubscribe.Config{
		Store: s, Recorder: troth.UnsafeNoEvidence(p.handle), Keys: gateKeys{},
	})
	require.NoError(t, err)
	p.gate, err = unsubscribe.NewGate(p.registry, opts...)
	require.NoError(t, err)
	return p
}
