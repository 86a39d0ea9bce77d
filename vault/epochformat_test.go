package vault_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/canon"
	"github.com/trothdev/troth/internal/sealedfile"
	"github.com/trothdev/troth/vault"
)

const epochVectorFile = "testdata/epoch.json"

// epochVectors are what docs/formats/vault.md says of epochs: a folder with the
// key of one, a root under it, and a data key and a value under that.
type epochVectors struct {
	KEK        hexBytes `json:"kek"`
	Passphrase string   `json:"passphrase"`
	FileName   string   `json:"fileName"`
	Kind       string   `json:"kind"`
	File       hexBytes `json:"file"`
	EpochKey   hexBytes `json:"epochKey"`
	Tenant     string   `json:"tenant"`
	Subject    string   `json:"subject"`
	Epoch      uint32   `json:"epoch"`
	FirstEpoch uint32   `json:"firstEpoch"`
	Root       struct {
		record
		// Inner is what the epoch key made of the secret, InnerAAD what it is
		// bound to there.
		Inner    hexBytes `json:"inner"`
		InnerAAD hexBytes `json:"innerAad"`
	} `json:"wrapRoot"`
	DataKey   record   `json:"dataKey"`
	Plaintext string   `json:"plaintext"`
	Value     hexBytes `json:"value"`
}

func (x *epochVectors) at() troth.Context { return emailOf(troth.Tenant(x.Tenant), x.Subject, profile) }

func (x *epochVectors) rows() (vault.RootRow, vault.KeyRow) {
	root := vault.RootRow{
		Tenant: troth.Tenant(x.Tenant), Lineage: vault.WrapLineage, Epoch: x.Epoch,
		Sealed: x.Root.Sealed, Commitment: [32]byte(x.Root.Commitment), CreatedAt: 1,
	}
	key := vault.KeyRow{
		KeyName: nameOf(x.at()), Generation: x.DataKey.Generation, KeyID: x.DataKey.KeyID,
		Epoch: x.Epoch, FirstEpoch: x.FirstEpoch,
		Sealed: x.DataKey.Sealed, Commitment: [32]byte(x.DataKey.Commitment), CreatedAt: 1,
	}
	return root, key
}

// folder puts the vector's file where a folder would have it.
func (x *epochVectors) folder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, x.FileName), x.File, 0o600))
	return dir
}

// TestEpochFormat_AsDocumented reads by what docs/formats/vault.md says, and by
// nothing else of the vault.
func TestEpochFormat_AsDocumented(t *testing.T) {
	x := readEpochVectors(t)
	require.Equal(t, "epoch-0000000003.key", x.FileName)
	require.Equal(t, "troth.vault.epoch/1.3", x.Kind)
	key, err := sealedfile.Read(filepath.Join(x.folder(t), x.FileName), x.Passphrase, x.Kind)
	require.NoError(t, err)
	require.Equal(t, x.EpochKey, hexBytes(key[:]))

	message := func(domain string) hexBytes {
		b := canon.AppendText(canon.AppendText(canon.AppendDomain(nil, domain), x.Tenant), "wrap")
		return canon.AppendBytes(canon.AppendUint(b, uint64(x.Epoch)), x.Root.Commitment)
	}
	require.Equal(t, message("troth.vault.root/1"), x.Root.AAD)
	require.Equal(t, message("troth.vault.epoch/1"), x.Root.InnerAAD)
	inner := gcmOpen(t, x.KEK, x.Root.Sealed, x.Root.AAD)
	require.Equal(t, x.Root.Inner, hexBytes(inner))
	require.Len(t, inner, 60)
	require.Len(t, x.Root.Sealed, 88)
	require.Equal(t, x.Root.Secret, hexBytes(gcmOpen(t, x.EpochKey, inner, x.Root.InnerAAD)))
	require.Equal(t, commits(x.Root.Secret), x.Root.Commitment)

	wrap := expand(t, x.Root.Secret, "troth.vault.wrap/1")
	secret := gcmOpen(t, wrap, x.DataKey.Sealed, x.DataKey.AAD)
	require.Equal(t, x.DataKey.Secret, hexBytes(secret))
	require.Equal(t, x.Plaintext, string(gcmOpen(t, secret, x.Value[5:], aadOf(t, x.at()))))
}

// TestEpochFormat_VaultReadsTheVectors puts file and rows where a vault finds
// them.
func TestEpochFormat_VaultReadsTheVectors(t *testing.T) {
	x := readEpochVectors(t)
	w := newWorld(t)
	root, key := x.rows()
	for epoch := uint32(1); epoch <= x.Epoch; epoch++ {
		_, err := w.store.InsertEpoch(w.ctx, vault.EpochRow{Epoch: epoch, Place: "folder", OpenedAt: 1})
		require.NoError(t, err)
	}
	_, err := w.store.InsertRoot(w.ctx, root)
	require.NoError(t, err)
	_, err = w.store.InsertKey(w.ctx, key)
	require.NoError(t, err)
	require.Equal(t, x.DataKey.AAD, hexBytes(vault.KeyAAD(key)))
	c := w.config()
	c.Epochs, err = vault.OpenEpochFolder(vault.EpochFolder{Path: x.folder(t), Passphrase: x.Passphrase})
	require.NoError(t, err)
	v, err := vault.Open(w.ctx, c)
	require.NoError(t, err)
	w.opens(v, x.at(), x.Value, x.Plaintext)
}

func readEpochVectors(t *testing.T) *epochVectors {
	t.Helper()
	if *updateVectors {
		writeEpochVectors(t)
	}
	b, err := os.ReadFile(epochVectorFile)
	require.NoError(t, err)
	x := &epochVectors{}
	require.NoError(t, json.Unmarshal(b, x))
	return x
}

// writeEpochVectors lets a vault make them: a key that was made in epoch 2 and
// moved to 3.
func writeEpochVectors(t *testing.T) {
	t.Helper()
	x := &epochVectors{
		KEK: make([]byte, 32), Passphrase: "correct horse battery staple", FileName: "epoch-0000000003.key",
		Kind: "troth.vault.epoch/1.3", Tenant: string(shop), Subject: "42", Epoch: 3, FirstEpoch: 2, Plaintext: "ada@example.org",
	}
	w := newWorld(t)
	dir := t.TempDir()
	c := w.config()
	var err error
	c.Epochs, err = vault.OpenWeakEpochFolder(vault.EpochFolder{Path: dir, Passphrase: x.Passphrase})
	require.NoError(t, err)
	v, err := vault.Open(w.ctx, c)
	require.NoError(t, err)
	_, err = v.Advance(w.ctx)
	require.NoError(t, err)
	x.Value = w.seal(v, x.at(), x.Plaintext)
	_, err = v.Advance(w.ctx)
	require.NoError(t, err)
	_, err = v.Rotate(w.ctx, shop)
	require.NoError(t, err)

	x.File, err = os.ReadFile(filepath.Join(dir, x.FileName))
	require.NoError(t, err)
	epochKey, err := sealedfile.Read(filepath.Join(dir, x.FileName), x.Passphrase, x.Kind)
	require.NoError(t, err)
	x.EpochKey = epochKey[:]
	root := w.rootRow(shop, vault.WrapLineage)
	x.Root.Epoch, x.Root.Commitment, x.Root.Sealed = root.Epoch, root.Commitment[:], root.Sealed
	x.Root.AAD, x.Root.InnerAAD = vault.RootAAD(root), vault.EpochAAD(root)
	x.Root.Inner = gcmOpen(t, x.KEK, root.Sealed, x.Root.AAD)
	x.Root.Secret = gcmOpen(t, x.EpochKey, x.Root.Inner, x.Root.InnerAAD)
	row := w.keyRow(x.at())
	key, err := v.RawKey(w.ctx, row)
	require.NoError(t, err)
	x.DataKey = record{
		Generation: row.Generation, KeyID: row.KeyID, Epoch: row.Epoch, Secret: key,
		Commitment: row.Commitment[:], AAD: vault.KeyAAD(row), Sealed: row.Sealed,
	}
	b, err := json.MarshalIndent(x, "", "  ")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(epochVectorFile, append(b, '\n'), 0o600))
}
