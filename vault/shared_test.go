package vault_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/vault"
)

func TestKEKFile_OpenToOthersIsToldFromDamaged(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kek")
	require.NoError(t, vault.CreateKEKFile(path, "a passphrase"))
	require.NoError(t, os.Chmod(path, 0o644))
	_, err := vault.OpenKEKFile(path, "a passphrase")
	require.ErrorIs(t, err, vault.ErrKEKFileShared)
	require.NotErrorIs(t, err, vault.ErrKEKFile)
}

// A database writer adds a key under a compartment that no host could name: the
// person can be shredded all the same, and that key dies with the others.
func TestShred_APersonWithACompartmentThatNobodyCanName(t *testing.T) {
	w := newWorld(t)
	v := w.vault()
	at := emailOf(shop, "42", profile)
	sealed := w.seal(v, at, "ada")
	odd := vault.KeyName{Tenant: shop, SubjectID: "42", Compartment: troth.Compartment("\n")}
	inserted, err := w.store.InsertKey(t.Context(), vault.KeyRow{
		KeyName: odd, Generation: 1, KeyID: 7, Sealed: []byte("x"), CreatedAt: time.Now().UnixMicro(),
	})
	require.NoError(t, err)
	require.True(t, inserted)
	require.Len(t, w.shred(v, personOf(shop, "42")).Keys, 2)
	w.refuses(v, at, sealed, vault.ErrShredded)
	rows, err := w.store.Keys(t.Context(), odd)
	require.NoError(t, err)
	require.Empty(t, rows[0].Sealed)
}
