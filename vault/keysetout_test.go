package vault_test

import (
	"bytes"
	"context"
	"crypto/fips140"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/tink"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/vault"
)

// token is held by whoever may touch keys.
var token vault.SecretAccess

// needsTink leaves out what Tink cannot do where only FIPS modes may: it passes
// its own nonces to AES-GCM.
func needsTink(t *testing.T) {
	t.Helper()
	if fips140.Enforced() {
		t.Skip("Tink's AES-GCM does not work where only FIPS 140 modes do")
	}
}

func readCleartext(t testing.TB, b []byte) *keyset.Handle {
	t.Helper()
	h, err := insecurecleartextkeyset.Read(keyset.NewBinaryReader(bytes.NewReader(b)))
	require.NoError(t, err)
	return h
}

func aeadOf(t testing.TB, h *keyset.Handle) tink.AEAD {
	t.Helper()
	a, err := aead.New(h)
	require.NoError(t, err)
	return a
}

func exportOf(at troth.Context) vault.KeysetExport {
	return vault.KeysetExport{
		Tenant: at.Subject.Tenant, SubjectID: at.Subject.ID, Compartment: at.Compartment, Ground: "portability",
	}
}

func (w *world) exported(name vault.KeyName) int64 {
	w.t.Helper()
	at, err := w.store.Exported(w.t.Context(), name)
	require.NoError(w.t, err)
	return at
}

func TestExportKeyset_OpensOurValuesWithTink(t *testing.T) {
	needsTink(t)
	w := newWorld(t)
	w.kms(ourKey)
	v := w.vault()
	at, other := emailOf(shop, "42", profile), emailOf(shop, "42", invoice)
	sealed := [][]byte{w.seal(v, at, "first")}
	w.renew(v, at)
	sealed = append(sealed, w.seal(v, at, "second"))
	spared := w.seal(v, other, "bill")

	e := exportOf(at)
	theirs := newKMSKey(t)
	e.Under, e.AssociatedData = theirs, []byte("for ada")
	k, err := v.ExportKeyset(w.ctx, token, e)
	require.NoError(t, err)
	require.Equal(t, 2, k.Keys)
	require.True(t, k.Done)
	for _, row := range w.allKeys(shop) {
		raw, err := v.RawKey(w.ctx, row)
		require.NoError(t, err)
		require.NotContains(t, string(k.Bytes), string(raw), "it is encrypted")
	}

	read := func(ad string) (*keyset.Handle, error) {
		return keyset.ReadWithContext(w.ctx, keyset.NewBinaryReader(bytes.NewReader(k.Bytes)), theirs, []byte(ad))
	}
	_, err = read("for bob")
	require.Error(t, err, "it is bound")
	h, err := read("for ada")
	require.NoError(t, err)
	a := aeadOf(t, h)
	for i, want := range []string{"first", "second"} {
		plain, err := a.Decrypt(sealed[i], aadOf(t, at))
		require.NoError(t, err)
		require.Equal(t, want, string(plain))
		require.Error(t, lookup(a.Decrypt(sealed[i], aadOf(t, emailOf(shop, "43", profile)))))
	}
	require.Error(t, lookup(a.Decrypt(spared, aadOf(t, other))), "another compartment's key is not in it")
	box, err := a.Encrypt([]byte("from Tink"), aadOf(t, at))
	require.NoError(t, err)
	w.opens(v, at, box, "from Tink")
	require.EqualValues(t, 2, w.generationOf(at, box), "the newest is the primary")

	es := w.rec.committed(t, "vault.export")
	require.Len(t, es, 1)
	require.Equal(t, "42", es[0].SubjectID)
	require.Equal(t, "compartments", es[0].Facts["scope"].Text())
	require.Equal(t, "portability", es[0].Facts["ground"].Text())
	require.Equal(t, "encrypted", es[0].Facts["keyset"].Text())
	require.EqualValues(t, 2, es[0].Facts["keys"].Number())
	require.NotZero(t, w.exported(nameOf(at)))
	require.Zero(t, w.exported(nameOf(other)))
}

func TestExportKeyset_OfAPersonAndOfATenant(t *testing.T) {
	needsTink(t)
	w := newWorld(t)
	v := w.vault()
	ats := w.household(v, shop, 5)
	w.household(v, bakery, 1)
	w.renew(v, ats[0])
	identity := emailOf(shop, "s000", troth.PseudonymCompartment)
	w.seal(v, identity, "who")
	sealed := map[troth.Context][]byte{}
	for _, at := range ats {
		sealed[at] = w.seal(v, at, "ada")
	}

	e := exportOf(ats[0])
	e.Compartment = ""
	k, err := v.InsecureExportCleartextKeyset(w.ctx, token, e)
	require.NoError(t, err)
	require.Equal(t, 3, k.Keys, "two compartments, one with two generations, and no pseudonym")
	a := aeadOf(t, readCleartext(t, k.Bytes))
	for _, at := range ats {
		_, err := a.Decrypt(sealed[at], aadOf(t, at))
		require.Equal(t, at.Subject.ID == "s000", err == nil)
	}
	require.Zero(t, w.exported(nameOf(identity)))
	require.Equal(t, "cleartext", w.rec.committed(t, "vault.export")[0].Facts["keyset"].Text())
	require.Equal(t, "subject", w.rec.committed(t, "vault.export")[0].Facts["scope"].Text())

	opened, keys, pages := 0, 0, 0
	e = vault.KeysetExport{Tenant: shop, WholeTenant: true, Ground: "moving-away", Limit: 4}
	for done := false; !done; pages++ {
		k, err := v.InsecureExportCleartextKeyset(w.ctx, token, e)
		require.NoError(t, err)
		keys += k.Keys
		a := aeadOf(t, readCleartext(t, k.Bytes))
		for _, at := range ats {
			if plain, err := a.Decrypt(sealed[at], aadOf(t, at)); err == nil {
				require.Equal(t, "ada", string(plain))
				opened++
			}
		}
		e.After, done = k.Next, k.Done
	}
	require.Equal(t, len(ats), opened, "each value by one page")
	require.Equal(t, 11, keys)
	require.GreaterOrEqual(t, pages, 3)
	for _, at := range ats {
		require.NotZero(t, w.exported(nameOf(at)))
	}
	require.Zero(t, w.exported(vault.KeyName{Tenant: bakery}))
}

// A page of which nothing leaves is no end.
func TestExportKeyset_EmptyPages(t *testing.T) {
	w := newWorld(t)
	v := w.vault()
	_, err := v.InsecureExportCleartextKeyset(w.ctx, token, vault.KeysetExport{Tenant: shop, WholeTenant: true, Ground: "moving-away"})
	require.ErrorIs(t, err, vault.ErrNoKey)
	for _, s := range []string{"1", "2", "3"} {
		w.seal(v, emailOf(shop, s, troth.PseudonymCompartment), "who")
	}
	w.seal(v, emailOf(shop, "4", profile), "ada")
	e := vault.KeysetExport{Tenant: shop, WholeTenant: true, Ground: "moving-away", Limit: 1}
	pages, keys := 0, 0
	for done := false; !done; pages++ {
		k, err := v.InsecureExportCleartextKeyset(w.ctx, token, e)
		require.NoError(t, err)
		require.Equal(t, k.Keys == 0, len(k.Bytes) == 0)
		keys += k.Keys
		e.After, done = k.Next, k.Done
	}
	require.Equal(t, 1, keys)
	require.Equal(t, 5, pages)
}

// Two people's key ids may be the same, which Tink's keysets have no room for:
// then the page ends before the second.
func TestExportKeyset_ClashingIDs(t *testing.T) {
	needsTink(t)
	w := newWorld(t)
	v := w.vault()
	ats := w.household(v, shop, 3)
	donor := w.keyRow(ats[0])
	raw, err := v.RawKey(w.ctx, donor)
	require.NoError(t, err)
	twin := emailOf(shop, "s001", "twin")
	_, err = v.ImportKeyset(w.ctx, token, vault.KeysetImport{
		Subject: twin.Subject, Compartment: twin.Compartment, Keyset: handleOf(t, donor.KeyID, raw), Ground: "test",
	})
	require.NoError(t, err)
	e := vault.KeysetExport{Tenant: shop, WholeTenant: true, Ground: "moving-away"}
	var pages, keys int
	for done := false; !done; pages++ {
		k, err := v.InsecureExportCleartextKeyset(w.ctx, token, e)
		require.NoError(t, err)
		readCleartext(t, k.Bytes)
		keys += k.Keys
		e.After, done = k.Next, k.Done
	}
	require.Equal(t, 2, pages)
	require.Equal(t, 8, keys)
}

func TestExportKeyset_Refuses(t *testing.T) {
	w := newWorld(t)
	v := w.vault()
	at := emailOf(shop, "42", profile)
	w.seal(v, at, "ada")
	good := exportOf(at)
	for name, bad := range map[string]func(e *vault.KeysetExport){
		"nobody":                 func(e *vault.KeysetExport) { e.SubjectID = "" },
		"somebody and everybody": func(e *vault.KeysetExport) { e.WholeTenant = true },
		"everybody's one":        func(e *vault.KeysetExport) { e.SubjectID, e.WholeTenant = "", true },
		"limit":                  func(e *vault.KeysetExport) { e.Limit = 1001 },
		"another's cursor":       func(e *vault.KeysetExport) { e.After = vault.KeyName{Tenant: bakery} },
		"somebody else's cursor": func(e *vault.KeysetExport) { e.After = vault.KeyName{Tenant: shop, SubjectID: "43"} },
		"no ground":              func(e *vault.KeysetExport) { e.Ground = "" },
		"no tenant":              func(e *vault.KeysetExport) { e.Tenant = "" },
		"under, in the clear":    func(e *vault.KeysetExport) { e.Under = newKMSKey(t) },
	} {
		t.Run(name, func(t *testing.T) {
			e := good
			bad(&e)
			k, err := v.InsecureExportCleartextKeyset(w.ctx, token, e)
			require.Error(t, err)
			require.Empty(t, k)
		})
	}
	_, err := v.ExportKeyset(w.ctx, token, good)
	require.ErrorIs(t, err, vault.ErrTarget, "under nothing")
	_, err = v.InsecureExportCleartextKeyset(t.Context(), token, good)
	require.ErrorIs(t, err, troth.ErrNoActor)
	require.NoError(t, w.db.Atomically(w.ctx, func(ctx context.Context) error {
		_, err := v.InsecureExportCleartextKeyset(ctx, token, good)
		require.ErrorIs(t, err, vault.ErrInTx)
		return nil
	}))
	_, err = v.InsecureExportCleartextKeyset(w.ctx, token, exportOf(emailOf(shop, "43", profile)))
	require.ErrorIs(t, err, vault.ErrNoKey)
	_, err = v.InsecureExportCleartextKeyset(w.ctx, token, exportOf(emailOf(bakery, "42", profile)))
	require.ErrorIs(t, err, vault.ErrNoKey)

	key := newKMSKey(t)
	key.revoke()
	sealed := good
	sealed.Under = key
	_, err = v.ExportKeyset(w.ctx, token, sealed)
	require.ErrorIs(t, err, errRevoked)
	stop := w.rec.failOn("vault.export")
	k, err := v.InsecureExportCleartextKeyset(w.ctx, token, good)
	require.ErrorIs(t, err, errRecorder)
	require.Empty(t, k, "no evidence, no keys")
	stop()
	require.Zero(t, w.exported(vault.KeyName{Tenant: shop}))
	require.Empty(t, w.rec.committed(t, "vault.export"))

	w.shred(v, personOf(shop, "42"))
	_, err = v.InsecureExportCleartextKeyset(w.ctx, token, good)
	require.ErrorIs(t, err, vault.ErrShredded)
	require.NoError(t, v.Close(w.ctx))
	_, err = v.InsecureExportCleartextKeyset(w.ctx, token, good)
	require.ErrorIs(t, err, vault.ErrClosed)
}

// Keys that another process shreds while they are being packed do not leave.
func TestExportKeyset_ShreddedMeanwhile(t *testing.T) {
	w := newWorld(t)
	v, other := w.vault(), w.vault()
	at := emailOf(shop, "42", profile)
	w.seal(v, at, "ada")
	e := exportOf(at)
	key := newKMSKey(t)
	key.set(func(context.Context) error { w.shred(other, personOf(shop, "42")); return nil })
	e.Under = key
	k, err := v.ExportKeyset(w.ctx, token, e)
	require.ErrorIs(t, err, vault.ErrShredded)
	require.Empty(t, k)
	require.Zero(t, w.exported(nameOf(at)))
}

// An export that was given up is none.
func TestExportKeyset_CallerGivesUp(t *testing.T) {
	w := newWorld(t)
	v := w.vault()
	at := emailOf(shop, "42", profile)
	w.seal(v, at, "ada")
	e := exportOf(at)
	key := newKMSKey(t)
	ctx, cancel := context.WithCancel(w.ctx)
	key.set(func(ctx context.Context) error { cancel(); return ctx.Err() })
	e.Under = key
	_, err := v.ExportKeyset(ctx, token, e)
	require.ErrorIs(t, err, context.Canceled)
	require.Zero(t, w.exported(nameOf(at)))
}

// handleOf makes a keyset of one AES-GCM key of the TINK prefix.
func handleOf(t testing.TB, id uint32, key []byte) *keyset.Handle {
	t.Helper()
	h, err := insecurecleartextkeyset.Read(keyset.NewJSONReader(bytes.NewBufferString(keysetText(id, key, "TINK"))))
	require.NoError(t, err)
	return h
}
