package vault_test

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/canon"
	"github.com/trothdev/troth/vault"
)

const ownVectorFile = "testdata/ownkek.json"

// ownVectors are a tenant's roots under its own key-encryption key, and the
// platform's index root, from which the key of their tags follows.
type ownVectors struct {
	PlatformKEK hexBytes `json:"platformKek"`
	Platform    record   `json:"platformIndexRoot"`
	TagKey      hexBytes `json:"tagKey"`
	Name        string   `json:"kekName"`
	Own         hexBytes `json:"kek"`
	Tenant      string   `json:"tenant"`
	WrapRoot    ownRoot  `json:"wrapRoot"`
	IndexRoot   ownRoot  `json:"indexRoot"`
	MAC         hexBytes `json:"mac"`
}

type ownRoot struct {
	record
	Tag     hexBytes `json:"tag"`
	Wrapped hexBytes `json:"wrapped"`
}

func readOwnVectors(t *testing.T) (v ownVectors) {
	t.Helper()
	if *updateVectors {
		writeOwnVectors(t)
	}
	b, err := os.ReadFile(ownVectorFile)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(b, &v))
	return v
}

// TestFormat_OwnKEKAsDocumented reads by what docs/formats/vault.md says and by
// nothing else of the vault.
func TestFormat_OwnKEKAsDocumented(t *testing.T) {
	v := readOwnVectors(t)
	info := canon.AppendText(canon.AppendText(canon.AppendDomain(nil, "troth.vault.mac/1"), "troth.vault.kek"), "1")
	require.Equal(t, v.TagKey, hexBytes(expand(t, v.Platform.Secret, string(info))))
	for lineage, r := range map[string]ownRoot{"wrap": v.WrapRoot, "index": v.IndexRoot} {
		aad := canon.AppendDomain(nil, "troth.vault.root/1")
		aad = canon.AppendText(aad, v.Tenant)
		aad = canon.AppendText(aad, lineage)
		aad = canon.AppendUint(aad, 0)
		aad = canon.AppendBytes(aad, r.Commitment)
		aad = canon.AppendText(aad, v.Name)
		require.Equal(t, r.AAD, hexBytes(aad))
		require.Equal(t, r.Sealed, append(append(hexBytes{}, r.Tag...), r.Wrapped...))
		h := hmac.New(sha256.New, v.TagKey)
		h.Write(canon.AppendBytes(canon.AppendBytes(canon.AppendDomain(nil, "troth.vault.own/1"), aad), r.Wrapped))
		require.Equal(t, r.Tag, hexBytes(h.Sum(nil)))
		require.Equal(t, r.Secret, hexBytes(gcmOpen(t, v.Own, r.Wrapped, aad)))
		require.Equal(t, commits(r.Secret), r.Commitment)
	}
}

func (v *ownVectors) rows() []vault.RootRow {
	row := func(tenant troth.Tenant, l vault.Lineage, kek string, r record) vault.RootRow {
		return vault.RootRow{
			Tenant: tenant, Lineage: l, KEK: kek, Sealed: r.Sealed, Commitment: [32]byte(r.Commitment), CreatedAt: 1,
		}
	}
	return []vault.RootRow{
		row(troth.Platform, vault.IndexLineage, "", v.Platform),
		row(troth.Tenant(v.Tenant), vault.WrapLineage, v.Name, v.WrapRoot.record),
		row(troth.Tenant(v.Tenant), vault.IndexLineage, v.Name, v.IndexRoot.record),
	}
}

func TestFormat_VaultReadsTheOwnVectors(t *testing.T) {
	x := readOwnVectors(t)
	w := newWorld(t)
	for _, row := range x.rows() {
		inserted, err := w.store.InsertRoot(w.ctx, row)
		require.NoError(t, err)
		require.True(t, inserted)
	}
	block, err := aes.NewCipher(x.Own)
	require.NoError(t, err)
	aead, err := cipher.NewGCMWithRandomNonce(block)
	require.NoError(t, err)
	w.kms(x.Name).keys[x.Name] = &kmsKey{aead: aead}
	v := w.vault()
	ref := someKey
	ref.Tenant = troth.Tenant(x.Tenant)
	mac, err := v.MAC(w.ctx, ref, []byte("message"))
	require.NoError(t, err)
	require.Equal(t, x.MAC, hexBytes(mac[:]))
	at := emailOf(ref.Tenant, "42", profile)
	w.opens(v, at, w.seal(v, at, "ada"), "ada")
}

// writeOwnVectors lets a vault move a tenant.
func writeOwnVectors(t *testing.T) {
	t.Helper()
	w := newWorld(t)
	x := ownVectors{PlatformKEK: make([]byte, 32), Name: ourKey, Own: randomKey(), Tenant: string(shop)}
	block, err := aes.NewCipher(x.Own)
	require.NoError(t, err)
	aead, err := cipher.NewGCMWithRandomNonce(block)
	require.NoError(t, err)
	w.kms(ourKey).keys[ourKey] = &kmsKey{aead: aead}
	v := w.vault()
	w.move(v, shop, ourKey)
	x.Platform = rootRecord(t, x.PlatformKEK, w.rootRow(troth.Platform, vault.IndexLineage))
	info := canon.AppendText(canon.AppendText(canon.AppendDomain(nil, "troth.vault.mac/1"), "troth.vault.kek"), "1")
	x.TagKey = expand(t, x.Platform.Secret, string(info))
	for l, to := range map[vault.Lineage]*ownRoot{vault.WrapLineage: &x.WrapRoot, vault.IndexLineage: &x.IndexRoot} {
		row := w.rootRow(shop, l)
		aad := vault.RootAAD(row)
		to.record = record{
			Secret: gcmOpen(t, x.Own, row.Sealed[32:], aad), Commitment: row.Commitment[:], AAD: aad, Sealed: row.Sealed,
		}
		to.Tag, to.Wrapped = row.Sealed[:32], row.Sealed[32:]
	}
	mac, err := v.MAC(w.ctx, someKey, []byte("message"))
	require.NoError(t, err)
	x.MAC = mac[:]
	b, err := json.MarshalIndent(x, "", "  ")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(ownVectorFile, append(b, '\n'), 0o600))
}
