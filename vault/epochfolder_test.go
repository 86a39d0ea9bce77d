package vault_test

import (
	"bytes"
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/tink-crypto/tink-go/v2/tink"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/sealedfile"
	"github.com/trothdev/troth/vault"
	"github.com/trothdev/troth/vault/vaulttest"
)

const folderPass = "of a folder"

func folderAt(t testing.TB, path string) vault.EpochStore {
	t.Helper()
	s, err := vault.OpenWeakEpochFolder(vault.EpochFolder{Path: path, Passphrase: folderPass, KeptApart: true})
	require.NoError(t, err)
	return s
}

// bytesOf reads every file of the folder, by name.
func bytesOf(t testing.TB, path string) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	names, err := os.ReadDir(path)
	require.NoError(t, err)
	for _, n := range names {
		b, err := os.ReadFile(filepath.Join(path, n.Name()))
		require.NoError(t, err)
		files[n.Name()] = b
	}
	return files
}

func TestEpochFolder_KeepsTheContract(t *testing.T) {
	vaulttest.RunEpochStore(t, func(t *testing.T) vaulttest.EpochHarness {
		path := filepath.Join(t.TempDir(), "epochs")
		return vaulttest.EpochHarness{
			Store: folderAt(t, path), Reopen: func() vault.EpochStore { return folderAt(t, path) },
		}
	})
}

func TestEpochFolder_DeclaresWhatTheHostDeclares(t *testing.T) {
	s, err := vault.OpenWeakEpochFolder(vault.EpochFolder{Path: t.TempDir(), Passphrase: folderPass, BackupLife: time.Hour})
	require.NoError(t, err)
	require.Equal(t, vault.EpochPlace{Name: "folder", SingleMachine: true, BackupLife: time.Hour}, s.Place())
	require.True(t, folderAt(t, t.TempDir()).Place().Apart)
}

func TestOpenEpochFolder_RefusesWhatCannotWork(t *testing.T) {
	dir := t.TempDir()
	_, err := vault.OpenEpochFolder(vault.EpochFolder{Path: dir})
	require.ErrorIs(t, err, vault.ErrPassphrase)
	_, err = vault.OpenEpochFolder(vault.EpochFolder{Passphrase: "x"})
	require.Error(t, err)
	_, err = vault.OpenEpochFolder(vault.EpochFolder{Path: dir, Passphrase: "x", BackupLife: -1})
	require.Error(t, err)
	require.NoError(t, folderAt(t, dir).Create(t.Context(), 1))
	_, err = vault.OpenWeakEpochFolder(vault.EpochFolder{Path: dir, Passphrase: "another"})
	require.ErrorIs(t, err, vault.ErrPassphrase)
}

func TestEpochFolder_FilesAreNotTakenForEachOthers(t *testing.T) {
	dir := t.TempDir()
	s := folderAt(t, dir)
	require.NoError(t, s.Create(t.Context(), 1))
	require.NoError(t, s.Create(t.Context(), 2))
	one, two := filepath.Join(dir, "epoch-0000000001.key"), filepath.Join(dir, "epoch-0000000002.key")
	b, err := os.ReadFile(one)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(two, b, 0o600))
	s = folderAt(t, dir)
	_, err = s.Wrap(t.Context(), 1, []byte("x"), nil)
	require.NoError(t, err)
	_, err = s.Wrap(t.Context(), 2, []byte("x"), nil)
	require.ErrorIs(t, err, sealedfile.ErrKind)
}

// TestEpochFolder_DestroyLeavesNoByteOfTheKey also looks through another name of
// the same file, as a crash between making a file and removing its first name
// leaves one.
func TestEpochFolder_DestroyLeavesNoByteOfTheKey(t *testing.T) {
	dir, outside := t.TempDir(), t.TempDir()
	s := folderAt(t, dir)
	require.NoError(t, s.Create(t.Context(), 1))
	key := filepath.Join(dir, "epoch-0000000001.key")
	before, err := os.ReadFile(key)
	require.NoError(t, err)
	require.NoError(t, os.Link(key, key+".new-17"))
	require.NoError(t, os.WriteFile(key+".new-18", before, 0o600)) // never got its name
	require.NoError(t, os.Link(key, filepath.Join(outside, "other")))

	final, err := s.Destroy(t.Context(), 1)
	require.NoError(t, err)
	require.Zero(t, final)
	files := bytesOf(t, dir)
	require.Equal(t, map[string][]byte{"epoch-0000000001.destroyed": {}}, files)
	after, err := os.ReadFile(filepath.Join(outside, "other"))
	require.NoError(t, err)
	require.Len(t, after, len(before))
	for i := 0; i+8 <= len(before); i += 8 {
		require.False(t, bytes.Contains(after, before[i:i+8]), "bytes from %d on are still there", i)
	}
}

// TestEpochFolder_ACrashWhileDestroyingIsMadeGoodFor stops after each step.
func TestEpochFolder_ACrashWhileDestroyingIsMadeGoodFor(t *testing.T) {
	for name, crash := range map[string]func(t *testing.T, key, mark string){
		"after the mark": func(t *testing.T, _, mark string) {
			require.NoError(t, os.WriteFile(mark, nil, 0o600))
		},
		"half overwritten": func(t *testing.T, key, mark string) {
			require.NoError(t, os.WriteFile(mark, nil, 0o600))
			f, err := os.OpenFile(key, os.O_WRONLY, 0)
			require.NoError(t, err)
			_, err = f.WriteAt([]byte(strings.Repeat("x", 40)), 0)
			require.NoError(t, err)
			require.NoError(t, f.Close())
		},
		"after the removal": func(t *testing.T, key, mark string) {
			require.NoError(t, os.WriteFile(mark, nil, 0o600))
			require.NoError(t, os.Remove(key))
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			require.NoError(t, folderAt(t, dir).Create(t.Context(), 1))
			key, mark := filepath.Join(dir, "epoch-0000000001.key"), filepath.Join(dir, "epoch-0000000001.destroyed")
			crash(t, key, mark)
			s := folderAt(t, dir)
			require.ErrorIs(t, s.Create(t.Context(), 1), vault.ErrEpochDestroyed)
			_, err := s.Wrap(t.Context(), 1, []byte("x"), nil)
			require.ErrorIs(t, err, vault.ErrEpochDestroyed)
			_, err = s.Destroy(t.Context(), 1)
			require.NoError(t, err)
			require.Equal(t, map[string][]byte{"epoch-0000000001.destroyed": {}}, bytesOf(t, dir))
		})
	}
}

func TestEpochFolder_AKeyThatIsMissingIsNotMadeAgainByUsingIt(t *testing.T) {
	dir := t.TempDir()
	s := folderAt(t, dir)
	require.NoError(t, s.Create(t.Context(), 1))
	_, err := s.Wrap(t.Context(), 1, []byte("x"), nil)
	require.NoError(t, err)
	require.NoError(t, os.Remove(filepath.Join(dir, "epoch-0000000001.key")))
	_, err = s.Wrap(t.Context(), 1, []byte("x"), nil)
	require.ErrorIs(t, err, fs.ErrNotExist)
}

// epochKMS is a KMS in memory, whose keys have Tink's interface.
type epochKMS struct {
	mu      sync.Mutex
	keys    map[string]tink.AEADWithContext
	doomed  map[string]time.Time
	gone    map[string]bool
	created int
	now     time.Time
}

func newEpochKMS() *epochKMS {
	return &epochKMS{
		keys: map[string]tink.AEADWithContext{}, doomed: map[string]time.Time{}, gone: map[string]bool{},
		now: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC),
	}
}

func (k *epochKMS) store(t testing.TB) vault.EpochStore {
	t.Helper()
	s, err := vault.NewEpochKMS(vault.EpochKMS{
		URI: func(epoch uint32) string { return "test-kms://epochs/" + string(rune('a'+epoch%26)) },
		AEAD: func(_ context.Context, uri string) (tink.AEADWithContext, error) {
			return aliveAEAD{k, uri}, nil
		},
		Create: func(ctx context.Context, uri string) error {
			k.mu.Lock()
			defer k.mu.Unlock()
			switch {
			case ctx.Err() != nil:
				return ctx.Err()
			case k.gone[uri] || !k.doomed[uri].IsZero():
				return vault.ErrEpochDestroyed
			case k.keys[uri] == nil:
				k.created++
				secret := vaulttest.EpochStore{}
				if err := secret.Create(ctx, 1); err != nil {
					return err
				}
				k.keys[uri] = memoryAEAD{&secret}
			}
			return nil
		},
		Destroy: func(ctx context.Context, uri string) (time.Time, error) {
			k.mu.Lock()
			defer k.mu.Unlock()
			switch {
			case ctx.Err() != nil:
				return time.Time{}, ctx.Err()
			case k.gone[uri]:
				return time.Time{}, nil
			case k.doomed[uri].IsZero():
				k.doomed[uri] = k.now.Add(7 * 24 * time.Hour)
			case !k.now.Before(k.doomed[uri]):
				delete(k.keys, uri)
				k.gone[uri] = true
				return time.Time{}, nil
			}
			return k.doomed[uri], nil
		},
		Declared: vault.EpochPlace{Name: "test-kms", Apart: true},
	})
	require.NoError(t, err)
	return s
}

// memoryAEAD is one key.
type memoryAEAD struct{ s *vaulttest.EpochStore }

func (m memoryAEAD) EncryptWithContext(ctx context.Context, plain, aad []byte) ([]byte, error) {
	return m.s.Wrap(ctx, 1, plain, aad)
}

func (m memoryAEAD) DecryptWithContext(ctx context.Context, sealed, aad []byte) ([]byte, error) {
	return m.s.Unwrap(ctx, 1, sealed, aad)
}

// aliveAEAD asks the KMS each time, as a client does.
type aliveAEAD struct {
	k   *epochKMS
	uri string
}

func (a aliveAEAD) key() (tink.AEADWithContext, error) {
	a.k.mu.Lock()
	defer a.k.mu.Unlock()
	if a.k.keys[a.uri] == nil || !a.k.doomed[a.uri].IsZero() {
		return nil, fs.ErrNotExist
	}
	return a.k.keys[a.uri], nil
}

func (a aliveAEAD) EncryptWithContext(ctx context.Context, plain, aad []byte) ([]byte, error) {
	key, err := a.key()
	if err != nil {
		return nil, err
	}
	return key.EncryptWithContext(ctx, plain, aad)
}

func (a aliveAEAD) DecryptWithContext(ctx context.Context, sealed, aad []byte) ([]byte, error) {
	key, err := a.key()
	if err != nil {
		return nil, err
	}
	return key.DecryptWithContext(ctx, sealed, aad)
}

func TestEpochKMS_KeepsTheContract(t *testing.T) {
	vaulttest.RunEpochStore(t, func(t *testing.T) vaulttest.EpochHarness {
		k := newEpochKMS()
		return vaulttest.EpochHarness{Store: k.store(t), Finish: func() { k.now = k.now.Add(30 * 24 * time.Hour) }}
	})
}

func TestNewEpochKMS_RefusesWhatIsIncomplete(t *testing.T) {
	_, err := vault.NewEpochKMS(vault.EpochKMS{})
	require.Error(t, err)
	full := vault.EpochKMS{
		URI:      func(uint32) string { return "" },
		AEAD:     func(context.Context, string) (tink.AEADWithContext, error) { return nil, nil },
		Create:   func(context.Context, string) error { return nil },
		Destroy:  func(context.Context, string) (time.Time, error) { return time.Time{}, nil },
		Declared: vault.EpochPlace{Name: "a\nb"},
	}
	_, err = vault.NewEpochKMS(full)
	var bad *troth.IdentifierError
	require.ErrorAs(t, err, &bad)
	require.Equal(t, "epoch place", bad.Kind)
	full.Declared.Name = "kms"
	_, err = vault.NewEpochKMS(full)
	require.NoError(t, err)
}
