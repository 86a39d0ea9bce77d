package audit

import (
	"errors"
	"fmt"
)

var (
	// ErrKey says that a text is not a key, or not a name that a key may have.
	ErrKey = errors.New("audit: not a key")
	// ErrNotProof says that bytes cannot be read as a proof: they say nothing, for
	// or against. A checkpoint in it that cannot be read is [ErrNote] as well.
	ErrNotProof = errors.New("audit: not a proof")
	// ErrProof says that a proof was read and does not hold.
	ErrProof = errors.New("audit: proof does not hold")
	// ErrSignature says that a signature is missing or wrong. It wraps [ErrProof].
	ErrSignature = fmt.Errorf("%w: signature is missing or wrong", ErrProof)
	// ErrKeySizes says that the key is known, and not for a log of this size, see
	// [Verifiers]. It wraps [ErrProof].
	ErrKeySizes = fmt.Errorf("%w: key does not count for this size", ErrProof)
	// ErrUnknownKey says that a signature is by a key that was not given to verify
	// with: whether it holds cannot be told.
	ErrUnknownKey = errors.New("audit: unknown key")
)

// KeyError says which key is at fault.
type KeyError struct {
	// Name is the key's: the origin of a log, or a witness.
	Name string
	// Err is [ErrUnknownKey], [ErrSignature] or [ErrKeySizes].
	Err error
}

func (e *KeyError) Error() string { return e.Err.Error() + ": " + word(e.Name) }

func (e *KeyError) Unwrap() error { return e.Err }
