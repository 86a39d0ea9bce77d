package vault_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/vault"
)

var someKey = troth.KeyRef{Tenant: shop, Use: "test.token", ID: "1"}

// rootRow returns the root as stored.
func (w *world) rootRow(tenant troth.Tenant, l vault.Lineage) vault.RootRow {
	w.t.Helper()
	row, found, err := w.store.Root(w.t.Context(), tenant, l)
	require.NoError(w.t, err)
	require.True(w.t, found)
	return row
}

// spoilRoots opens a vault that reads roots as spoil makes them. The vault has
// first used the good roots of the other tenant, so that they are in memory.
func (w *world) spoilRoots(spoil func(vault.RootRow) vault.RootRow) *vault.Vault {
	w.t.Helper()
	store := &hooked{Backend: w.store}
	v := w.vaultOn(store)
	at := emailOf(bakery, "1", profile)
	w.opens(v, at, w.seal(v, at, "bread"), "bread")
	ref := someKey
	ref.Tenant = bakery
	_, err := v.MAC(w.ctx, ref, nil)
	require.NoError(w.t, err)
	store.root = spoil
	return v
}

func TestRootRow_SwappedDoesNotUnwrap(t *testing.T) {
	w := newWorld(t)
	at := emailOf(shop, "42", profile)
	sealed := w.seal(w.vault(), at, "ada")
	w.spoilRoots(nil) // the other tenant has roots now
	_, err := w.vault().MAC(w.ctx, someKey, nil)
	require.NoError(t, err)

	index, wrap := vault.IndexLineage, vault.WrapLineage
	for name, from := range map[string]func(vault.Lineage) vault.RootRow{
		"another tenant":                   func(l vault.Lineage) vault.RootRow { return w.rootRow(bakery, l) },
		"the other lineage":                func(l vault.Lineage) vault.RootRow { return w.rootRow(shop, otherOf(l, wrap, index)) },
		"another tenant and other lineage": func(l vault.Lineage) vault.RootRow { return w.rootRow(bakery, otherOf(l, wrap, index)) },
	} {
		for _, relabelled := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				w := w.in(t)
				v := w.spoilRoots(func(r vault.RootRow) vault.RootRow {
					if r.Tenant != shop {
						return r
					}
					row := from(r.Lineage)
					if relabelled {
						row.Tenant, row.Lineage = r.Tenant, r.Lineage
					}
					return row
				})
				w.refusesRoot(v, at, sealed)
			})
		}
	}
}

func otherOf[T comparable](at, a, b T) T {
	if at == a {
		return b
	}
	return a
}

func (w *world) refusesRoot(v *vault.Vault, at troth.Context, sealed []byte) {
	w.t.Helper()
	got, err := v.AppendOpen(w.ctx, nil, at, orders, sealed)
	require.Error(w.t, err)
	require.Nil(w.t, got)
	other := at
	other.Subject.ID = "somebody new"
	for _, ctx := range []troth.Context{at, other} {
		got, err = v.AppendSeal(w.ctx, nil, ctx, []byte("x"))
		w.keyError(err)
		require.Nil(w.t, got)
	}
	mac, err := v.MAC(w.ctx, someKey, nil)
	w.keyError(err)
	require.Zero(w.t, mac)
}

// keyError checks that it was the record or the key-encryption key that failed.
func (w *world) keyError(err error) {
	w.t.Helper()
	require.Error(w.t, err)
	for _, e := range []error{vault.ErrKeyRecord, vault.ErrKEK} {
		if errors.Is(err, e) {
			return
		}
	}
	w.t.Fatalf("another error: %v", err)
}

func TestRootRow_EveryFlippedByteIsRefused(t *testing.T) {
	w := newWorld(t)
	at := emailOf(shop, "42", profile)
	v := w.vault()
	sealed := w.seal(v, at, "ada")
	_, err := v.MAC(w.ctx, someKey, nil)
	require.NoError(t, err)
	ofShop := func(spoil func(*vault.RootRow)) func(vault.RootRow) vault.RootRow {
		return func(r vault.RootRow) vault.RootRow {
			if r.Tenant == shop {
				spoil(&r)
			}
			return r
		}
	}
	for i := range w.rootRow(shop, vault.WrapLineage).Sealed {
		w.refusesRoot(w.spoilRoots(ofShop(func(r *vault.RootRow) {
			r.Sealed = bytes.Clone(r.Sealed)
			r.Sealed[i] ^= 1
		})), at, sealed)
	}
	for i := range 32 {
		w.refusesRoot(w.spoilRoots(ofShop(func(r *vault.RootRow) { r.Commitment[i] ^= 1 })), at, sealed)
	}
	w.refusesRoot(w.spoilRoots(ofShop(func(r *vault.RootRow) { r.Epoch++ })), at, sealed)
	w.refusesRoot(w.spoilRoots(ofShop(func(r *vault.RootRow) { r.Lineage = "other" })), at, sealed)
}

// What was unwrapped once is remembered; a record that was changed since must
// not find it.
func TestRootRow_MemoryOfAGoodRootDoesNotServeABadRecord(t *testing.T) {
	w := newWorld(t)
	at := emailOf(shop, "42", profile)
	store := &hooked{Backend: w.store}
	v := w.vaultOn(store)
	w.seal(v, at, "ada")
	tx, err := w.db.Begin(w.ctx)
	require.NoError(t, err)
	defer func() { require.NoError(t, tx.Rollback()) }()
	store.root = func(r vault.RootRow) vault.RootRow {
		r.Commitment[0] ^= 1
		return r
	}
	_, err = v.AppendSeal(w.db.WithTx(w.ctx, tx), nil, emailOf(shop, "43", profile), nil)
	w.keyError(err)
}
