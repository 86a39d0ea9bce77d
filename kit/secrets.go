package kit

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/trothdev/troth/vault"
)

// Secrets are what must lie outside the database and its backups.
type Secrets struct {
	// KEK is the key-encryption key: a key in a KMS, through one of Tink's
	// modules for it, or a local file.
	KEK vault.KEK
}

// kekFile is the name of the key-encryption key in the folder of LocalSecrets.
const kekFile = "kek"

// LocalSecrets keeps secrets in files in a folder, under a passphrase: for one
// machine, for development, and for those who have no KMS. The first call makes
// folder and files. Keep the folder out of the database's backups, and keep a
// copy of it: without it nothing sealed opens again.
//
// It returns [vault.ErrPassphrase] for a wrong or empty passphrase,
// [vault.ErrKEKFile] for a damaged file, and [vault.ErrKEKFileShared] for one that
// other users may use.
func LocalSecrets(dir, passphrase string) (Secrets, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return Secrets{}, fmt.Errorf("kit: secrets: %w", err)
	}
	path := filepath.Join(dir, kekFile)
	kek, err := vault.OpenKEKFile(path, passphrase)
	if errors.Is(err, fs.ErrNotExist) {
		// Two processes may start at once: who comes second opens.
		if err := vault.CreateKEKFile(path, passphrase); err != nil && !errors.Is(err, fs.ErrExist) {
			return Secrets{}, fmt.Errorf("kit: secrets: %w", err)
		}
		kek, err = vault.OpenKEKFile(path, passphrase)
	}
	if err != nil {
		return Secrets{}, fmt.Errorf("kit: secrets: %w", err)
	}
	return Secrets{KEK: kek}, nil
}
