package seamtest

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/trothdev/troth"
)

// Keys are derived from a secret and the name of each, so that two values with one secret have
// the same.
type Keys struct {
	// Secret may be empty.
	Secret string
	// Only is the one tenant that has keys, if it is set: every other's are destroyed.
	Only troth.Tenant
}

var _ troth.Keys = Keys{}

// ErrDestroyed says that a tenant has no keys.
var ErrDestroyed = errors.New("the tenant's keys are destroyed")

func (k Keys) key(ref troth.KeyRef) ([]byte, error) {
	if err := ref.Validate(); err != nil {
		return nil, err
	}
	if k.Only != "" && ref.Tenant != k.Only {
		return nil, ErrDestroyed
	}
	return mac([]byte(k.Secret), fmt.Appendf(nil, "%q", []string{string(ref.Tenant), ref.Use, ref.ID})), nil
}

func mac(key, message []byte) []byte {
	h := hmac.New(sha256.New, key)
	h.Write(message)
	return h.Sum(nil)
}

// MAC implements troth.Keys.
func (k Keys) MAC(_ context.Context, ref troth.KeyRef, message []byte) ([32]byte, error) {
	key, err := k.key(ref)
	if err != nil {
		return [32]byte{}, err
	}
	return [32]byte(mac(key, message)), nil
}

// AEAD implements troth.Keys.
func (k Keys) AEAD(_ context.Context, ref troth.KeyRef) (cipher.AEAD, error) {
	key, err := k.key(ref)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}
