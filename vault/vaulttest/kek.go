package vaulttest

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"errors"

	"github.com/trothdev/troth/vault"
)

// InsecureKEK is a key-encryption key that everybody knows: its 32 bytes are
// all zero. What it seals is not secret. It is for tests and for nothing else.
func InsecureKEK() vault.KEK { return insecureKEK{zeroGCM()} }

func zeroGCM() cipher.AEAD {
	block, err := aes.NewCipher(make([]byte, 32))
	if err != nil {
		panic(err) // 32 bytes are a key
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic(err) // AES has blocks of 16 bytes
	}
	return aead
}

type insecureKEK struct{ aead cipher.AEAD }

func (k insecureKEK) EncryptWithContext(_ context.Context, plaintext, associatedData []byte) ([]byte, error) {
	return k.aead.Seal(nil, nil, plaintext, associatedData), nil
}

func (k insecureKEK) DecryptWithContext(_ context.Context, ciphertext, associatedData []byte) ([]byte, error) {
	plain, err := k.aead.Open(nil, nil, ciphertext, associatedData)
	if err != nil {
		return nil, errors.New("vaulttest: not sealed by this key")
	}
	return plain, nil
}
