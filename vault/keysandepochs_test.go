package vault_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/vault"
)

func newOwnEpochal(t *testing.T) (*epochal, *tenantKMS) {
	e := newEpochal(t)
	k := e.kms(ourKey, theirKey)
	return e, k
}

// A tenant that has moved stays under its key when it comes to another epoch,
// and moves back with both layers whole.
func TestMoveTenant_BetweenEpochs(t *testing.T) {
	e, k := newOwnEpochal(t)
	v := e.open()
	at := emailOf(shop, "42", profile)
	sealed := e.seal(v, at, "ada")
	mac, err := v.MAC(e.ctx, someKey, nil)
	require.NoError(t, err)
	theirs := emailOf(bakery, "1", profile)
	bread := e.seal(v, theirs, "bread")

	e.move(v, shop, ourKey)
	e.advance(v)
	e.rewrap(v)
	for _, row := range e.allRoots(shop) {
		if len(row.Sealed) > 0 {
			require.EqualValues(t, 2, row.Epoch)
			require.Equal(t, ourKey, row.KEK)
		}
	}
	require.Empty(t, e.rootRow(bakery, vault.WrapLineage).KEK)
	works := func(v *vault.Vault) {
		e.opens(v, at, sealed, "ada")
		e.opens(v, theirs, bread, "bread")
		again, err := v.MAC(e.ctx, someKey, nil)
		require.NoError(t, err)
		require.Equal(t, mac, again)
	}
	works(v)
	works(e.open())
	e.renew(v, at)
	works(e.open())
	k.keys[ourKey].revoke()
	require.ErrorIs(t, lookup(e.open().AppendOpen(e.ctx, nil, at, orders, sealed)), vault.ErrKEK)
	e.opens(e.open(), theirs, bread, "bread")
	k.keys[ourKey].restore()

	e.move(e.open(), shop, theirKey)
	works(e.open())
	e.move(e.open(), shop, "")
	works(e.open())
	require.NotEmpty(t, e.retire(v))
	works(e.open())
}

// A rotation that was prepared before the tenant moved does not put a root back
// under the key that the tenant left.
func TestMoveTenant_WhileItRotates(t *testing.T) {
	e, k := newOwnEpochal(t)
	v := e.open()
	at := emailOf(shop, "42", profile)
	sealed := e.seal(v, at, "ada")
	e.move(v, shop, ourKey)
	e.advance(v)
	other := e.open()
	var once sync.Once
	k.keys[ourKey].set(func(context.Context) error {
		once.Do(func() { go e.move(other, shop, theirKey) })
		return nil
	})
	_, err := v.Rotate(e.ctx, shop)
	require.NoError(t, err)
	require.Eventually(t, func() bool { // the move may end behind the rotation
		name, err := e.open().TenantKEK(e.ctx, shop)
		return err == nil && name == theirKey
	}, time.Minute, 5*time.Millisecond)
	for _, row := range e.allRoots(shop) {
		require.True(t, len(row.Sealed) == 0 || row.KEK == theirKey, "%+v", row)
	}
	k.keys[ourKey].revoke()
	e.opens(e.open(), at, sealed, "ada")
}

// The horizon of what was given away, or taken in, is none.
func TestHorizon_OfKeysThatAreElsewhere(t *testing.T) {
	e := newEpochal(t)
	v := e.open()
	at, spared, foreign := emailOf(shop, "42", profile), emailOf(shop, "43", profile), emailOf(shop, "44", profile)
	e.seal(v, at, "ada")
	e.seal(v, spared, "bob")
	_, err := v.InsecureExportCleartextKeyset(e.ctx, token, exportOf(at))
	require.NoError(t, err)
	_, err = v.ImportKeyset(e.ctx, token, importOf(foreign, handleOf(t, 7, randomKey())))
	require.NoError(t, err)
	for who, want := range map[string]bool{"42": true, "43": false, "44": true} {
		h, err := v.Horizon(e.ctx, e.shred(v, personOf(shop, who)))
		require.NoError(t, err)
		require.Equal(t, want, h.Exported, who)
		require.False(t, h.Final)
	}
}

// A generation that was let go has a horizon like everything that died.
func TestHorizon_OfARetiredGeneration(t *testing.T) {
	e := newEpochal(t)
	v := e.open()
	at := emailOf(shop, "42", profile)
	e.seal(v, at, "ada")
	e.renew(v, at)
	e.pass(2 * time.Hour)
	r, err := v.RetireKey(e.ctx, erasure, retirementOf(at, 1))
	require.NoError(t, err)
	h, err := v.Horizon(e.ctx, r)
	require.NoError(t, err)
	require.False(t, h.Final)
	e.pass(time.Hour)
	e.advance(v)
	e.rewrap(v)
	e.retire(v)
	e.pass(time.Hour)
	h, err = v.Horizon(e.ctx, r)
	require.NoError(t, err)
	require.True(t, h.Final, h.String())
	e.opens(v, at, e.seal(v, at, "lives on"), "lives on")
}
