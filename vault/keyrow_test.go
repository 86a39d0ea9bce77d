package vault_test

import (
	"bytes"
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/vault"
)

// forged opens a vault, with an empty cache, that reads the given rows instead
// of those under the name.
func (w *world) forged(name vault.KeyName, rows ...vault.KeyRow) *vault.Vault {
	w.t.Helper()
	return w.vaultOn(&hooked{Backend: w.store, keys: func(_ context.Context, n vault.KeyName, found []vault.KeyRow) ([]vault.KeyRow, error) {
		if n == name {
			return rows, nil
		}
		return found, nil
	}})
}

// unusable checks that nothing opens, with the one text, and nothing seals.
func (w *world) unusable(v *vault.Vault, at troth.Context, sealed []byte) {
	w.t.Helper()
	got, err := v.AppendOpen(w.ctx, nil, at, orders, sealed)
	require.EqualError(w.t, err, vault.ErrOpen.Error())
	require.Nil(w.t, got)
	got, err = v.AppendSeal(w.ctx, nil, at, []byte("x"))
	require.ErrorIs(w.t, err, vault.ErrKeyRecord)
	require.Nil(w.t, got)
}

func TestKeyRow_SwappedDoesNotUnwrap(t *testing.T) {
	w := newWorld(t)
	v := w.vault()
	at := emailOf(shop, "42", profile)
	sealed := w.seal(v, at, "ada")
	others := map[string]troth.Context{
		"subject":     emailOf(shop, "43", profile),
		"compartment": emailOf(shop, "42", invoice),
		"tenant":      emailOf(bakery, "42", profile),
	}
	for name, other := range others {
		theirs := w.seal(v, other, "somebody else")
		row := w.keyRow(other)
		t.Run(name, func(t *testing.T) {
			w := w.in(t)
			w.unusable(w.forged(nameOf(at), row), at, sealed)
			row.KeyName = nameOf(at) // relabelled as well
			forged := w.forged(nameOf(at), row)
			w.unusable(forged, at, sealed)
			w.unusable(forged, at, theirs)
		})
	}
	t.Run("generation", func(t *testing.T) {
		w := w.in(t)
		old := w.keyRow(at)
		next, err := v.NextGeneration(w.ctx, old)
		require.NoError(t, err)
		a, b := next, old
		a.Generation, b.Generation = b.Generation, a.Generation
		w.unusable(w.forged(nameOf(at), b, a), at, sealed)
	})
	t.Run("key id of another generation", func(t *testing.T) {
		w := w.in(t)
		old := w.keyRow(at)
		next, err := v.NextGeneration(w.ctx, old)
		require.NoError(t, err)
		next.KeyID = old.KeyID
		w.unusable(w.forged(nameOf(at), next), at, sealed)
	})
}

func TestKeyRow_EveryFlippedByteIsRefused(t *testing.T) {
	w := newWorld(t)
	v := w.vault()
	at := emailOf(shop, "42", profile)
	sealed := w.seal(v, at, "ada")
	row := w.keyRow(at)
	for i := range row.Sealed {
		bad := row
		bad.Sealed = bytes.Clone(row.Sealed)
		bad.Sealed[i] ^= 0x40
		w.unusable(w.forged(nameOf(at), bad), at, sealed)
	}
	for i := range row.Commitment {
		bad := row
		bad.Commitment[i] ^= 0x40
		w.unusable(w.forged(nameOf(at), bad), at, sealed)
	}
	for n := range row.Sealed {
		bad := row
		bad.Sealed = row.Sealed[:n]
		w.unusable(w.forged(nameOf(at), bad), at, sealed)
	}
	for name, spoil := range map[string]func(*vault.KeyRow){
		"key id":     func(r *vault.KeyRow) { r.KeyID++ },
		"generation": func(r *vault.KeyRow) { r.Generation++ },
		"epoch":      func(r *vault.KeyRow) { r.Epoch++ },
		"longer":     func(r *vault.KeyRow) { r.Sealed = append(bytes.Clone(r.Sealed), 0) },
	} {
		t.Run(name, func(t *testing.T) {
			w := w.in(t)
			bad := row
			spoil(&bad)
			w.unusable(w.forged(nameOf(at), bad), at, sealed)
		})
	}
	w.opens(w.forged(nameOf(at), row), at, sealed, "ada")
}

func TestKeyRow_CommitmentOfAnotherKeyIsRefused(t *testing.T) {
	w := newWorld(t)
	v := w.vault()
	at := emailOf(shop, "42", profile)
	sealed := w.seal(v, at, "ada")
	next, err := v.NextGeneration(w.ctx, w.keyRow(at))
	require.NoError(t, err)
	bad := w.keyRow(at)
	bad.Commitment = next.Commitment
	w.unusable(w.forged(nameOf(at), bad), at, sealed)
	bad, err = v.ForgeCommitment(w.ctx, w.keyRow(at))
	require.NoError(t, err)
	w.unusable(w.forged(nameOf(at), bad), at, sealed)
}

// An older key of the same name, such as one of a transaction that was rolled
// back, is a good record. It opens nothing that it did not seal.
func TestKeyRow_ReplayedOlderKeyOpensNothingOfTheNewer(t *testing.T) {
	w := newWorld(t)
	v := w.vault()
	at := emailOf(shop, "42", profile)
	var older vault.KeyRow
	tx, err := w.db.Begin(w.ctx)
	require.NoError(t, err)
	inTx := w.db.WithTx(w.ctx, tx)
	_, err = v.AppendSeal(inTx, nil, at, []byte("never was"))
	require.NoError(t, err)
	rows, err := w.store.Keys(inTx, nameOf(at))
	require.NoError(t, err)
	older = rows[0]
	require.NoError(t, tx.Rollback())

	sealed := w.seal(v, at, "ada")
	require.NotEqual(t, older.KeyID, w.keyRow(at).KeyID)
	forged := w.forged(nameOf(at), older)
	got, err := forged.AppendOpen(w.ctx, nil, at, orders, sealed)
	require.EqualError(t, err, vault.ErrOpen.Error())
	require.Nil(t, got)
}

func TestKeyRow_NewerGenerationSealsAndAllOpen(t *testing.T) {
	w := newWorld(t)
	v := w.vault()
	at := emailOf(shop, "42", profile)
	first := w.seal(v, at, "first")
	w.opens(v, at, first, "first") // and its key is cached
	handle, err := v.For(w.ctx, at.Subject, at.Compartment, orders)
	require.NoError(t, err)
	_, err = handle.AppendOpen(w.ctx, nil, at.Cell, first)
	require.NoError(t, err)

	next, err := v.NextGeneration(w.ctx, w.keyRow(at))
	require.NoError(t, err)
	inserted, err := w.store.InsertKey(w.ctx, next)
	require.NoError(t, err)
	require.True(t, inserted)

	second := w.seal(w.vault(), at, "second")
	got, err := handle.AppendOpen(w.ctx, nil, at.Cell, second)
	require.NoError(t, err, "a handle looks again for a generation that another process began")
	require.Equal(t, "second", string(got))
	v2 := w.vault()
	w.opens(v2, at, first, "first")
	w.opens(v2, at, second, "second")
}

func TestVault_LooksAgainForAGenerationOfAnotherProcess(t *testing.T) {
	w := newWorld(t)
	v := w.vault()
	at := emailOf(shop, "42", profile)
	w.opens(v, at, w.seal(v, at, "first"), "first")
	next, err := v.NextGeneration(w.ctx, w.keyRow(at))
	require.NoError(t, err)
	_, err = w.store.InsertKey(w.ctx, next)
	require.NoError(t, err)
	w.opens(v, at, w.seal(w.vault(), at, "second"), "second")
}
