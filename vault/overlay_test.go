package vault_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/vault"
)

func TestOverlay_SealedAndOpenedInOneTransaction(t *testing.T) {
	c := newPendingCase(t)
	at := emailOf(shop, "new", profile)
	inTx, tx := c.begin()
	sealed, err := c.v.AppendSeal(inTx, nil, at, []byte("bob"))
	require.NoError(t, err)
	got, err := c.v.AppendOpen(inTx, nil, at, orders, sealed)
	require.NoError(t, err)
	require.Equal(t, "bob", string(got))
	h, err := c.v.For(inTx, at.Subject, at.Compartment, orders)
	require.NoError(t, err)
	got, err = h.AppendOpen(inTx, nil, at.Cell, sealed)
	require.NoError(t, err)
	require.Equal(t, "bob", string(got))

	require.ErrorIs(t, lookup(c.v.AppendOpen(c.ctx, nil, at, orders, sealed)), vault.ErrOpen,
		"outside of the transaction there is no such key yet")
	require.False(t, c.v.IsCached(nameOf(at)))
	require.NoError(t, tx.Commit())
	c.opens(c.v, at, sealed, "bob")
	got, err = h.AppendOpen(c.ctx, nil, at.Cell, sealed)
	require.NoError(t, err)
	require.Equal(t, "bob", string(got))
}

func TestOverlay_KeyOfARolledBackTransactionIsNotUsedLater(t *testing.T) {
	for name, tenant := range map[string]troth.Tenant{"root exists": shop, "root made in it too": bakery} {
		t.Run(name, func(t *testing.T) {
			c := newPendingCase(t)
			at := emailOf(tenant, "new", profile)
			ref := someKey
			ref.Tenant = tenant
			inTx, tx := c.begin()
			lost, err := c.v.AppendSeal(inTx, nil, at, []byte("bob"))
			require.NoError(t, err)
			lostMAC, err := c.v.MAC(inTx, ref, nil)
			require.NoError(t, err)
			lostID := lost[1:5]
			h, err := c.v.For(inTx, at.Subject, at.Compartment, "")
			require.NoError(t, err)
			_, err = h.AppendSeal(inTx, nil, at.Cell, nil)
			require.NoError(t, err)
			require.NoError(t, tx.Rollback())
			require.False(t, c.v.IsCached(nameOf(at)))

			require.ErrorIs(t, lookup(c.v.AppendOpen(c.ctx, nil, at, orders, lost)), vault.ErrOpen)
			fresh, err := h.AppendSeal(c.ctx, nil, at.Cell, []byte("again"))
			require.NoError(t, err)
			require.NotEqual(t, lostID, fresh[1:5], "the next seal makes another key")
			c.opens(c.v, at, fresh, "again")
			c.opens(c.vault(), at, fresh, "again")
			require.ErrorIs(t, lookup(c.v.AppendOpen(c.ctx, nil, at, orders, lost)), vault.ErrOpen)
			mac, err := c.v.MAC(c.ctx, ref, nil)
			require.NoError(t, err)
			require.NotEqual(t, lostMAC, mac)
			elsewhere, err := c.vault().MAC(c.ctx, ref, nil)
			require.NoError(t, err)
			require.Equal(t, elsewhere, mac)
		})
	}
}

func TestOverlay_SavepointTakesItsKeyBack(t *testing.T) {
	c := newPendingCase(t)
	at := emailOf(shop, "new", profile)
	inTx, tx := c.begin()
	var lost []byte
	require.ErrorIs(t, c.db.Atomically(inTx, func(ctx context.Context) (err error) {
		lost, err = c.v.AppendSeal(ctx, nil, at, []byte("bob"))
		require.NoError(t, err)
		return errHost
	}), errHost)
	require.ErrorIs(t, lookup(c.v.AppendOpen(inTx, nil, at, orders, lost)), vault.ErrOpen)
	var kept []byte
	require.NoError(t, c.db.Atomically(inTx, func(ctx context.Context) (err error) {
		kept, err = c.v.AppendSeal(ctx, nil, at, []byte("again"))
		return err
	}))
	got, err := c.v.AppendOpen(inTx, nil, at, orders, kept)
	require.NoError(t, err)
	require.Equal(t, "again", string(got))
	require.NoError(t, tx.Commit())
	c.opens(c.v, at, kept, "again")
}

func TestOverlay_OfOneTransactionIsNotAnothers(t *testing.T) {
	c := newPendingCase(t)
	at := emailOf(shop, "new", profile)
	first, tx1 := c.begin()
	lost, err := c.v.AppendSeal(first, nil, at, []byte("one"))
	require.NoError(t, err)
	require.NoError(t, tx1.Rollback())
	second, tx2 := c.begin()
	require.ErrorIs(t, lookup(c.v.AppendOpen(second, nil, at, orders, lost)), vault.ErrOpen)
	sealed, err := c.v.AppendSeal(second, nil, at, []byte("two"))
	require.NoError(t, err)
	require.NotEqual(t, lost[1:5], sealed[1:5])
	require.NoError(t, tx2.Commit())
	third, tx3 := c.begin()
	got, err := c.v.AppendOpen(third, nil, at, orders, sealed)
	require.NoError(t, err)
	require.Equal(t, "two", string(got))
	require.NoError(t, tx3.Commit())
}

func TestOverlay_TwoVaultsMakeOneKey(t *testing.T) {
	w := newWorld(t)
	a, b := w.vault(), w.vault()
	at := emailOf(shop, "42", profile)
	first := w.seal(a, at, "one")
	second := w.seal(b, at, "two")
	require.Equal(t, first[1:5], second[1:5])
	w.opens(a, at, second, "two")
	w.opens(b, at, first, "one")
}

func TestVault_RefusesAForeignRecorder(t *testing.T) {
	w := newWorld(t)
	c := w.config()
	c.Recorder = newWorld(t).rec
	_, err := vault.Open(w.ctx, c)
	require.ErrorIs(t, err, troth.ErrNotShared)
	for _, spoil := range []func(*vault.Config){
		func(c *vault.Config) { c.Store = nil },
		func(c *vault.Config) { c.KEK = nil },
		func(c *vault.Config) { c.Recorder = nil },
	} {
		c := w.config()
		spoil(&c)
		_, err := vault.Open(w.ctx, c)
		require.Error(t, err)
	}
}
