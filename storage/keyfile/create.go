package keyfile

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"

	"github.com/trothdev/troth/internal/sealedfile"
)

// kind is what the file says that it holds.
const kind = "troth.keyfile/1"

var (
	// ErrPassphrase says that the file is whole and the passphrase wrong or
	// empty.
	ErrPassphrase = errors.New("keyfile: wrong passphrase")
	// ErrDamaged says that the file is not one that Create wrote, or no longer.
	ErrDamaged = errors.New("keyfile: damaged file")
)

// PermissionError says that users other than the owner and the group may use
// the file, so that its keys must be taken for known to them.
type PermissionError struct {
	Mode fs.FileMode
}

func (e *PermissionError) Error() string {
	return fmt.Sprintf("keyfile: file is open to other users (mode %04o)", e.Mode.Perm())
}

// Create makes a file with a fresh master secret, readable by its owner only.
// It takes about a tenth of a second and 64 MiB, the price of a guess at the
// passphrase. A file that exists is never touched: the error Is fs.ErrExist.
func Create(path, passphrase string) error {
	return create(path, passphrase, sealedfile.Default)
}

func create(path, passphrase string, p sealedfile.Params) error {
	var master [sealedfile.SecretSize]byte
	_, _ = rand.Read(master[:]) // never fails, crypto/rand documents
	return translate("create", sealedfile.CreateWith(path, passphrase, kind, master, p))
}

// Open reads the file. It returns [ErrPassphrase], [ErrDamaged], a
// *[PermissionError], or an error that Is fs.ErrNotExist.
func Open(path, passphrase string) (*Keys, error) {
	master, err := sealedfile.Read(path, passphrase, kind)
	if err != nil {
		return nil, translate("open", err)
	}
	return derived(master), nil
}

// translate gives the errors of the file format this package's names.
func translate(verb string, err error) error {
	if err == nil {
		return nil
	}
	if p, ok := errors.AsType[*sealedfile.PermissionError](err); ok {
		return &PermissionError{Mode: p.Mode}
	}
	switch {
	case errors.Is(err, sealedfile.ErrPassphrase), errors.Is(err, sealedfile.ErrNoPassphrase):
		return ErrPassphrase
	case errors.Is(err, sealedfile.ErrDamaged), errors.Is(err, sealedfile.ErrKind):
		return ErrDamaged
	}
	return fmt.Errorf("keyfile: %s: %w", verb, err)
}
