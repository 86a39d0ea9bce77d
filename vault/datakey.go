package vault

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/subtle"
	"encoding/binary"
	"fmt"
)

const (
	keySize = 32
	// A value is tink's AES-GCM format: prefix, nonce, ciphertext, tag.
	valueVersion = 0x01
	headerSize   = 5
	nonceSize    = 12
	tagSize      = 16
	// Overhead is how many bytes longer a sealed value is than its plaintext.
	Overhead = headerSize + nonceSize + tagSize
)

// dataKey is one generation of a person's key, ready for use.
type dataKey struct {
	id         uint32
	generation uint32
	aead       cipher.AEAD
}

func newDataKey(id, generation uint32, key *[keySize]byte) (dataKey, error) {
	aead, err := newGCM(key[:])
	if err != nil {
		return dataKey{}, err
	}
	return dataKey{id: id, generation: generation, aead: aead}, nil
}

// newGCM returns AES-256-GCM that puts a random nonce in front of what it
// seals; the one construction that also works where only FIPS 140 modes do.
func newGCM(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("vault: make cipher: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("vault: make cipher: %w", err)
	}
	return aead, nil
}

// wrapNew fills in row's KeyID, Commitment and Sealed with a fresh random key.
func wrapNew(row *KeyRow, wrap cipher.AEAD) (dataKey, error) {
	var key [keySize]byte
	defer clear(key[:])
	_, _ = rand.Read(key[:]) // never fails, crypto/rand documents
	row.KeyID = newKeyID()
	row.Commitment = commitment(&key)
	row.Sealed = wrap.Seal(nil, nil, key[:], appendKeyAAD(nil, row))
	return newDataKey(row.KeyID, row.Generation, &key)
}

// newKeyID returns a random id that is not zero.
func newKeyID() uint32 {
	var b [4]byte
	for {
		_, _ = rand.Read(b[:])
		if id := binary.BigEndian.Uint32(b[:]); id != 0 {
			return id
		}
	}
}

// unwrap opens a stored key. It returns ErrKeyRecord unless the record is
// exactly the one that was sealed under this name.
func unwrap(row *KeyRow, wrap cipher.AEAD) (dataKey, error) {
	var key [keySize]byte
	defer clear(key[:])
	if err := unwrapInto(&key, row, wrap); err != nil {
		return dataKey{}, err
	}
	return newDataKey(row.KeyID, row.Generation, &key)
}

func unwrapInto(key *[keySize]byte, row *KeyRow, wrap cipher.AEAD) error {
	if len(row.Sealed) != nonceSize+keySize+tagSize {
		return ErrKeyRecord
	}
	s := scratches.Get().(*scratch)
	defer s.release()
	s.b = appendKeyAAD(s.b[:0], row)
	plain, err := wrap.Open(key[:0], nil, row.Sealed, s.b)
	if err != nil || len(plain) != keySize {
		return ErrKeyRecord
	}
	got := commitment(key)
	if subtle.ConstantTimeCompare(got[:], row.Commitment[:]) != 1 {
		return ErrKeyRecord
	}
	return nil
}

// keyID reads the id in front of a sealed value; ok is false for bytes that
// cannot be one.
func keyID(sealed []byte) (id uint32, ok bool) {
	if len(sealed) < Overhead || sealed[0] != valueVersion {
		return 0, false
	}
	return binary.BigEndian.Uint32(sealed[1:headerSize]), true
}

// KeyID returns the id of the key that sealed a value, which stands in the clear
// in front of it; ok is false for bytes that are no sealed value. It says
// nothing of whether the value opens.
func KeyID(sealed []byte) (id uint32, ok bool) { return keyID(sealed) }
