package vault

import (
	"context"
	"crypto/cipher"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/trothdev/troth/internal/sealedfile"
)

// EpochFolder says where a folder of epoch keys is, and declares what the host
// does with it.
type EpochFolder struct {
	// Path is made, for the owner only, if it is not there.
	Path string
	// Passphrase protects each key (Argon2id, RFC 9106); see [CreateKEKFile].
	Passphrase string
	// KeptApart declares that no backup, snapshot or copy of the database takes
	// the folder along. Leave it false if that is not sure.
	KeptApart bool
	// BackupLife is how long backups of the folder itself live; 0 says that there
	// are none. Losing the folder loses everything sealed under its epochs.
	BackupLife time.Duration
}

// epochFolder keeps one file for each epoch.
type epochFolder struct {
	EpochFolder
	params sealedfile.Params
	mu     sync.Mutex
	keys   map[uint32]cipher.AEAD
}

// OpenEpochFolder returns the EpochStore of a folder, on this machine and for no
// other: each epoch's key is a file under the passphrase, which destroying
// overwrites and removes. What disks and file systems keep of bytes that were
// overwritten is out of reach. Every key takes about a tenth of a second and 64
// MiB to make or to open first.
//
// It returns [ErrPassphrase] for an empty passphrase, or one that is not that of
// a key that is there.
func OpenEpochFolder(c EpochFolder) (EpochStore, error) {
	return openEpochFolder(c, sealedfile.Default)
}

func openEpochFolder(c EpochFolder, p sealedfile.Params) (EpochStore, error) {
	if c.Passphrase == "" {
		return nil, errNoPassphrase
	}
	if c.Path == "" {
		return nil, fmt.Errorf("vault: epoch folder: no path")
	}
	f := &epochFolder{EpochFolder: c, params: p, keys: make(map[uint32]cipher.AEAD)}
	if err := f.Place().validate(); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(c.Path, 0o700); err != nil {
		return nil, fmt.Errorf("vault: epoch folder: %w", err)
	}
	if err := f.tryNewest(); err != nil {
		return nil, err
	}
	return f, nil
}

// tryNewest opens one key, so that a wrong passphrase shows at once.
func (f *epochFolder) tryNewest() error {
	names, err := filepath.Glob(filepath.Join(f.Path, "epoch-*.key"))
	if err != nil || len(names) == 0 {
		return err
	}
	var epoch uint32
	if _, err := fmt.Sscanf(filepath.Base(names[len(names)-1]), "epoch-%010d.key", &epoch); err != nil {
		return nil //nolint:nilerr // a file that is none of ours
	}
	// What else is wrong with a key is told to who needs it: others work.
	if _, err := f.key(epoch); errors.Is(err, ErrPassphrase) {
		return err
	}
	return nil
}

// Place implements EpochStore.
func (f *epochFolder) Place() EpochPlace {
	return EpochPlace{Name: "folder", Apart: f.KeptApart, SingleMachine: true, BackupLife: f.BackupLife}
}

func (f *epochFolder) keyPath(epoch uint32) string {
	return filepath.Join(f.Path, fmt.Sprintf("epoch-%010d.key", epoch))
}

// markPath is of the file that says that the key is destroyed.
func (f *epochFolder) markPath(epoch uint32) string {
	return filepath.Join(f.Path, fmt.Sprintf("epoch-%010d.destroyed", epoch))
}

// epochKind names the epoch, so that files cannot be taken for each other's.
func epochKind(epoch uint32) string { return fmt.Sprintf("troth.vault.epoch/1.%d", epoch) }

// Create implements EpochStore. The file appears whole or not at all, and of two
// processes the first one's stays.
func (f *epochFolder) Create(ctx context.Context, epoch uint32) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := f.destroyed(epoch); err != nil {
		return err
	}
	if there(f.keyPath(epoch)) {
		return nil
	}
	var key [keySize]byte
	defer clear(key[:])
	_, _ = rand.Read(key[:]) // never fails, crypto/rand documents
	err := sealedfile.CreateWith(f.keyPath(epoch), f.Passphrase, epochKind(epoch), key, f.params)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	return err
}

func there(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// destroyed returns ErrEpochDestroyed for an epoch that has its mark, and any
// other error if that cannot be told.
func (f *epochFolder) destroyed(epoch uint32) error {
	_, err := os.Lstat(f.markPath(epoch))
	switch {
	case err == nil:
		return ErrEpochDestroyed
	case errors.Is(err, fs.ErrNotExist):
		return nil
	}
	return fmt.Errorf("vault: epoch folder: %w", err)
}

// key returns the epoch's key, and looks at the folder each time: another
// process may have destroyed it, and then this one forgets it.
func (f *epochFolder) key(epoch uint32) (cipher.AEAD, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for known := range f.keys {
		if f.destroyed(known) != nil || !there(f.keyPath(known)) {
			delete(f.keys, known)
		}
	}
	if key := f.keys[epoch]; key != nil {
		return key, nil
	}
	if err := f.destroyed(epoch); err != nil {
		return nil, err
	}
	secret, err := sealedfile.Read(f.keyPath(epoch), f.Passphrase, epochKind(epoch))
	if err != nil {
		if errors.Is(err, sealedfile.ErrPassphrase) {
			return nil, ErrPassphrase
		}
		return nil, err
	}
	defer clear(secret[:])
	key, err := newGCM(secret[:])
	if err == nil {
		f.keys[epoch] = key
	}
	return key, err
}

// Wrap implements EpochStore.
func (f *epochFolder) Wrap(ctx context.Context, epoch uint32, plaintext, associatedData []byte) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	key, err := f.key(epoch)
	if err != nil {
		return nil, err
	}
	return key.Seal(nil, nil, plaintext, associatedData), nil
}

// Unwrap implements EpochStore.
func (f *epochFolder) Unwrap(ctx context.Context, epoch uint32, ciphertext, associatedData []byte) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	key, err := f.key(epoch)
	if err != nil {
		return nil, err
	}
	plain, err := key.Open(nil, nil, ciphertext, associatedData)
	if err != nil {
		return nil, errForeignEpoch
	}
	return plain, nil
}

var errForeignEpoch = errors.New("vault: not sealed by this epoch key")

// Destroy implements EpochStore. The mark comes first: from then on nobody uses
// the key or makes another one, whatever a crash leaves of it, and repeating the
// call does the rest.
func (f *epochFolder) Destroy(ctx context.Context, epoch uint32) (final time.Time, err error) {
	if err := ctx.Err(); err != nil {
		return time.Time{}, err
	}
	f.mu.Lock()
	delete(f.keys, epoch)
	f.mu.Unlock()
	if err := sealedfile.Mark(f.markPath(epoch)); err != nil {
		return time.Time{}, err
	}
	return time.Time{}, sealedfile.Destroy(f.keyPath(epoch))
}
