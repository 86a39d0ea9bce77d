package vault_test

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
	tinkpb "github.com/tink-crypto/tink-go/v2/proto/tink_go_proto"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/vault"
)

// tinkV1 are keysets and values that github.com/google/tink/go made;
// internal/tinkv1vectors is the program.
type tinkV1 struct {
	Master         json.RawMessage
	AssociatedData []byte
	Keysets        []struct {
		Name   string
		Binary []byte
		JSON   json.RawMessage
		Values []struct {
			KeyID          uint32
			Plaintext      string
			AssociatedData []byte
			Sealed         []byte
		}
	}
}

func readTinkV1(t *testing.T) (v tinkV1) {
	t.Helper()
	b, err := os.ReadFile("testdata/tinkv1.json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(b, &v))
	require.Len(t, v.Keysets, 6)
	return v
}

// handles are the keyset as read in each of its forms.
func (v *tinkV1) handles(t *testing.T, i int) []*keyset.Handle {
	t.Helper()
	master, err := insecurecleartextkeyset.Read(keyset.NewJSONReader(bytes.NewReader(v.Master)))
	require.NoError(t, err)
	over := aeadOf(t, master)
	binary, err := keyset.ReadWithAssociatedData(keyset.NewBinaryReader(bytes.NewReader(v.Keysets[i].Binary)), over, v.AssociatedData)
	require.NoError(t, err)
	text, err := keyset.Read(keyset.NewJSONReader(bytes.NewReader(v.Keysets[i].JSON)), over)
	require.NoError(t, err)
	return []*keyset.Handle{binary, text}
}

func importOf(at troth.Context, h *keyset.Handle) vault.KeysetImport {
	return vault.KeysetImport{Subject: at.Subject, Compartment: at.Compartment, Keyset: h, Ground: "migration"}
}

func TestImportKeyset_OfTheArchivedTink(t *testing.T) {
	needsTink(t)
	v1 := readTinkV1(t)
	for i, k := range v1.Keysets {
		t.Run(k.Name, func(t *testing.T) {
			w := newWorld(t)
			v := w.vault()
			at := emailOf(shop, "42", profile)
			handles := v1.handles(t, i)
			if k.Name == "aes-128" || k.Name == "xchacha" || k.Name == "aes-ctr-hmac" {
				_, err := v.ImportKeyset(w.ctx, token, importOf(at, handles[0]))
				require.ErrorIs(t, err, vault.ErrKeyset)
				require.Empty(t, w.allRoots(shop))
				return
			}
			for j, want := range []vault.Imported{{Keys: 3}, {Known: 3}} {
				did, err := v.ImportKeyset(w.ctx, token, importOf(at, handles[j]))
				require.NoError(t, err)
				require.Equal(t, want, did)
			}
			for _, value := range k.Values {
				f := vault.Foreign{Data: value.Sealed, AssociatedData: value.AssociatedData}
				if k.Name == "raw" {
					f.KeyID = value.KeyID
				}
				plain, err := w.vault().InsecureOpenForeign(w.ctx, nil, at, orders, f)
				require.NoError(t, err)
				require.Equal(t, value.Plaintext, string(plain))
				require.Error(t, lookup(v.AppendOpen(w.ctx, nil, at, orders, value.Sealed)), "it is not bound to the place")
			}
			require.EqualValues(t, 4, w.sealedBy(v, at), "what is known elsewhere does not seal")
		})
	}
}

// A key of 128 bits keeps the whole keyset out, whichever of them it is, and is not
// filled up; what cannot be used anyway does no harm.
func TestImportKeyset_RefusesAES128(t *testing.T) {
	needsTink(t)
	for name, c := range map[string]struct {
		primary, other *tinkpb.KeyTemplate
		disabled       bool
		want           error
	}{
		"alone":     {primary: aead.AES128GCMKeyTemplate(), want: vault.ErrKeyset},
		"beside":    {primary: aead.AES256GCMKeyTemplate(), other: aead.AES128GCMKeyTemplate(), want: vault.ErrKeyset},
		"primary":   {primary: aead.AES128GCMKeyTemplate(), other: aead.AES256GCMKeyTemplate(), want: vault.ErrKeyset},
		"disabled":  {primary: aead.AES256GCMKeyTemplate(), other: aead.AES128GCMKeyTemplate(), disabled: true},
		"no prefix": {primary: aead.AES256GCMNoPrefixKeyTemplate(), other: aead.AES128GCMKeyTemplate(), want: vault.ErrKeyset},
	} {
		t.Run(name, func(t *testing.T) {
			m := keyset.NewManager()
			id, err := m.Add(c.primary)
			require.NoError(t, err)
			require.NoError(t, m.SetPrimary(id))
			if c.other != nil {
				id, err := m.Add(c.other)
				require.NoError(t, err)
				if c.disabled {
					require.NoError(t, m.Disable(id))
				}
			}
			h, err := m.Handle()
			require.NoError(t, err)
			w := newWorld(t)
			did, err := w.vault().ImportKeyset(w.ctx, token, importOf(emailOf(shop, "42", profile), h))
			require.ErrorIs(t, err, c.want)
			if c.want == nil {
				require.Equal(t, vault.Imported{Keys: 1, Disabled: 1}, did)
				return
			}
			require.Zero(t, did)
			require.Empty(t, w.allRoots(shop), "nothing was made")
			require.Empty(t, w.rec.committed(t, "vault.import"))
		})
	}
}

// A program with Tink seals for the vault, in any language.
func TestImportKeyset_OpensWhatTinkSealedForUs(t *testing.T) {
	needsTink(t)
	w := newWorld(t)
	v, there := w.vault(), w.vault()
	at := emailOf(shop, "42", profile)
	before := w.seal(v, at, "ours")
	w.opens(there, at, before, "ours")
	h, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
	require.NoError(t, err)
	box, err := aeadOf(t, h).Encrypt([]byte("theirs"), aadOf(t, at))
	require.NoError(t, err)
	require.ErrorIs(t, lookup(v.AppendOpen(w.ctx, nil, at, orders, box)), vault.ErrOpen)

	did, err := v.ImportKeyset(w.ctx, token, importOf(at, h))
	require.NoError(t, err)
	require.Equal(t, vault.Imported{Keys: 1}, did)
	for _, at2 := range []*vault.Vault{v, there, w.vault()} {
		w.opens(at2, at, box, "theirs")
		w.opens(at2, at, before, "ours")
	}
	require.EqualValues(t, 2, w.generationOf(at, box))
	require.EqualValues(t, 3, w.sealedBy(v, at))
	require.NotZero(t, w.exported(nameOf(at)), "it exists elsewhere")
	es := w.rec.committed(t, "vault.import")
	require.Len(t, es, 1)
	require.Equal(t, "migration", es[0].Facts["ground"].Text())

	// Out again, with everything.
	k, err := v.InsecureExportCleartextKeyset(w.ctx, token, exportOf(at))
	require.NoError(t, err)
	require.Equal(t, 3, k.Keys)
	plain, err := aeadOf(t, readCleartext(t, k.Bytes)).Decrypt(box, aadOf(t, at))
	require.NoError(t, err)
	require.Equal(t, "theirs", string(plain))

	// It dies with the rest.
	w.shred(v, personOf(shop, "42"))
	w.refuses(v, at, box, vault.ErrShredded)
	_, err = v.ImportKeyset(w.ctx, token, importOf(at, h))
	require.ErrorIs(t, err, vault.ErrShredded)
}

func randomKey() []byte {
	b := make([]byte, 32)
	_, _ = rand.Read(b)
	return b
}

func TestImportKeyset_Conflicts(t *testing.T) {
	w := newWorld(t)
	v := w.vault()
	at, other := emailOf(shop, "42", profile), emailOf(shop, "42", invoice)
	sealed := w.seal(v, at, "ada")
	w.seal(v, other, "bill")
	key := randomKey()
	for name, id := range map[string]uint32{
		"of the compartment": w.keyRow(at).KeyID, "of another compartment": w.keyRow(other).KeyID,
	} {
		_, err := v.ImportKeyset(w.ctx, token, importOf(at, handleOf(t, id, key)))
		require.ErrorIs(t, err, vault.ErrKeyConflict, name)
	}
	rows, err := w.store.Keys(w.ctx, nameOf(at))
	require.NoError(t, err)
	require.Len(t, rows, 1, "nothing of it is taken in")
	require.Zero(t, w.exported(nameOf(at)))
	require.Empty(t, w.rec.committed(t, "vault.import"))
	w.opens(v, at, sealed, "ada")

	// Another person may have a key of the id, and this very key too.
	id := w.keyRow(at).KeyID
	_, err = v.ImportKeyset(w.ctx, token, importOf(emailOf(shop, "43", profile), handleOf(t, id, key)))
	require.NoError(t, err)
	_, err = v.ImportKeyset(w.ctx, token, importOf(emailOf(bakery, "42", profile), handleOf(t, id, key)))
	require.NoError(t, err)
}

func TestImportKeyset_Refuses(t *testing.T) {
	w := newWorld(t)
	v := w.vault()
	at := emailOf(shop, "42", profile)
	h := handleOf(t, 7, randomKey())
	for name, bad := range map[string]func(i *vault.KeysetImport){
		"no person":      func(i *vault.KeysetImport) { i.Subject.ID = "" },
		"no compartment": func(i *vault.KeysetImport) { i.Compartment = "" },
		"no ground":      func(i *vault.KeysetImport) { i.Ground = "" },
		"no keyset":      func(i *vault.KeysetImport) { i.Keyset = nil },
		"sixteen bytes":  func(i *vault.KeysetImport) { i.Keyset = handleOf(t, 7, randomKey()[:16]) },
	} {
		i := importOf(at, h)
		bad(&i)
		_, err := v.ImportKeyset(w.ctx, token, i)
		require.Error(t, err, name)
	}
	_, err := v.ImportKeyset(t.Context(), token, importOf(at, h))
	require.ErrorIs(t, err, troth.ErrNoActor)
	w.seal(v, at, "ada")
	stop := w.rec.failOn("vault.import")
	_, err = v.ImportKeyset(w.ctx, token, importOf(at, h))
	require.ErrorIs(t, err, errRecorder)
	stop()
	require.EqualValues(t, 1, w.sealedBy(v, at))
	for range vault.MaxGenerations - 2 {
		w.renew(v, at)
	}
	_, err = v.ImportKeyset(w.ctx, token, importOf(at, h))
	require.ErrorIs(t, err, vault.ErrGenerations, "with the one behind it there would be too many")
	require.NoError(t, v.Close(w.ctx))
	_, err = v.ImportKeyset(w.ctx, token, importOf(at, h))
	require.ErrorIs(t, err, vault.ErrClosed)
}

// Keys that Tink would not use are not taken in.
func TestImportKeyset_LeavesDisabledKeysOut(t *testing.T) {
	w := newWorld(t)
	v := w.vault()
	at := emailOf(shop, "42", profile)
	m := keyset.NewManager()
	var ids []uint32
	for range 3 {
		id, err := m.Add(aead.AES256GCMKeyTemplate())
		require.NoError(t, err)
		ids = append(ids, id)
	}
	require.NoError(t, m.SetPrimary(ids[0]))
	require.NoError(t, m.Disable(ids[1]))
	h, err := m.Handle()
	require.NoError(t, err)
	did, err := v.ImportKeyset(w.ctx, token, importOf(at, h))
	require.NoError(t, err)
	require.Equal(t, vault.Imported{Keys: 2, Disabled: 1}, did)
	rows, err := w.store.Keys(w.ctx, nameOf(at))
	require.NoError(t, err)
	require.Len(t, rows, 3)
	require.Equal(t, []uint32{ids[0], ids[2]}, []uint32{rows[1].KeyID, rows[2].KeyID}, "the primary is the newest of them")
}

func TestImportKeyset_InATransaction(t *testing.T) {
	c := newPendingCase(t)
	h := handleOf(t, 7, randomKey())
	for _, commit := range []bool{false, true} {
		inTx, tx := c.begin()
		_, err := c.v.ImportKeyset(inTx, token, importOf(c.at, h))
		require.NoError(t, err)
		if commit {
			require.NoError(t, tx.Commit())
		} else {
			require.NoError(t, tx.Rollback())
		}
		rows, err := c.store.Keys(c.ctx, nameOf(c.at))
		require.NoError(t, err)
		require.Len(t, rows, map[bool]int{false: 1, true: 3}[commit])
	}
	c.opens(c.v, c.at, c.sealed, "ada")
}

// Two processes take the same keyset in at once: it is there once.
func TestImportKeyset_InTwoProcesses(t *testing.T) {
	w := newWorld(t)
	at := emailOf(shop, "42", profile)
	h := handleOf(t, 7, randomKey())
	done := make(chan vault.Imported)
	for range 4 {
		v := w.vault()
		go func() {
			did, err := v.ImportKeyset(w.ctx, token, importOf(at, h))
			if err != nil {
				t.Error(err)
			}
			done <- did
		}()
	}
	var sum vault.Imported
	for range 4 {
		did := <-done
		sum.Keys += did.Keys
		sum.Known += did.Known
	}
	require.Equal(t, vault.Imported{Keys: 1, Known: 3}, sum)
	rows, err := w.store.Keys(w.ctx, nameOf(at))
	require.NoError(t, err)
	require.Len(t, rows, 2)
}
