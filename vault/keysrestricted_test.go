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

func (w *world) restricts(v *vault.Vault, subject string, except ...troth.Purpose) {
	w.t.Helper()
	_, err := v.Restrict(w.ctx, vault.Restriction{Tenant: shop, SubjectID: subject, Except: except, Ground: "accuracy-contested"})
	require.NoError(w.t, err)
}

// New generations of a restricted person are, too, whoever begins them.
func TestRestricted_NewGenerationsAre(t *testing.T) {
	needsTink(t)
	w := newWorld(t)
	v := w.vault()
	at := emailOf(shop, "42", profile)
	w.seal(v, at, "ada")
	w.restricts(v, "42", "legal-claim")
	begin := map[string]func(){
		"renewed": func() { w.renew(v, at) },
		"taken in": func() {
			h, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
			require.NoError(t, err)
			_, err = v.ImportKeyset(w.ctx, token, importOf(at, h))
			require.NoError(t, err)
			box, err := aeadOf(t, h).Encrypt([]byte("theirs"), []byte("x"))
			require.NoError(t, err)
			f := vault.Foreign{Data: box, AssociatedData: []byte("x")}
			for _, v := range []*vault.Vault{v, w.vault()} {
				for _, ctx := range []context.Context{w.ctx, asPerson(t.Context(), "kim")} {
					_, err = v.InsecureOpenForeign(ctx, nil, at, orders, f)
					require.ErrorIs(t, err, vault.ErrRestricted)
					_, err = v.InsecureOpenForeign(ctx, nil, at, "legal-claim", f)
					require.NoError(t, err)
				}
			}
		},
	}
	for name, do := range begin {
		do()
		rows, err := w.store.Keys(w.ctx, nameOf(at))
		require.NoError(t, err)
		for _, row := range rows {
			require.NotEmpty(t, row.Flag, "%s: generation %d", name, row.Generation)
		}
		sealed := w.seal(v, at, "again")
		for _, v := range []*vault.Vault{v, w.vault()} {
			require.ErrorIs(t, lookup(v.AppendOpen(w.ctx, nil, at, orders, sealed)), vault.ErrRestricted)
			require.NoError(t, lookup(v.AppendOpen(w.ctx, nil, at, "legal-claim", sealed)))
		}
	}
}

func TestRestricted_KeysDoNotLeave(t *testing.T) {
	w := newWorld(t)
	v := w.vault()
	ats := w.household(v, shop, 3)
	w.restricts(v, "s001", "legal-claim")
	for _, v := range []*vault.Vault{v, w.vault()} {
		for _, whole := range []bool{false, true} {
			e := exportOf(ats[2])
			if whole {
				e.Compartment = ""
			}
			k, err := v.InsecureExportCleartextKeyset(w.ctx, token, e)
			require.ErrorIs(t, err, vault.ErrRestricted)
			require.Empty(t, k)
		}
	}
	require.Zero(t, w.exported(nameOf(ats[2])))

	k, err := v.InsecureExportCleartextKeyset(w.ctx, token, vault.KeysetExport{Tenant: shop, WholeTenant: true, Ground: "moving-away"})
	require.NoError(t, err)
	require.Equal(t, 4, k.Keys)
	require.Equal(t, 2, k.Restricted)
	require.Zero(t, w.exported(nameOf(ats[2])))
	e := vault.KeysetExport{
		Tenant: shop, WholeTenant: true, Ground: "moving-away", Limit: 2, After: nameOf(ats[0]),
	}
	k, err = v.InsecureExportCleartextKeyset(w.ctx, token, e)
	require.NoError(t, err)
	require.Equal(t, vault.Keyset{Restricted: 2, Next: nameOf(ats[2])}, k, "a page of people whose keys stay")

	excepted := exportOf(ats[2])
	excepted.Ground = "legal-claim"
	k, err = v.InsecureExportCleartextKeyset(w.ctx, token, excepted)
	require.NoError(t, err)
	require.Equal(t, 1, k.Keys)
}

// A restriction that comes while keys are being packed keeps them here.
func TestRestricted_MeanwhileDoNotLeave(t *testing.T) {
	w := newWorld(t)
	v, other := w.vault(), w.vault()
	at := emailOf(shop, "42", profile)
	w.seal(v, at, "ada")
	e := exportOf(at)
	key := newKMSKey(t)
	key.set(func(context.Context) error { w.restricts(other, "42"); return nil })
	e.Under = key
	k, err := v.ExportKeyset(w.ctx, token, e)
	require.ErrorIs(t, err, vault.ErrRestricted)
	require.Empty(t, k)
	require.Zero(t, w.exported(nameOf(at)))
}

func TestReencrypt_LeavesTheRestrictedAlone(t *testing.T) {
	w := newWorld(t)
	v, l := w.vault(), w.letters()
	l.add(v, shop, "42")
	l.add(v, shop, "43")
	for _, s := range []string{"42", "43"} {
		w.renew(v, emailOf(shop, s, profile))
	}
	w.restricts(v, "42")
	run := l.run()
	var skipped []error
	run.Skipped = func(_ troth.Context, err error) { skipped = append(skipped, err) }
	did, err := v.Reencrypt(w.ctx, run)
	require.NoError(t, err)
	require.Equal(t, vault.Reencrypted{Values: 2, Written: 1, Restricted: 1, Next: "1", Done: true}, did)
	require.Len(t, skipped, 1)
	require.ErrorIs(t, skipped[0], vault.ErrRestricted)

	w.restricts(v, "44", "key-renewal")
	l.add(v, shop, "44")
	w.renew(v, emailOf(shop, "44", profile))
	did, err = v.Reencrypt(w.ctx, run)
	require.NoError(t, err)
	require.Equal(t, 1, did.Written, "where it is excepted it is done")
}
