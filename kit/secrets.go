package kit

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/trothdev/troth/audit"
	"github.com/trothdev/troth/retention"
	"github.com/trothdev/troth/vault"
)

// Secrets are what must lie outside the database and its backups.
type Secrets struct {
	// KEK is the key-encryption key: a key in a KMS, through one of Tink's
	// modules for it, or a local file.
	KEK vault.KEK
	// Epochs holds the keys of epochs, apart from the database: what makes an
	// older copy of it useless some day, see [vault.Vault.Horizon]. Optional, but a
	// database that has epochs is not opened without.
	Epochs vault.EpochStore
	// Journal is told of each erasure, so that a restored database does not bring
	// anybody back; see docs/restore.md. Optional, but a database that was kept
	// with one is not opened without.
	Journal vault.Journal
	// Signer signs the checkpoints of the trail's log: an [audit.SigningKey], or
	// a key in a KMS. Its name is the log's origin, see [Config.Origin]. Without
	// one the trail only records, and reads: entries wait in its inbox, durable
	// and not tamper-evident, until another process with the signer sequences
	// them.
	Signer audit.Signer
	// Holds keeps legal holds, and what else people decided about destroying, where a
	// restore of the database does not reach: with a Keeper nothing is destroyed by an
	// older copy that was put back. Optional.
	Holds retention.Outside
	// Verifiers are further keys by which checkpoints are believed: those of
	// signers before, of witnesses, or of the log where there is no signer here.
	Verifiers audit.Verifiers
}

// The names of what is in the folder of LocalSecrets, beside the key that signs.
const (
	kekFile     = "kek"
	epochsDir   = "epochs"
	journalFile = "erasures.journal"
	holdsDir    = "holds"
)

// KeptApart declares to [LocalSecrets] that no backup, snapshot or copy of the
// database takes the folder along, and that no copy of the folder outlives
// copies: 0 says that there is none. Only then an older copy of the database,
// together with the folder, stops opening what was erased; without the
// declaration [vault.Vault.Horizon] counts on the expiry of backups alone.
func KeptApart(copies time.Duration) SecretsOption {
	return func(f *vault.EpochFolder) { f.KeptApart, f.BackupLife = true, copies }
}

// SecretsOption is what [LocalSecrets] takes beside folder and passphrase.
type SecretsOption func(*vault.EpochFolder)

// LocalSecrets keeps secrets in files in a folder, under a passphrase: for one
// machine, for development, and for those who have no KMS. The first call makes
// folder and files: the key-encryption key, the keys of epochs, the journal of
// erasures, legal holds, and the key that signs the trail's log; a file that is missing is made
// by a later one, but a database that knows of more than a new journal holds is
// not opened then. Keep the folder out of the database's backups, say so with
// [KeptApart], and keep a copy of it: without it nothing sealed opens again, and
// the log cannot go on under its origin.
//
// It returns [vault.ErrPassphrase] for a wrong or empty passphrase,
// [vault.ErrKEKFile], [vault.ErrJournal] or [ErrTrailKey] for a damaged file, and
// [vault.ErrKEKFileShared] or [ErrTrailKeyShared] for one that other users may
// use.
func LocalSecrets(dir, passphrase string, opts ...SecretsOption) (Secrets, error) {
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
	folder := vault.EpochFolder{Path: filepath.Join(dir, epochsDir), Passphrase: passphrase}
	for _, opt := range opts {
		opt(&folder)
	}
	epochs, err := vault.OpenEpochFolder(folder)
	if err != nil {
		return Secrets{}, fmt.Errorf("kit: secrets: %w", err)
	}
	journal, err := localJournal(filepath.Join(dir, journalFile))
	if err != nil {
		return Secrets{}, fmt.Errorf("kit: secrets: %w", err)
	}
	if err := os.MkdirAll(filepath.Join(dir, holdsDir), 0o700); err != nil {
		return Secrets{}, fmt.Errorf("kit: secrets: %w", err)
	}
	return Secrets{KEK: kek, Epochs: epochs, Journal: journal, Signer: signer, Holds: retention.Folder(filepath.Join(dir, holdsDir))}, nil
}

func localJournal(path string) (vault.Journal, error) {
	journal, err := vault.OpenJournalFile(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return journal, err
	}
	if err := vault.CreateJournalFile(path); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	return vault.OpenJournalFile(path)
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
