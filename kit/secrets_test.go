package kit_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/kit"
	"github.com/trothdev/troth/vault"
)

const passphrase = "made up for these tests"

// secretsDir, set in the environment, makes the test binary a program that asks
// for the secrets in that folder.
const secretsDir = "TROTH_KIT_TEST_SECRETS"

func TestMain(m *testing.M) {
	dir := os.Getenv(secretsDir)
	if dir == "" {
		m.Run()
		return
	}
	if _, err := kit.LocalSecrets(dir, passphrase); err != nil {
		panic(err)
	}
}

func TestLocalSecrets_MakesAFolderForItsOwnerOnly(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "deep", "secrets")
	secrets(t, dir)
	info, err := os.Stat(dir)
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o700), info.Mode().Perm())
	files, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, files, 5)
	for _, f := range files {
		info, err = f.Info()
		require.NoError(t, err)
		want := os.FileMode(0o600)
		if f.IsDir() {
			want = 0o700
		}
		assert.Equal(t, want, info.Mode().Perm(), f.Name())
	}
}

func TestLocalSecrets_GivesTheSameKeyAgain(t *testing.T) {
	dir := t.TempDir()
	requireSameKey(t, secrets(t, dir), secrets(t, dir))
}

func TestLocalSecrets_TellsAWrongPassphraseFromADamagedFile(t *testing.T) {
	dir := t.TempDir()
	secrets(t, dir)
	_, err := kit.LocalSecrets(dir, "another")
	require.ErrorIs(t, err, vault.ErrPassphrase)
	require.NotErrorIs(t, err, vault.ErrKEKFile)

	for file, want := range map[string]error{kekFile: vault.ErrKEKFile, trailKeyFile: kit.ErrTrailKey} {
		path := filepath.Join(dir, file)
		whole, err := os.ReadFile(path)
		require.NoError(t, err)
		changed := append([]byte(nil), whole...)
		changed[len(changed)/2] ^= 1
		for name, damaged := range map[string][]byte{"changed": changed, "cut off": whole[:len(whole)-1], "empty": nil} {
			require.NoError(t, os.WriteFile(path, damaged, 0o600))
			_, err = kit.LocalSecrets(dir, passphrase)
			require.ErrorIs(t, err, want, name)
			require.NotErrorIs(t, err, vault.ErrPassphrase, name)
			left, err := os.ReadFile(path)
			require.NoError(t, err)
			require.Len(t, left, len(damaged), "%s: a file that does not open is left for people to look at", name)
		}
		require.NoError(t, os.WriteFile(path, whole, 0o600))
	}
	secrets(t, dir)
}

func TestLocalSecrets_RefusesAnEmptyPassphrase(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "secrets")
	_, err := kit.LocalSecrets(dir, "")
	require.ErrorIs(t, err, vault.ErrPassphrase)
	require.ErrorContains(t, err, "it is empty")
	secrets(t, dir)
	_, err = kit.LocalSecrets(dir, "")
	require.ErrorIs(t, err, vault.ErrPassphrase)
}

func TestLocalSecrets_RefusesAFolderThatIsAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secrets")
	require.NoError(t, os.WriteFile(path, nil, 0o600))
	_, err := kit.LocalSecrets(path, passphrase)
	require.ErrorContains(t, err, "kit: secrets")
}

func TestLocalSecrets_GoroutinesAtOnceGetOneKey(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "secrets")
	got := make([]kit.Secrets, 4)
	errs := make([]error, len(got))
	var wg sync.WaitGroup
	for i := range got {
		wg.Go(func() { got[i], errs[i] = kit.LocalSecrets(dir, passphrase) })
	}
	wg.Wait()
	for i := range got {
		require.NoError(t, errs[i])
		requireSameKey(t, got[0], got[i])
	}
}

func TestLocalSecrets_ProcessesAtOnceMakeOneFile(t *testing.T) {
	self, err := os.Executable()
	require.NoError(t, err)
	dir := filepath.Join(t.TempDir(), "secrets")
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			cmd := exec.CommandContext(t.Context(), self)
			cmd.Env = append(os.Environ(), secretsDir+"="+dir)
			out, err := cmd.CombinedOutput()
			assert.NoError(t, err, string(out))
		})
	}
	wg.Wait()
	files, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, files, 5)
	secrets(t, dir)
}

func secrets(t *testing.T, dir string) kit.Secrets {
	t.Helper()
	s, err := kit.LocalSecrets(dir, passphrase)
	require.NoError(t, err)
	return s
}

// requireSameKey opens with one what the other sealed, and compares who signs.
func requireSameKey(t *testing.T, a, b kit.Secrets) {
	t.Helper()
	sealed, err := a.KEK.EncryptWithContext(t.Context(), []byte("root"), []byte("name"))
	require.NoError(t, err)
	plain, err := b.KEK.DecryptWithContext(t.Context(), sealed, []byte("name"))
	require.NoError(t, err)
	require.Equal(t, "root", string(plain))
	require.Equal(t, a.Signer.VerifierKey(), b.Signer.VerifierKey())
}

// Names of the files in the folder, which stay.
const (
	kekFile      = "kek"
	trailKeyFile = "trail.key"
)
