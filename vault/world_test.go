package vault_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/storage/memory"
	"github.com/trothdev/troth/storage/memory/vaultmem"
	"github.com/trothdev/troth/vault"
	"github.com/trothdev/troth/vault/vaulttest"
)

const (
	shop   troth.Tenant  = "shop-17"
	bakery troth.Tenant  = "bakery-3"
	orders troth.Purpose = "order-fulfilment"

	profile troth.Compartment = "profile"
	invoice troth.Compartment = "invoice"
)

// world is one database with everything that a vault stands on. Several vaults
// on one world are several processes.
type world struct {
	t     testing.TB
	db    *memory.DB
	store *vaultmem.Store
	rec   *recorder
	kek   vault.KEK
	keks  vault.KEKResolver
	// journal is nil where a test wants none.
	journal *vaulttest.Journal
	// epochStore is nil where a test wants no epochs.
	epochStore vault.EpochStore
	// service acts in ctx unless a test says otherwise.
	ctx context.Context
}

func newWorld(t testing.TB) *world {
	t.Helper()
	db := memory.Open()
	return &world{
		t: t, db: db, store: vaultmem.New(db), rec: newRecorder(db), kek: vaulttest.InsecureKEK(),
		ctx: asService(t.Context(), "mailer"),
	}
}

// in is the same world in a sub-test.
func (w *world) in(t testing.TB) *world {
	inner := *w
	inner.t = t
	return &inner
}

func asService(ctx context.Context, id string) context.Context {
	return troth.WithActor(ctx, troth.Actor{Kind: troth.Service, ID: id})
}

func asPerson(ctx context.Context, id string) context.Context {
	return troth.WithActor(ctx, troth.Actor{Kind: troth.Person, ID: id, Tenant: shop})
}

func (w *world) config() vault.Config {
	c := vault.Config{Store: w.store, KEK: w.kek, KEKs: w.keks, Recorder: w.rec, Epochs: w.epochStore}
	if w.journal != nil {
		c.Journal = w.journal
	}
	return c
}

// vault opens a vault that may shred without a keeper.
func (w *world) vault(opts ...vault.Option) *vault.Vault {
	w.t.Helper()
	return w.vaultOn(w.store, opts...)
}

func (w *world) vaultOn(store vault.Backend, opts ...vault.Option) *vault.Vault {
	w.t.Helper()
	c := w.config()
	c.Store = store
	v, err := vault.Open(w.ctx, c, append([]vault.Option{vault.Unmanaged("tests")}, opts...)...)
	require.NoError(w.t, err)
	return v
}

func (w *world) seal(v *vault.Vault, at troth.Context, plaintext string) []byte {
	w.t.Helper()
	sealed, err := v.AppendSeal(w.ctx, nil, at, []byte(plaintext))
	require.NoError(w.t, err)
	return sealed
}

func (w *world) opens(v *vault.Vault, at troth.Context, sealed []byte, want string) {
	w.t.Helper()
	got, err := v.AppendOpen(w.ctx, nil, at, orders, sealed)
	require.NoError(w.t, err)
	require.Equal(w.t, want, string(got))
}

// refuses checks that the value does not open, that sealing in its place goes
// the same way, and that both say why.
func (w *world) refuses(v *vault.Vault, at troth.Context, sealed []byte, why error) {
	w.t.Helper()
	got, err := v.AppendOpen(w.ctx, nil, at, orders, sealed)
	require.ErrorIs(w.t, err, why)
	require.Nil(w.t, got)
	got, err = v.AppendSeal(w.ctx, nil, at, []byte("again"))
	require.ErrorIs(w.t, err, why)
	require.Nil(w.t, got)
}

func (w *world) shred(v *vault.Vault, target vault.Target) vault.Receipt {
	w.t.Helper()
	r, err := v.Shred(w.ctx, erasure, target)
	require.NoError(w.t, err)
	return r
}

var erasure = troth.UnmanagedPermit("erasure-request")

func emailOf(tenant troth.Tenant, subject string, c troth.Compartment) troth.Context {
	return troth.Context{
		Subject:     troth.Subject{Tenant: tenant, ID: subject},
		Compartment: c,
		Cell:        troth.Cell{Table: "customer", Column: "email", Row: subject},
	}
}

func personOf(tenant troth.Tenant, subject string) vault.Target {
	return vault.Target{Tenant: tenant, SubjectID: subject}
}

func nameOf(at troth.Context) vault.KeyName {
	return vault.KeyName{Tenant: at.Subject.Tenant, SubjectID: at.Subject.ID, Compartment: at.Compartment}
}

// keyRow returns the newest key as stored.
func (w *world) keyRow(at troth.Context) vault.KeyRow {
	w.t.Helper()
	rows, err := w.store.Keys(w.t.Context(), nameOf(at))
	require.NoError(w.t, err)
	require.NotEmpty(w.t, rows)
	return rows[0]
}

func aadOf(t testing.TB, at troth.Context) []byte {
	t.Helper()
	aad, err := vault.AssociatedData(at)
	require.NoError(t, err)
	return aad
}
