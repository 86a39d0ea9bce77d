package vault_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/keyset"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/vault"
)

func TestInsecureOpenForeign_Rules(t *testing.T) {
	needsTink(t)
	w := newWorld(t)
	v := w.vault()
	at := emailOf(shop, "42", profile)
	ours := w.seal(v, at, "ours")
	h, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
	require.NoError(t, err)
	_, err = v.ImportKeyset(w.ctx, token, importOf(at, h))
	require.NoError(t, err)
	ad := []byte("customer/email")
	box, err := aeadOf(t, h).Encrypt([]byte("ada"), ad)
	require.NoError(t, err)
	f := vault.Foreign{Data: box, AssociatedData: ad}

	// What the vault sealed it does not open, wherever that is said to stand.
	elsewhere := at
	elsewhere.Cell.Row = "43"
	for _, place := range []troth.Context{at, elsewhere} {
		_, err = v.InsecureOpenForeign(w.ctx, nil, place, orders, vault.Foreign{Data: ours, AssociatedData: aadOf(t, at)})
		require.ErrorIs(t, err, vault.ErrOpen)
	}
	for _, bad := range []vault.Foreign{
		{},
		{Data: box},
		{Data: box[:20], AssociatedData: ad},
		{Data: append([]byte{2}, box[1:]...), AssociatedData: ad},
		{Data: box, AssociatedData: ad, KeyID: 7},
		{Data: box[5:], AssociatedData: ad, KeyID: w.keyRow(at).KeyID},
	} {
		_, err = v.InsecureOpenForeign(w.ctx, nil, at, orders, bad)
		require.ErrorIs(t, err, vault.ErrOpen)
	}
	for _, stranger := range []troth.Context{emailOf(shop, "43", profile), emailOf(bakery, "42", profile), emailOf(shop, "42", invoice)} {
		w.seal(v, stranger, "x")
		_, err = v.InsecureOpenForeign(w.ctx, nil, stranger, orders, f)
		require.ErrorIs(t, err, vault.ErrOpen)
	}
	_, err = v.InsecureOpenForeign(t.Context(), nil, at, orders, f)
	require.ErrorIs(t, err, troth.ErrNoActor)
	_, err = v.InsecureOpenForeign(w.ctx, nil, troth.Context{}, orders, f)
	require.Error(t, err)

	// It is an opening: a person's is on record before they see anything.
	kim := asPerson(t.Context(), "kim")
	stop := w.rec.failOn("vault.open")
	got, err := v.InsecureOpenForeign(kim, nil, at, orders, f)
	require.ErrorIs(t, err, errRecorder)
	require.Nil(t, got)
	stop()
	got, err = v.InsecureOpenForeign(kim, []byte("> "), at, orders, f)
	require.NoError(t, err)
	require.Equal(t, "> ada", string(got))
	require.Len(t, w.rec.committed(t, "vault.open"), 1)
	require.NoError(t, w.db.Atomically(kim, func(ctx context.Context) error {
		_, err := v.InsecureOpenForeign(ctx, nil, at, orders, f)
		require.ErrorIs(t, err, vault.ErrOpenInTx)
		return nil
	}))
	_, err = v.InsecureOpenForeign(w.ctx, nil, at, "migration", f)
	require.NoError(t, err)
	require.NoError(t, v.CloseWindows(w.ctx))
	var counted int64
	for _, e := range w.rec.committed(t, "vault.window-close") {
		counted += e.Facts["values"].Number()
	}
	require.Positive(t, counted)
}

// Values of another Tink program are sealed anew, bound to their places.
func TestReencrypt_ForeignValues(t *testing.T) {
	needsTink(t)
	w := newWorld(t)
	v, l := w.vault(), w.letters()
	h, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
	require.NoError(t, err)
	theirs := aeadOf(t, h)
	for i := range 12 {
		n := l.add(v, shop, "42")
		row, _, err := l.rows.Get(w.ctx, n)
		require.NoError(t, err)
		if i%2 == 0 {
			box, err := theirs.Encrypt([]byte(textOf(n)), []byte("letters"))
			require.NoError(t, err)
			row.sealed = string(box)
			require.NoError(t, l.rows.Put(w.ctx, n, row))
		}
	}
	at := emailOf(shop, "42", profile)
	_, err = v.ImportKeyset(w.ctx, token, importOf(at, h))
	require.NoError(t, err)
	info := h.KeysetInfo().GetPrimaryKeyId()
	run := l.run()
	run.InsecureForeign = func(_ troth.Context, sealed []byte) (vault.Foreign, bool) {
		id, _ := vault.KeyID(sealed)
		return vault.Foreign{Data: sealed, AssociatedData: []byte("letters")}, id == info
	}
	did, err := v.Reencrypt(w.ctx, run)
	require.NoError(t, err)
	require.Equal(t, 12, did.Written)
	require.Equal(t, map[uint32]int{3: 12}, l.generations(w.vault()))
}
