package kit

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/trothdev/troth/audit"
	"github.com/trothdev/troth/vault"
)

// Secrets are what must lie outside the database and its backups.
type Secrets struct {
	// KEK is the key-encryption key: a key in a KMS, through one of Tink's
	// modules for it, or a local file.
	KEK vault.KEK
	// Signer signs the checkpoints of the trail's log: an [audit.SigningKey], or
	// a key in a KMS. Its name is the log's origin, see [Config.Origin]. Without
	// one the trail only records, and reads: entries wait in its inbox, durable
	// and not tamper-evident, until another process with the signer sequences
	// them.
	Signer audit.Signer
	// Verifiers are further keys by which checkpoints are believed: those of
	// signers before, of witnesses, or of the log where there is no signer here.
	Verifiers audit.Verifiers
}

// kekFile is the name of the key-encryption key in the folder of LocalSecrets.
const kekFile = "kek"

// LocalSecrets keeps secrets in files in a folder, under a passphrase: for one
// machine, for development, and for those who have no KMS. The first call makes
// folder and files: the key-encryption key, and the key that signs the trail's
// log; a file that is missing is made by a later one. Keep the folder out of the
// database's backups, and keep a copy of it: without it nothing sealed opens
// again, and the log cannot go on under its origin.
//
// It returns [vault.ErrPassphrase] for a wrong or empty passphrase,
// [vault.ErrKEKFile] or [ErrTrailKey] for a damaged file, and
// [vault.ErrKEKFileShared] or [ErrTrailKeyShared] for one that other users may
// use.
func LocalSecrets(dir, passphrase string) (Secrets, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return Secrets{}, fmt.Errorf("kit: secrets: %w", err)
	}
	kek, err := localKEK(filepath.Join(dir, kekFile), passphrase)
	if err != nil {
		return Secrets{}, fmt.Errorf("kit: secrets: %w", err)
	}
	// Second, so that the passphrase is known to be the folder's.
	signer, err := openSigner(filepath.Join(dir, trailKeyFile), passphrase)
	if err != nil {
		return Secrets{}, fmt.Errorf("kit: secrets: %w", err)
	}
	return Secrets{KEK: kek, Signer: signer}, nil
}

func localKEK(path, passphrase string) (vault.KEK, error) {
	kek, err := vault.OpenKEKFile(path, passphrase)
	if !errors.Is(err, fs.ErrNotExist) {
		return kek, err
	}
	// Two processes may start at once: who comes second opens.
	if err := vault.CreateKEKFile(path, passphrase); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	return vault.OpenKEKFile(path, passphrase)
}
