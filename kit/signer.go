package kit

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
	"github.com/trothdev/troth/internal/sealedfile"
	"github.com/trothdev/troth/vault"
)

// DefaultOrigin is the origin of a log whose signer is from [LocalSecrets] and
// whose host chose none. It is the same everywhere: good for trying things out,
// and not for a log that strangers are to tell from others.
const DefaultOrigin = "localhost/trail"

const (
	// trailKeyFile is the name of the log's signing key in the folder of
	// LocalSecrets; trailKeyKind keeps a file of another use from being taken
	// for it.
	trailKeyFile = "trail.key"
	trailKeyKind = "troth.kit.trail-key/1"
)

var (
	// ErrTrailKey says that the file of the trail's signing key is damaged, or
	// holds something else.
	ErrTrailKey = errors.New("kit: signing key file of the trail is damaged")
	// ErrTrailKeyShared says that users other than the file's owner and group
	// may use it, so that they must be taken to be able to sign.
	ErrTrailKeyShared = errors.New("kit: signing key file of the trail is open to other users")
)

// localSigner is the key of LocalSecrets. It keeps its seed, because the origin
// is known only when a kit is opened.
type localSigner struct {
	audit.SigningKey
	seed troth.Sensitive[[sealedfile.SecretSize]byte]
}

// openSigner reads the file, and makes it first where there is none.
func openSigner(path, passphrase string) (localSigner, error) {
	seed, err := sealedfile.Read(path, passphrase, trailKeyKind)
	if errors.Is(err, fs.ErrNotExist) {
		if err := createSeed(path, passphrase); err != nil && !errors.Is(err, fs.ErrExist) {
			return localSigner{}, err
		}
		seed, err = sealedfile.Read(path, passphrase, trailKeyKind)
	}
	if err != nil {
		return localSigner{}, trailKeyError(err)
	}
	return localSigner{seed: troth.Protect(seed)}.named(DefaultOrigin)
}

func createSeed(path, passphrase string) error {
	var seed [sealedfile.SecretSize]byte
	_, _ = rand.Read(seed[:]) // never fails, crypto/rand documents
	return sealedfile.Create(path, passphrase, trailKeyKind, seed)
}

// trailKeyError gives the errors of the file format this package's names.
func trailKeyError(err error) error {
	if _, special := errors.AsType[*sealedfile.FileTypeError](err); special {
		return fmt.Errorf("%w: %w", ErrTrailKey, err)
	}
	if _, shared := errors.AsType[*sealedfile.PermissionError](err); shared {
		return fmt.Errorf("%w: %w", ErrTrailKeyShared, err)
	}
	switch {
	case errors.Is(err, sealedfile.ErrPassphrase):
		return vault.ErrPassphrase
	case errors.Is(err, sealedfile.ErrDamaged), errors.Is(err, sealedfile.ErrKind):
		return ErrTrailKey
	}
	return err
}

// naming is why the seed is read.
const naming troth.Purpose = "kit.signer"

// named returns the signer of that origin.
func (s localSigner) named(origin string) (localSigner, error) {
	seed, err := s.seed.Reveal(naming)
	if err != nil {
		return localSigner{}, err
	}
	key, err := audit.NewSigningKey(origin, seed)
	return localSigner{SigningKey: key, seed: s.seed}, err
}

// signer is that of the secrets, under the origin of the host's choice; nil if
// there is none.
func (c Config) signer() (audit.Signer, error) {
	signer := c.Secrets.Signer
	local, isLocal := signer.(localSigner)
	switch {
	case c.Origin == "":
		return signer, nil
	case signer == nil:
		return nil, errors.New("Config.Origin is given, and Config.Secrets has no signer")
	case isLocal:
		return local.named(c.Origin)
	case signer.Name() != c.Origin:
		return nil, errors.New("Config.Origin is not the name of the signer in Config.Secrets")
	default:
		return signer, nil
	}
}
