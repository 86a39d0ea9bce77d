package vault

import (
	"context"
	"crypto/cipher"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/trothdev/troth/internal/sealedfile"
)

// kekFileKind keeps a file of another use from being taken for a key-encryption
// key.
const kekFileKind = "troth.vault.kek/1"

// CreateKEKFile makes a random key-encryption key and writes it to a new file,
// protected by the passphrase (Argon2id, RFC 9106; parameters in the file). It
// is for programs on one machine; whoever has the file and the passphrase has
// every key that a backup holds. It returns [ErrPassphrase] for an empty
// passphrase, and an error that is fs.ErrExist if the file exists.
func CreateKEKFile(path, passphrase string) error {
	var key [keySize]byte
	defer clear(key[:])
	_, _ = rand.Read(key[:]) // never fails, crypto/rand documents
	err := sealedfile.Create(path, passphrase, kekFileKind, key)
	if errors.Is(err, sealedfile.ErrNoPassphrase) {
		return errNoPassphrase
	}
	return err
}

// OpenKEKFile reads a file that [CreateKEKFile] wrote. It returns
// [ErrPassphrase] for a wrong or empty passphrase, [ErrKEKFile] for a file that
// is damaged or of another kind, and at once for what is no file, such as a
// named pipe, [ErrKEKFileShared] for one that others may use, and an error that
// is fs.ErrNotExist if there is none.
func OpenKEKFile(path, passphrase string) (KEK, error) {
	secret, err := sealedfile.Read(path, passphrase, kekFileKind)
	switch {
	case errors.Is(err, sealedfile.ErrNoPassphrase):
		return nil, errNoPassphrase
	case errors.Is(err, sealedfile.ErrPassphrase):
		return nil, ErrPassphrase
	case errors.Is(err, sealedfile.ErrDamaged), errors.Is(err, sealedfile.ErrKind):
		if _, special := errors.AsType[*sealedfile.FileTypeError](err); special {
			return nil, fmt.Errorf("%w: %w", ErrKEKFile, err)
		}
		return nil, ErrKEKFile
	case err != nil:
		if _, shared := errors.AsType[*sealedfile.PermissionError](err); shared {
			return nil, fmt.Errorf("%w: %w", ErrKEKFileShared, err)
		}
		return nil, err
	}
	defer clear(secret[:])
	return newLocalKEK(secret[:])
}

var (
	// ErrPassphrase says that the passphrase is not the file's, or is empty.
	ErrPassphrase = errors.New("vault: wrong passphrase")
	// ErrKEKFileShared says that users other than the file's owner and group
	// may use it, so that the key must be taken for known to them.
	ErrKEKFileShared = errors.New("vault: key-encryption key file is open to other users")
	// ErrKEKFile says that the file is damaged, or not a key-encryption key.
	ErrKEKFile = errors.New("vault: key-encryption key file is damaged")
)

var errNoPassphrase = fmt.Errorf("%w: it is empty", ErrPassphrase)

var errForeignRoot = errors.New("vault: not sealed by this key-encryption key")

// localKEK is a key-encryption key in this process.
type localKEK struct{ aead cipher.AEAD }

func newLocalKEK(secret []byte) (KEK, error) {
	aead, err := newGCM(secret)
	if err != nil {
		return nil, err
	}
	return localKEK{aead}, nil
}

func (k localKEK) EncryptWithContext(ctx context.Context, plaintext, associatedData []byte) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return k.aead.Seal(nil, nil, plaintext, associatedData), nil
}

func (k localKEK) DecryptWithContext(ctx context.Context, ciphertext, associatedData []byte) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	plain, err := k.aead.Open(nil, nil, ciphertext, associatedData)
	if err != nil {
		return nil, errForeignRoot
	}
	return plain, nil
}
