package vault_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/vault"
)

// Old data gets the newest key tables: a tenant that had moved is under its own
// key, a generation that was let go stays dead, and the compartment lives.
func TestRestoreKeys_MovedAndLetGo(t *testing.T) {
	w := newWorld(t)
	k := w.kms(ourKey)
	v := w.vault()
	at := emailOf(shop, "42", profile)
	first := w.seal(v, at, "first")
	w.renew(v, at)
	second := w.seal(v, at, "second")
	old := newWorld(t) // a copy from before
	old.keks = w.keks
	require.NoError(t, w.copyRoots(old, shop))
	keys, err := w.store.Keys(w.ctx, nameOf(at))
	require.NoError(t, err)
	for _, row := range keys {
		_, err := old.store.InsertKey(old.ctx, row)
		require.NoError(t, err)
	}

	w.move(v, shop, ourKey)
	_, err = w.aged().RetireKey(w.ctx, erasure, retirementOf(at, 1))
	require.NoError(t, err)
	var b bytes.Buffer
	_, err = w.vault().BackupKeys(w.ctx, &b)
	require.NoError(t, err)

	require.NoError(t, w.copyRoots(old, troth.Platform))
	for range 2 {
		old.restoreKeys(old.vault(), b.Bytes())
		cold := old.vault()
		old.opens(cold, at, second, "second")
		require.ErrorIs(t, lookup(cold.AppendOpen(old.ctx, nil, at, orders, first)), vault.ErrOpen)
		for _, row := range old.allRoots(shop) {
			require.Equal(t, ourKey, row.KEK)
		}
	}
	k.keys[ourKey].revoke()
	require.ErrorIs(t, lookup(old.vault().AppendOpen(old.ctx, nil, at, orders, second)), vault.ErrKEK)
}
