package audit

import (
	"crypto/ed25519"
	"fmt"
)

// NewSigningKey returns the key that a secret seed gives, for the log of that
// origin: for who keeps 32 random bytes rather than the text of
// [SigningKey.Secret]. The same seed under another origin is another key, and no
// checkpoint of the one is taken for the other's. Which origins may be, and the
// error, are as with [GenerateSigningKey].
func NewSigningKey(origin string, seed [ed25519.SeedSize]byte) (SigningKey, error) {
	if !isKeyName(origin) {
		return SigningKey{}, fmt.Errorf("%w: origin must be 1 to 255 bytes without spaces, control characters and \"+\"", ErrKey)
	}
	return newSigningKey(origin, ed25519.NewKeyFromSeed(seed[:])), nil
}
