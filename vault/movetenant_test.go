package vault_test

import (
	"context"
	"crypto/sha256"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/vault"
)

// allKeys are the data keys of a tenant as stored.
func (w *world) allKeys(tenant troth.Tenant) []vault.KeyRow {
	w.t.Helper()
	rows, err := w.store.NewestKeys(w.t.Context(), vault.KeyName{Tenant: tenant}, 1000)
	require.NoError(w.t, err)
	return rows
}

func (w *world) allRoots(tenant troth.Tenant) []vault.RootRow {
	w.t.Helper()
	rows, err := w.store.Roots(w.t.Context(), tenant)
	require.NoError(w.t, err)
	return rows
}

func TestMoveTenant_TouchesNoValue(t *testing.T) {
	w := newWorld(t)
	w.kms(ourKey, "kms://shop/2")
	v, there := w.vault(), w.vault()
	clock := w.fakeMono(there)
	at := w.household(v, shop, 3)
	theirs := w.household(v, bakery, 1)
	var sealed [][]byte
	for _, a := range at {
		sealed = append(sealed, w.seal(v, a, "ada"))
	}
	mac, err := v.MAC(w.ctx, someKey, []byte("m"))
	require.NoError(t, err)
	w.opens(there, at[0], sealed[0], "ada")
	keys, roots, others := w.allKeys(shop), w.allRoots(shop), w.allRoots(bakery)

	for i, kek := range []string{ourKey, "kms://shop/2", ""} {
		require.Equal(t, 2, w.move(v, shop, kek))
		require.Zero(t, w.move(v, shop, kek), "it is there already")
		require.Equal(t, keys, w.allKeys(shop), "no data key changes")
		require.Equal(t, others, w.allRoots(bakery))
		moved := w.allRoots(shop)
		for j := range moved {
			require.Equal(t, kek, moved[j].KEK)
			require.NotEqual(t, roots[j].Sealed, moved[j].Sealed)
			roots[j].KEK, roots[j].MovedAt, roots[j].Sealed = moved[j].KEK, moved[j].MovedAt, moved[j].Sealed
		}
		require.Equal(t, roots, moved, "nothing else of a root changes")
		name, err := v.TenantKEK(w.ctx, shop)
		require.NoError(t, err)
		require.Equal(t, kek, name)
		clock.advance(bound + 1)
		for _, at2 := range []*vault.Vault{v, there, w.vault()} {
			for j := range at {
				w.opens(at2, at[j], sealed[j], "ada")
			}
			again, err := at2.MAC(w.ctx, someKey, []byte("m"))
			require.NoError(t, err)
			require.Equal(t, mac, again)
		}
		require.Len(t, w.rec.committed(t, "vault.move"), i+1)
	}
	require.EqualValues(t, 1, w.sealedBy(v, theirs[0]))
	es := w.rec.committed(t, "vault.move")
	require.EqualValues(t, 2, es[1].Facts["roots"].Number())
	require.Equal(t, troth.Digest(sha256.Sum256([]byte(ourKey))), es[1].Facts["from"])
	require.Equal(t, troth.Digest(sha256.Sum256([]byte("kms://shop/2"))), es[1].Facts["to"])
	require.NotContains(t, es[0].Facts, "from")
	require.NotContains(t, es[2].Facts, "to")
}

func TestMoveTenant_BeforeAnythingWasSealed(t *testing.T) {
	w := newWorld(t)
	key := w.kms(ourKey).keys[ourKey]
	v := w.vault()
	require.Zero(t, w.move(v, shop, ""))
	require.Empty(t, w.allRoots(shop))
	require.Equal(t, 2, w.move(v, shop, ourKey))
	for _, row := range w.allRoots(shop) {
		require.Equal(t, ourKey, row.KEK)
	}
	at := emailOf(shop, "42", profile)
	sealed := w.seal(v, at, "ada")
	_, err := v.MAC(w.ctx, someKey, nil)
	require.NoError(t, err)
	before := key.called()
	w.opens(w.vault(), at, sealed, "ada")
	require.Greater(t, key.called(), before)
}

// A root that is made when the other one has moved lies under its key.
func TestMoveTenant_FirstRootFollowsTheOther(t *testing.T) {
	w := newWorld(t)
	key := w.kms(ourKey).keys[ourKey]
	w.move(w.vault(), shop, ourKey)
	wrap := w.rootRow(shop, vault.WrapLineage)

	other := newWorld(t) // as if only this root were there
	other.keks = w.keks
	v := other.vault()
	_, err := other.store.InsertRoot(w.ctx, wrap)
	require.NoError(t, err)
	_, err = v.MAC(other.ctx, someKey, nil)
	require.ErrorIs(t, err, vault.ErrKeyRecord, "this database's vault has not put it there")
	require.NoError(t, w.copyRoots(other, troth.Platform))
	before := key.called()
	v = other.vault()
	_, err = v.MAC(other.ctx, someKey, nil)
	require.NoError(t, err)
	require.Greater(t, key.called(), before)
	require.Equal(t, ourKey, other.rootRow(shop, vault.IndexLineage).KEK)
	require.Equal(t, wrap, other.rootRow(shop, vault.WrapLineage))
}

// copyRoots puts a tenant's roots into another database.
func (w *world) copyRoots(to *world, tenant troth.Tenant) error {
	for _, row := range w.allRoots(tenant) {
		if _, err := to.store.InsertRoot(to.ctx, row); err != nil {
			return err
		}
	}
	return nil
}

func TestMoveTenant_Refuses(t *testing.T) {
	w := newWorld(t)
	k := w.kms(ourKey)
	v := w.vault()
	at := emailOf(shop, "42", profile)
	sealed := w.seal(v, at, "ada")
	before := w.allRoots(shop)
	for _, bad := range []struct {
		tenant troth.Tenant
		kek    string
	}{
		{troth.Platform, ourKey},
		{shop, "kms://\n"},
		{shop, strings.Repeat("x", vault.MaxKEK+1)},
		{shop, "\xff"},
	} {
		_, err := v.MoveTenant(w.ctx, bad.tenant, bad.kek)
		require.ErrorIs(t, err, vault.ErrTarget)
	}
	_, err := v.MoveTenant(w.ctx, "", ourKey)
	require.Error(t, err)
	_, err = v.MoveTenant(t.Context(), shop, ourKey)
	require.ErrorIs(t, err, troth.ErrNoActor)
	require.NoError(t, w.db.Atomically(w.ctx, func(ctx context.Context) error {
		_, err := v.MoveTenant(ctx, shop, ourKey)
		require.ErrorIs(t, err, vault.ErrInTx)
		return nil
	}))
	require.Zero(t, k.resolved)

	_, err = v.MoveTenant(w.ctx, shop, "kms://nowhere")
	require.ErrorIs(t, err, vault.ErrKEK)
	key := k.keys[ourKey]
	key.revoke()
	_, err = w.vault().MoveTenant(w.ctx, shop, ourKey)
	require.ErrorIs(t, err, errRevoked)
	key.restore()
	for name, answer := range map[string]func(plain []byte, err error) ([]byte, error){
		"another root": func(plain []byte, err error) ([]byte, error) { plain[0] ^= 1; return plain, err },
		"nothing":      func([]byte, error) ([]byte, error) { return nil, nil },
	} {
		key.answer = answer
		_, err = w.vault().MoveTenant(w.ctx, shop, ourKey)
		require.ErrorIs(t, err, vault.ErrKEK, name)
	}
	key.answer = nil
	stop := w.rec.failOn("vault.move")
	_, err = w.vault().MoveTenant(w.ctx, shop, ourKey)
	require.ErrorIs(t, err, errRecorder)
	stop()
	require.Equal(t, before, w.allRoots(shop))
	require.Empty(t, w.rec.committed(t, "vault.move"))
	w.opens(v, at, sealed, "ada")

	w.keks = nil
	_, err = w.vault().MoveTenant(w.ctx, shop, ourKey)
	require.ErrorIs(t, err, vault.ErrKEK)
	w.shred(v, vault.Target{Tenant: shop, WholeTenant: true})
	_, err = v.MoveTenant(w.ctx, shop, ourKey)
	require.ErrorIs(t, err, vault.ErrShredded)
	require.NoError(t, v.Close(w.ctx))
	_, err = v.MoveTenant(w.ctx, bakery, ourKey)
	require.ErrorIs(t, err, vault.ErrClosed)
}

// The old key must answer: what it does not unwrap cannot move.
func TestMoveTenant_NeedsTheOldKey(t *testing.T) {
	w := newWorld(t)
	k := w.kms(ourKey)
	v := w.vault()
	at := emailOf(shop, "42", profile)
	w.move(v, shop, ourKey)
	sealed := w.seal(v, at, "ada")
	k.keys[ourKey].revoke()
	_, err := v.MoveTenant(w.ctx, shop, "")
	require.ErrorIs(t, err, vault.ErrKEK)
	k.keys[ourKey].restore()
	v = w.vault()
	require.Equal(t, 2, w.move(v, shop, ""))
	k.keys[ourKey].revoke()
	w.opens(w.vault(), at, sealed, "ada")
}

// Whoever changes the roots while keys are being asked is not overwritten.
func TestMoveTenant_RacesWithOthers(t *testing.T) {
	w := newWorld(t)
	k := w.kms(ourKey, "kms://shop/2")
	v := w.vault()
	at := emailOf(shop, "42", profile)
	sealed := w.seal(v, at, "ada")
	other := w.vault()
	var once sync.Once
	k.keys[ourKey].set(func(context.Context) error {
		once.Do(func() { w.move(other, shop, "kms://shop/2") })
		return nil
	})
	require.Equal(t, 2, w.move(v, shop, ourKey), "it begins again")
	require.Len(t, w.rec.committed(t, "vault.move"), 2)
	w.opens(w.vault(), at, sealed, "ada")

	// A tenant that is shredded meanwhile stays so.
	once = sync.Once{}
	k.keys[ourKey].restore()
	k.keys["kms://shop/2"].set(func(context.Context) error {
		once.Do(func() { w.shred(other, vault.Target{Tenant: shop, WholeTenant: true}) })
		return nil
	})
	_, err := v.MoveTenant(w.ctx, shop, "kms://shop/2")
	require.Error(t, err)
	for _, row := range w.allRoots(shop) {
		require.Empty(t, row.Sealed)
		require.NotZero(t, row.ShreddedAt)
	}
	w.refuses(w.vault(), at, sealed, vault.ErrShredded)
}

// Several processes move one tenant to and fro; every value opens all the time.
func TestMoveTenant_InSeveralProcesses(t *testing.T) {
	w := newWorld(t)
	w.kms(ourKey, theirKey)
	at := emailOf(shop, "42", profile)
	sealed := w.seal(w.vault(), at, "ada")
	var wg sync.WaitGroup
	for i := range 4 {
		v := w.vault()
		wg.Go(func() {
			for j := range 10 {
				_, err := v.MoveTenant(w.ctx, shop, []string{ourKey, theirKey, ""}[(i+j)%3])
				if err != nil && !troth.Retryable(err) {
					t.Error(err)
				}
				got, err := v.AppendOpen(w.ctx, nil, at, orders, sealed)
				if err != nil || string(got) != "ada" {
					t.Errorf("%q, %v", got, err)
				}
			}
		})
	}
	wg.Wait()
	rows := w.allRoots(shop)
	for _, row := range rows {
		require.Equal(t, rows[0].KEK, row.KEK)
	}
	w.opens(w.vault(), at, sealed, "ada")
}
