package vault

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/trothdev/troth"
)

// EpochStore holds the keys of epochs, outside of the database and of its
// backups. Destroying one makes every older copy of the key tables useless for
// what was shredded since, even to who holds the key-encryption key:
// docs/threats.md has the argument, and what it rests on.
//
// Shipped are [OpenEpochFolder], for one machine, and [NewEpochKMS]. The methods
// may be called by many goroutines and processes at once.
type EpochStore interface {
	// Place declares where the keys lie. It always returns the same.
	Place() EpochPlace
	// Create makes the key of an epoch, random and known to nobody. Of an epoch
	// that has one it does nothing, so that it can be repeated after a crash. It
	// returns [ErrEpochDestroyed] for an epoch whose key was destroyed.
	Create(ctx context.Context, epoch uint32) error
	// Wrap and Unwrap seal and open under the epoch's key, and bind the
	// associated data. They fail once the key is destroyed, with
	// [ErrEpochDestroyed] where that can be told.
	Wrap(ctx context.Context, epoch uint32, plaintext, associatedData []byte) ([]byte, error)
	Unwrap(ctx context.Context, epoch uint32, ciphertext, associatedData []byte) ([]byte, error)
	// Destroy destroys the key of an epoch, for ever. It can be repeated, and is
	// until it returns the zero time, which says that the key is gone. Any other
	// is when it is going to be: until then the destruction can be taken back.
	Destroy(ctx context.Context, epoch uint32) (final time.Time, err error)
}

// EpochPlace is what a host declares of an [EpochStore]. What is not declared is
// taken for the worst.
type EpochPlace struct {
	// Name is told on the trail; it must fit the rules of purposes.
	Name string
	// Apart says that no backup, snapshot or replica of the database takes the
	// keys along. Otherwise destroying a key here destroys no copy of it there,
	// and the horizon is the expiry of the last backup.
	Apart bool
	// SingleMachine says that other machines do not reach the keys.
	SingleMachine bool
	// BackupLife is for how long a copy of a destroyed key may be found in
	// backups of the EpochStore itself; 0 says that it has none.
	BackupLife time.Duration
}

func (p EpochPlace) validate() error {
	err := troth.Purpose(p.Name).Validate()
	if bad, ok := errors.AsType[*troth.IdentifierError](err); ok {
		return &troth.IdentifierError{Kind: "epoch place", Reason: bad.Reason}
	}
	if err == nil && p.BackupLife < 0 {
		err = fmt.Errorf("vault: epoch place: backups that live for a negative time")
	}
	return err
}

var (
	// ErrEpochDestroyed says that the key of an epoch is destroyed.
	ErrEpochDestroyed = errors.New("vault: epoch key is destroyed")
	// ErrEpochStore says that the EpochStore could not be asked, or is not the
	// one that the epoch's key lies in.
	ErrEpochStore = errors.New("vault: epoch store failed")
	// ErrNoEpochs says that the vault was opened without an [EpochStore], and
	// needs one.
	ErrNoEpochs = errors.New("vault: no epoch store")
	// ErrNoKeyBackup says that there is no key backup, tested and newer than the
	// closing of an epoch, without which its key is not destroyed.
	ErrNoKeyBackup = errors.New("vault: no tested key backup is new enough")
	// ErrInTx says that the call does its own transactions, and was made inside
	// one.
	ErrInTx = errors.New("vault: not inside a transaction")
)

// wrapInEpoch seals a root's secret under the key of its epoch.
func (v *Vault) wrapInEpoch(ctx context.Context, row *RootRow, secret []byte) ([]byte, error) {
	if v.epochs == nil {
		return nil, ErrNoEpochs
	}
	sealed, err := v.epochs.Wrap(ctx, row.Epoch, secret, epochAAD(row))
	return sealed, epochFailed(ctx, "wrap root", err)
}

// unwrapInEpoch opens what wrapInEpoch made.
func (v *Vault) unwrapInEpoch(ctx context.Context, row *RootRow, sealed []byte) ([]byte, error) {
	if v.epochs == nil {
		return nil, ErrNoEpochs
	}
	secret, err := v.epochs.Unwrap(ctx, row.Epoch, sealed, epochAAD(row))
	return secret, epochFailed(ctx, "unwrap root", err)
}

// epochFailed tells who gave up so, and everybody else that it was the
// EpochStore.
func epochFailed(ctx context.Context, verb string, err error) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	}
	return fmt.Errorf("%w: %s: %w", ErrEpochStore, verb, err)
}
