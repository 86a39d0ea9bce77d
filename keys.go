package troth

import (
	"context"
	"crypto/cipher"
)

// KeyRef names a key that a service needs for its own bookkeeping.
type KeyRef struct {
	Tenant Tenant
	// Use is what the key is for, such as "audit.pseudonym". Two uses never
	// share a key.
	Use string
	// ID tells keys of one use apart: a version, a list, another tenant.
	ID string
}

// Validate returns an *[IdentifierError] unless every part is valid.
func (r KeyRef) Validate() error {
	if err := r.Tenant.Validate(); err != nil {
		return err
	}
	if err := checkIdentifier("key use", r.Use); err != nil {
		return err
	}
	return checkIdentifier("key", r.ID)
}

// Keys gives keyed hashes and encryption for tokens, look-ups and links. The
// same KeyRef gives the same key for as long as the tenant lives. Keys are
// independent: of one nothing can be learned about another.
//
// A keyed hash of something personal is still personal data: whoever holds the
// key can test guesses.
type Keys interface {
	// MAC returns HMAC-SHA-256 of message under the key. Compare with
	// hmac.Equal. The message is the caller's, who may write over it afterwards.
	MAC(ctx context.Context, ref KeyRef, message []byte) ([32]byte, error)
	// AEAD returns AES-256-GCM under the key, with a random nonce in front of
	// the ciphertext: pass a nil nonce to Seal and Open.
	AEAD(ctx context.Context, ref KeyRef) (cipher.AEAD, error)
}
