package restore_test

import (
	"bytes"
	"context"
	"crypto/cipher"
	"database/sql"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
	"github.com/trothdev/troth/storage/sqlstore"
	"github.com/trothdev/troth/storage/sqlstore/auditsql"
	"github.com/trothdev/troth/storage/sqlstore/vaultsql"
	"github.com/trothdev/troth/vault"
	"github.com/trothdev/troth/vault/vaulttest"
)

const (
	shop    troth.Tenant      = "shop-17"
	mill    troth.Tenant      = "mill-9"
	profile troth.Compartment = "profile"
	orders  troth.Compartment = "orders"
	purpose troth.Purpose     = "order-fulfilment"
)

var erasure = troth.UnmanagedPermit("erasure-request")

// site is a program on a database: handle, trail and vault, wired as kit does
// it, and the journal beside.
type site struct {
	db     *sql.DB
	handle *sqlstore.Handle
	trail  *audit.Trail
	vault  *vault.Vault
	alone  *vault.Vault
}

// wiring is what a site is opened with.
type wiring struct {
	where   place
	journal vault.Journal
	epochs  vault.EpochStore // nil where there are none
	// keks has the keys of tenants that bring their own; nil where none does.
	keks   vault.KEKResolver
	signer audit.Signer
	// keys are those by which the trail believes logs of earlier origins.
	keys audit.Verifiers
	sink audit.Sink
	// keys that the trail cannot begin without, of a backup; nil where it can.
	platform []byte
}

// late gives the trail a vault that is made after it.
type late struct{ keys, vault *vault.Vault }

func (l *late) MAC(ctx context.Context, ref troth.KeyRef, message []byte) ([32]byte, error) {
	return l.keys.MAC(ctx, ref, message)
}

func (l *late) AEAD(ctx context.Context, ref troth.KeyRef) (cipher.AEAD, error) {
	return l.keys.AEAD(ctx, ref)
}

func (l *late) Seal(ctx context.Context, dst []byte, at troth.Context, plain []byte) ([]byte, error) {
	return l.vault.Seal(ctx, dst, at, plain)
}

func (l *late) Open(ctx context.Context, dst []byte, at troth.Context, p troth.Purpose, sealed []byte) ([]byte, error) {
	return l.vault.Open(ctx, dst, at, p, sealed)
}

// open starts the program. What it returns on an error is closed.
func (w wiring) open(ctx context.Context, opts ...vault.Option) (_ *site, err error) {
	s := &site{}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	if s.db, err = sql.Open(w.where.Driver, w.where.DSN); err != nil {
		return nil, err
	}
	if s.handle, err = sqlstore.Open(ctx, s.db, w.where.dialect()); err != nil {
		return nil, err
	}
	keys, err := vaultsql.New(ctx, s.handle)
	if err != nil {
		return nil, err
	}
	entries, err := auditsql.New(ctx, s.handle)
	if err != nil {
		return nil, err
	}
	c := vault.Config{
		Store: keys, KEK: vaulttest.InsecureKEK(), Recorder: troth.UnsafeNoEvidence(s.handle), Journal: w.journal,
		Epochs: w.epochs, KEKs: w.keks,
	}
	// It gives keys for hashes and opens nothing, so that it need not be sure that
	// nobody is missing; the other one is, and has the evidence.
	if s.alone, err = vault.Open(ctx, c, vault.ForReplay()); err != nil {
		return nil, err
	}
	if w.platform != nil {
		if err := s.alone.RestorePlatform(ctx, bytes.NewReader(w.platform)); err != nil {
			return nil, err
		}
	}
	l := &late{keys: s.alone}
	trailOpts := []audit.Option{audit.Unmanaged("tests"), audit.WithVerifiers(w.keys)}
	if w.signer != nil {
		trailOpts = append(trailOpts, audit.WithSigner(w.signer))
	}
	if w.sink != nil {
		trailOpts = append(trailOpts, audit.WithSink(w.sink))
	}
	if s.trail, err = audit.New(ctx, entries, l, l, trailOpts...); err != nil {
		return nil, err
	}
	c.Recorder = s.trail
	s.vault, err = vault.Open(ctx, c, append([]vault.Option{vault.Unmanaged("tests")}, opts...)...)
	l.vault = s.vault
	return s, err
}

// close stops the program as a crash would: without a last word.
func (s *site) close() error {
	var errs []error
	if s.handle != nil {
		errs = append(errs, s.handle.Close())
	}
	if s.db != nil {
		errs = append(errs, s.db.Close())
	}
	return errors.Join(errs...)
}

// mustOpen opens a site that a test works with.
func (w wiring) mustOpen(t testing.TB, opts ...vault.Option) *site {
	t.Helper()
	s, err := w.open(t.Context(), opts...)
	require.NoError(t, err)
	t.Cleanup(func() { _ = s.close() })
	return s
}

func service(ctx context.Context) context.Context {
	return troth.WithActor(ctx, troth.Actor{Kind: troth.Service, ID: "operator"})
}

func emailOf(tenant troth.Tenant, subject string, c troth.Compartment) troth.Context {
	return troth.Context{
		Subject: troth.Subject{Tenant: tenant, ID: subject}, Compartment: c,
		Cell: troth.Cell{Table: "customer", Column: "email", Row: subject},
	}
}

// acts counts the trail's entries of a tenant by act.
func (s *site) acts(t testing.TB, tenant troth.Tenant) map[string]int {
	t.Helper()
	counts := map[string]int{}
	for r, err := range s.trail.Entries(t.Context(), tenant, audit.Query{}) {
		require.NoError(t, err)
		counts[r.Act]++
	}
	return counts
}

// patience is how long a test waits for something that takes a moment.
const patience = time.Minute
