package keyfile

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"fmt"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/canon"
	"github.com/trothdev/troth/internal/sealedfile"
)

// Domains of derivation: a MAC key and an encryption key never coincide.
const (
	macDomain  = "troth.keyfile.mac/1"
	aeadDomain = "troth.keyfile.aead/1"
)

const keySize = 32

// Keys derives every key from the master secret of one file.
type Keys struct {
	// expand holds the master secret: a closure is not printed by fmt.
	expand func(info string) ([]byte, error)
}

var _ troth.Keys = (*Keys)(nil)

func derived(master [sealedfile.SecretSize]byte) *Keys {
	return &Keys{expand: func(info string) ([]byte, error) {
		// The master is random and uniform, so it needs no Extract (RFC 5869,
		// section 3.3).
		return hkdf.Expand(sha256.New, master[:], info, keySize)
	}}
}

// MAC returns HMAC-SHA-256 of message under the key named by ref.
func (k *Keys) MAC(_ context.Context, ref troth.KeyRef, message []byte) ([32]byte, error) {
	var sum [32]byte
	key, err := k.derive(macDomain, ref)
	if err != nil {
		return sum, err
	}
	mac := hmac.New(sha256.New, key)
	mac.Write(message)
	mac.Sum(sum[:0])
	return sum, nil
}

// AEAD returns AES-256-GCM under the key named by ref, with a random nonce in
// front of the ciphertext.
func (k *Keys) AEAD(_ context.Context, ref troth.KeyRef) (cipher.AEAD, error) {
	key, err := k.derive(aeadDomain, ref)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("keyfile: derive: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("keyfile: derive: %w", err)
	}
	return aead, nil
}

func (k *Keys) derive(domain string, ref troth.KeyRef) ([]byte, error) {
	if err := ref.Validate(); err != nil {
		return nil, err
	}
	info := canon.AppendDomain(nil, domain)
	info = canon.AppendText(info, ref.Tenant)
	info = canon.AppendText(info, ref.Use)
	info = canon.AppendText(info, ref.ID)
	key, err := k.expand(string(info))
	if err != nil {
		return nil, fmt.Errorf("keyfile: derive: %w", err)
	}
	return key, nil
}
