package sealedfile

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
)

// SecretSize is the length of every secret in bytes.
const SecretSize = 32

// The layout, numbers big endian:
//
//	magic 8 | kdf 1 | time 4 | memory 4 | lanes 1 | salt 16 | kind length 1 | kind
//	check 16 | nonce 12 | ciphertext 32 | tag 16 | checksum 32
const (
	magic     = "trothsf1"
	argon2id  = 0x01
	saltSize  = 16
	fixedSize = len(magic) + 1 + 4 + 4 + 1 + saltSize + 1
	checkSize = 16
	boxSize   = 12 + SecretSize + 16
	maxKind   = 64
	maxSize   = fixedSize + maxKind + checkSize + boxSize + sha256.Size
)

// file is one file taken apart.
type file struct {
	params Params
	salt   []byte
	kind   string
	// header is the bytes up to and with the kind.
	header, check, box []byte
}

func appendHeader(p Params, salt []byte, kind string) []byte {
	h := append([]byte(magic), argon2id)
	h = binary.BigEndian.AppendUint32(h, p.Time)
	h = binary.BigEndian.AppendUint32(h, p.MemoryKiB)
	h = append(h, p.Lanes)
	h = append(h, salt...)
	h = append(h, byte(len(kind)))
	return append(h, kind...)
}

// encode makes the bytes of a file with a fresh salt.
func encode(p Params, passphrase, kind string, secret [SecretSize]byte) ([]byte, error) {
	salt := make([]byte, saltSize)
	_, _ = rand.Read(salt) // never fails, crypto/rand documents
	k := p.stretch(passphrase, salt)
	aead, err := k.aead()
	if err != nil {
		return nil, err
	}
	b := appendHeader(p, salt, kind)
	b = append(b, k.recognise(b)...)
	b = aead.Seal(b, nil, secret[:], b)
	sum := sha256.Sum256(b)
	return append(b, sum[:]...), nil
}

// split takes a file apart. It returns ErrDamaged for anything that encode
// would not have made with some passphrase.
func split(b []byte) (file, error) {
	if len(b) < fixedSize || len(b) > maxSize {
		return file{}, ErrDamaged
	}
	body := b[:max(0, len(b)-sha256.Size)]
	sum := sha256.Sum256(body)
	if !bytes.Equal(sum[:], b[len(body):]) {
		return file{}, ErrDamaged
	}
	n := int(b[fixedSize-1])
	if len(body) != fixedSize+n+checkSize+boxSize {
		return file{}, ErrDamaged
	}
	f := file{
		params: Params{
			Time:      binary.BigEndian.Uint32(b[9:]),
			MemoryKiB: binary.BigEndian.Uint32(b[13:]),
			Lanes:     b[17],
		},
		salt:   b[18 : 18+saltSize],
		kind:   string(b[fixedSize : fixedSize+n]),
		header: b[:fixedSize+n],
		check:  b[fixedSize+n:][:checkSize],
		box:    body[fixedSize+n+checkSize:],
	}
	if string(b[:len(magic)]) != magic || b[8] != argon2id ||
		!validKind(f.kind) || f.params.Validate() != nil {
		return file{}, ErrDamaged
	}
	return f, nil
}

// open returns the secret, ErrPassphrase, or ErrDamaged for a file whose
// checksum is right and whose secret is not: made by hand.
func (f file) open(passphrase string) (secret [SecretSize]byte, err error) {
	k := f.params.stretch(passphrase, f.salt)
	if !hmac.Equal(k.recognise(f.header), f.check) {
		return secret, ErrPassphrase
	}
	aead, err := k.aead()
	if err != nil {
		return secret, err
	}
	plain, err := aead.Open(nil, nil, f.box, append(bytes.Clone(f.header), f.check...))
	if err != nil {
		return secret, ErrDamaged
	}
	copy(secret[:], plain)
	return secret, nil
}

func (k keys) aead() (cipher.AEAD, error) {
	block, err := aes.NewCipher(k.seal)
	if err != nil {
		return nil, fmt.Errorf("sealedfile: cipher: %w", err)
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// recognise gives the value by which the passphrase is known again, bound to
// the parameters, the salt and the kind.
func (k keys) recognise(header []byte) []byte {
	mac := hmac.New(sha256.New, k.check)
	mac.Write(header)
	return mac.Sum(nil)[:checkSize]
}

// validKind accepts one to 64 printable ASCII characters without spaces.
func validKind(kind string) bool {
	if kind == "" || len(kind) > maxKind {
		return false
	}
	for i := range len(kind) {
		if kind[i] <= ' ' || kind[i] > '~' {
			return false
		}
	}
	return true
}
