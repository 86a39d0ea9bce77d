package kit_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/audit"
	"github.com/trothdev/troth/kit"
	"github.com/trothdev/troth/vault"
)

func TestLocalSecrets_SignsAsItself(t *testing.T) {
	signer := secrets(t, t.TempDir()).Signer
	assert.Equal(t, "localhost/trail", signer.Name())
	sig, err := signer.Sign([]byte("message"))
	require.NoError(t, err)
	assert.Len(t, sig, 64)
	_, err = audit.ParseVerifiers(signer.VerifierKey() + "\n")
	require.NoError(t, err)
	assert.NotEqual(t, signer.VerifierKey(), secrets(t, t.TempDir()).Signer.VerifierKey())
}

// TestLocalSecrets_AddsTheTrailKeyToAFolderFromBefore: the first version of the
// folder had the key-encryption key alone.
func TestLocalSecrets_AddsTheTrailKeyToAFolderFromBefore(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, kekFile)
	require.NoError(t, vault.CreateKEKFile(path, passphrase))
	before, err := os.ReadFile(path)
	require.NoError(t, err)

	_, err = kit.LocalSecrets(dir, "another")
	require.ErrorIs(t, err, vault.ErrPassphrase)
	require.NoFileExists(t, filepath.Join(dir, trailKeyFile), "it would be under another passphrase")

	requireSameKey(t, secrets(t, dir), secrets(t, dir))
	after, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, before, after)
}

func TestLocalSecrets_RefusesATrailKeyThatIsNotItsOwn(t *testing.T) {
	dir := t.TempDir()
	secrets(t, dir)
	path := filepath.Join(dir, trailKeyFile)

	require.NoError(t, os.Chmod(path, 0o644))
	_, err := kit.LocalSecrets(dir, passphrase)
	require.ErrorIs(t, err, kit.ErrTrailKeyShared)

	require.NoError(t, os.Remove(path))
	require.NoError(t, os.Mkdir(path, 0o700))
	_, err = kit.LocalSecrets(dir, passphrase)
	require.ErrorIs(t, err, kit.ErrTrailKey, "a folder")

	require.NoError(t, os.Remove(path))
	require.NoError(t, vault.CreateKEKFile(path, passphrase))
	_, err = kit.LocalSecrets(dir, passphrase)
	require.ErrorIs(t, err, kit.ErrTrailKey, "a secret for another use")

	other := t.TempDir()
	_, err = kit.LocalSecrets(other, "another")
	require.NoError(t, err)
	require.NoError(t, os.Remove(path))
	require.NoError(t, os.Rename(filepath.Join(other, trailKeyFile), path))
	_, err = kit.LocalSecrets(dir, passphrase)
	require.ErrorIs(t, err, vault.ErrPassphrase, "a file under another passphrase")
}

func TestSecrets_DoNotPrint(t *testing.T) {
	s := secrets(t, t.TempDir())
	key, err := s.Signer.(interface{ MarshalText() ([]byte, error) }).MarshalText()
	require.NoError(t, err)
	assert.Equal(t, "[signing key of localhost/trail]", string(key))
	for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
		assert.Equal(t, "[signing key of localhost/trail]", fmt.Sprintf(format, s.Signer), format)
	}
}
