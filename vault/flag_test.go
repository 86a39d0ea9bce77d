package vault_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/vault"
)

// FuzzFlag looks for a second encoding of a flag, and for bytes on which reading
// breaks.
func FuzzFlag(f *testing.F) {
	f.Add([]byte(nil))
	f.Add(vault.EncodeFlag(troth.EntryID{1}, nil))
	f.Add(vault.EncodeFlag(troth.EntryID{1}, []troth.Purpose{"legal-claims", "é"}))
	f.Fuzz(func(t *testing.T, b []byte) {
		again, err := vault.RecodeFlag(b)
		if err != nil {
			require.ErrorIs(t, err, vault.ErrKeyRecord)
			return
		}
		require.True(t, bytes.Equal(b, again), "read as %x", again)
	})
}

func TestFlag_IsReadStrictly(t *testing.T) {
	sound := vault.EncodeFlag(troth.EntryID{1}, []troth.Purpose{"legal-claims"})
	again, err := vault.RecodeFlag(sound)
	require.NoError(t, err)
	require.Equal(t, sound, again)
	for name, b := range map[string][]byte{
		"longer": append(bytes.Clone(sound), 0), "shorter": sound[:len(sound)-1], "of another domain": vault.KeyAAD(vault.KeyRow{}),
		"too long": make([]byte, 5000),
	} {
		_, err := vault.RecodeFlag(b)
		require.ErrorIs(t, err, vault.ErrKeyRecord, name)
	}
}
