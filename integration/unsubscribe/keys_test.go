package unsubscribe_test

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"

	"github.com/trothdev/troth"
)

// fixedKeys are keys that hide nothing.
type fixedKeys struct{}

func (*fixedKeys) key(ref troth.KeyRef) []byte {
	sum := sha256.Sum256([]byte(string(ref.Tenant) + "\x00" + ref.Use + "\x00" + ref.ID))
	return sum[:]
}

func (k *fixedKeys) MAC(_ context.Context, ref troth.KeyRef, message []byte) ([32]byte, error) {
	h := hmac.New(sha256.New, k.key(ref))
	h.Write(message)
	return [32]byte(h.Sum(nil)), nil
}

func (k *fixedKeys) AEAD(_ context.Context, ref troth.KeyRef) (cipher.AEAD, error) {
	block, err := aes.NewCipher(k.key(ref))
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}
