package vault_test

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"flag"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/canon"
	"github.com/trothdev/troth/vault"
)

var updateVectors = flag.Bool("vault.update", false, "make testdata/vectors.json anew")

const vectorFile = "testdata/vectors.json"

// hexBytes are bytes that JSON holds in hex.
type hexBytes []byte

func (h hexBytes) MarshalText() ([]byte, error) { return []byte(hex.EncodeToString(h)), nil }

func (h *hexBytes) UnmarshalText(text []byte) (err error) {
	*h, err = hex.DecodeString(string(text))
	return err
}

// vectors are one of everything that docs/formats/vault.md describes.
type vectors struct {
	KEK         hexBytes `json:"kek"`
	Tenant      string   `json:"tenant"`
	Subject     string   `json:"subject"`
	Compartment string   `json:"compartment"`
	Table       string   `json:"table"`
	Column      string   `json:"column"`
	Row         string   `json:"row"`
	WrapRoot    record   `json:"wrapRoot"`
	IndexRoot   record   `json:"indexRoot"`
	WrapKey     hexBytes `json:"wrapKey"`
	DataKey     record   `json:"dataKey"`
	Value       struct {
		Plaintext string   `json:"plaintext"`
		AAD       hexBytes `json:"aad"`
		Sealed    hexBytes `json:"sealed"`
	} `json:"value"`
	MAC    derived  `json:"mac"`
	AEAD   derived  `json:"aead"`
	Digest hexBytes `json:"receiptDigest"`
}

// record is a root or a data key as stored, with what is inside.
type record struct {
	Generation uint32   `json:"generation,omitempty"`
	KeyID      uint32   `json:"keyId,omitempty"`
	Epoch      uint32   `json:"epoch"`
	Secret     hexBytes `json:"secret"`
	Commitment hexBytes `json:"commitment"`
	AAD        hexBytes `json:"aad"`
	Sealed     hexBytes `json:"sealed"`
}

// derived is a key for others, and what it makes of a message.
type derived struct {
	Use     string   `json:"use"`
	ID      string   `json:"id"`
	Info    hexBytes `json:"info"`
	Key     hexBytes `json:"key"`
	Message string   `json:"message"`
	Result  hexBytes `json:"result"`
}

func gcmOpen(t *testing.T, key, box, aad []byte) []byte {
	t.Helper()
	block, err := aes.NewCipher(key)
	require.NoError(t, err)
	gcm, err := cipher.NewGCMWithRandomNonce(block)
	require.NoError(t, err)
	plain, err := gcm.Open(nil, nil, box, aad)
	require.NoError(t, err)
	return plain
}

func expand(t *testing.T, secret []byte, info string) []byte {
	t.Helper()
	key, err := hkdf.Expand(sha256.New, secret, info, 32)
	require.NoError(t, err)
	return key
}

func commits(key []byte) hexBytes {
	sum := sha256.Sum256(canon.AppendBytes(canon.AppendDomain(nil, "troth.vault.commit/1"), key))
	return sum[:]
}

func (v *vectors) at() troth.Context {
	return troth.Context{
		Subject:     troth.Subject{Tenant: troth.Tenant(v.Tenant), ID: v.Subject},
		Compartment: troth.Compartment(v.Compartment),
		Cell:        troth.Cell{Table: v.Table, Column: v.Column, Row: v.Row},
	}
}

func (v *vectors) rootRow(l vault.Lineage, r record) vault.RootRow {
	return vault.RootRow{
		Tenant: troth.Tenant(v.Tenant), Lineage: l, Epoch: r.Epoch, Sealed: r.Sealed, Commitment: [32]byte(r.Commitment), CreatedAt: 1,
	}
}

func (v *vectors) keyRow() vault.KeyRow {
	k := v.DataKey
	return vault.KeyRow{
		KeyName: nameOf(v.at()), Generation: k.Generation, KeyID: k.KeyID, Epoch: k.Epoch,
		Sealed: k.Sealed, Commitment: [32]byte(k.Commitment), CreatedAt: 1,
	}
}

// TestFormat_AsDocumented reads stored bytes by what docs/formats/vault.md says
// and by nothing else of the vault.
func TestFormat_AsDocumented(t *testing.T) {
	v := readVectors(t)
	root := func(r record, lineage string) {
		aad := canon.AppendDomain(nil, "troth.vault.root/1")
		aad = canon.AppendText(aad, v.Tenant)
		aad = canon.AppendText(aad, lineage)
		aad = canon.AppendUint(aad, uint64(r.Epoch))
		aad = canon.AppendBytes(aad, r.Commitment)
		require.Equal(t, hexBytes(aad), r.AAD)
		require.Equal(t, r.Secret, hexBytes(gcmOpen(t, v.KEK, r.Sealed, aad)))
		require.Equal(t, commits(r.Secret), r.Commitment)
	}
	root(v.WrapRoot, "wrap")
	root(v.IndexRoot, "index")
	require.Equal(t, v.WrapKey, hexBytes(expand(t, v.WrapRoot.Secret, "troth.vault.wrap/1")))

	k := v.DataKey
	aad := canon.AppendDomain(nil, "troth.vault.key/1")
	aad = canon.AppendText(aad, v.Tenant)
	aad = canon.AppendText(aad, v.Subject)
	aad = canon.AppendText(aad, v.Compartment)
	aad = canon.AppendUint(aad, uint64(k.Generation))
	aad = canon.AppendUint(aad, uint64(k.KeyID))
	aad = canon.AppendUint(aad, uint64(k.Epoch))
	aad = canon.AppendBytes(aad, k.Commitment)
	require.Equal(t, hexBytes(aad), k.AAD)
	require.Len(t, k.Sealed, 60)
	require.Equal(t, k.Secret, hexBytes(gcmOpen(t, v.WrapKey, k.Sealed, aad)))
	require.Equal(t, commits(k.Secret), k.Commitment)

	aad = canon.AppendDomain(nil, "troth.vault.value/1")
	for _, text := range []string{v.Tenant, v.Subject, v.Compartment, v.Table, v.Column, v.Row} {
		aad = canon.AppendText(aad, text)
	}
	require.Equal(t, hexBytes(aad), v.Value.AAD)
	sealed := v.Value.Sealed
	require.Equal(t, byte(1), sealed[0])
	require.Equal(t, k.KeyID, uint32(sealed[1])<<24|uint32(sealed[2])<<16|uint32(sealed[3])<<8|uint32(sealed[4]))
	require.Equal(t, v.Value.Plaintext, string(gcmOpen(t, k.Secret, sealed[5:], aad)))

	info := func(d derived, domain string) {
		b := canon.AppendText(canon.AppendText(canon.AppendDomain(nil, domain), d.Use), d.ID)
		require.Equal(t, hexBytes(b), d.Info)
		require.Equal(t, d.Key, hexBytes(expand(t, v.IndexRoot.Secret, string(b))))
	}
	info(v.MAC, "troth.vault.mac/1")
	h := hmac.New(sha256.New, v.MAC.Key)
	h.Write([]byte(v.MAC.Message))
	require.Equal(t, v.MAC.Result, hexBytes(h.Sum(nil)))
	info(v.AEAD, "troth.vault.aead/1")
	require.Equal(t, v.AEAD.Message, string(gcmOpen(t, v.AEAD.Key, v.AEAD.Result, nil)))

	dead := canon.AppendList(canon.AppendDomain(nil, "troth.vault.dead/1"), 1)
	sum := sha256.Sum256(canon.AppendBytes(dead, k.Commitment))
	require.Equal(t, v.Digest, hexBytes(sum[:]))
}

// TestFormat_VaultReadsTheVectors puts the stored bytes into a store.
func TestFormat_VaultReadsTheVectors(t *testing.T) {
	x := readVectors(t)
	w := newWorld(t)
	for _, row := range []vault.RootRow{x.rootRow(vault.WrapLineage, x.WrapRoot), x.rootRow(vault.IndexLineage, x.IndexRoot)} {
		inserted, err := w.store.InsertRoot(w.ctx, row)
		require.NoError(t, err)
		require.True(t, inserted)
		require.Equal(t, x.rootAAD(row.Lineage), hexBytes(vault.RootAAD(row)))
	}
	inserted, err := w.store.InsertKey(w.ctx, x.keyRow())
	require.NoError(t, err)
	require.True(t, inserted)
	require.Equal(t, x.DataKey.AAD, hexBytes(vault.KeyAAD(x.keyRow())))
	require.Equal(t, x.Value.AAD, hexBytes(aadOf(t, x.at())))
	sum := vault.Commitment(x.DataKey.Secret)
	require.Equal(t, x.DataKey.Commitment, hexBytes(sum[:]))
	key, err := vault.UnwrapWith(x.keyRow(), x.WrapKey)
	require.NoError(t, err)
	require.Equal(t, x.DataKey.Secret, hexBytes(key))

	v := w.vault()
	w.opens(v, x.at(), x.Value.Sealed, x.Value.Plaintext)
	tenant := troth.Tenant(x.Tenant)
	mac, err := v.MAC(w.ctx, troth.KeyRef{Tenant: tenant, Use: x.MAC.Use, ID: x.MAC.ID}, []byte(x.MAC.Message))
	require.NoError(t, err)
	require.Equal(t, x.MAC.Result, hexBytes(mac[:]))
	aead, err := v.AEAD(w.ctx, troth.KeyRef{Tenant: tenant, Use: x.AEAD.Use, ID: x.AEAD.ID})
	require.NoError(t, err)
	plain, err := aead.Open(nil, nil, x.AEAD.Result, nil)
	require.NoError(t, err)
	require.Equal(t, x.AEAD.Message, string(plain))
	receipt := w.shred(v, personOf(tenant, x.Subject))
	digest := receipt.Digest()
	require.Equal(t, x.Digest, hexBytes(digest[:]))
}

func (v *vectors) rootAAD(l vault.Lineage) hexBytes {
	if l == vault.IndexLineage {
		return v.IndexRoot.AAD
	}
	return v.WrapRoot.AAD
}

func readVectors(t *testing.T) *vectors {
	t.Helper()
	if *updateVectors {
		writeVectors(t)
	}
	b, err := os.ReadFile(vectorFile)
	require.NoError(t, err)
	v := &vectors{}
	require.NoError(t, json.Unmarshal(b, v))
	return v
}

// writeVectors lets a vault make one of everything.
func writeVectors(t *testing.T) {
	t.Helper()
	x := &vectors{
		KEK: make([]byte, 32), Tenant: "shop-17", Subject: "42", Compartment: "profile",
		Table: "customer", Column: "email", Row: "4711",
		MAC:  derived{Use: "test.token", ID: "1", Message: "message"},
		AEAD: derived{Use: "test.token", ID: "1", Message: "message"},
	}
	w := newWorld(t)
	v := w.vault()
	x.Value.Plaintext = "ada@example.org"
	x.Value.AAD = aadOf(t, x.at())
	x.Value.Sealed = w.seal(v, x.at(), x.Value.Plaintext)
	ref := troth.KeyRef{Tenant: shop, Use: x.MAC.Use, ID: x.MAC.ID}
	mac, err := v.MAC(w.ctx, ref, []byte(x.MAC.Message))
	require.NoError(t, err)
	x.MAC.Result = mac[:]
	aead, err := v.AEAD(w.ctx, ref)
	require.NoError(t, err)
	x.AEAD.Result = aead.Seal(nil, nil, []byte(x.AEAD.Message), nil)

	x.WrapRoot = rootRecord(t, x.KEK, w.rootRow(shop, vault.WrapLineage))
	x.IndexRoot = rootRecord(t, x.KEK, w.rootRow(shop, vault.IndexLineage))
	x.WrapKey = expand(t, x.WrapRoot.Secret, "troth.vault.wrap/1")
	for d, domain := range map[*derived]string{&x.MAC: "troth.vault.mac/1", &x.AEAD: "troth.vault.aead/1"} {
		d.Info = canon.AppendText(canon.AppendText(canon.AppendDomain(nil, domain), d.Use), d.ID)
		d.Key = expand(t, x.IndexRoot.Secret, string(d.Info))
	}
	row := w.keyRow(x.at())
	key, err := v.RawKey(w.ctx, row)
	require.NoError(t, err)
	x.DataKey = record{
		Generation: row.Generation, KeyID: row.KeyID, Epoch: row.Epoch, Secret: key,
		Commitment: row.Commitment[:], AAD: vault.KeyAAD(row), Sealed: row.Sealed,
	}
	receipt := w.shred(v, personOf(shop, x.Subject))
	digest := receipt.Digest()
	x.Digest = digest[:]
	b, err := json.MarshalIndent(x, "", "  ")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(vectorFile, append(b, '\n'), 0o600))
}

func rootRecord(t *testing.T, kek []byte, row vault.RootRow) record {
	t.Helper()
	aad := vault.RootAAD(row)
	return record{
		Epoch: row.Epoch, Secret: gcmOpen(t, kek, row.Sealed, aad), Commitment: row.Commitment[:], AAD: aad, Sealed: row.Sealed,
	}
}
