package export

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/mod/sumdb/note"
)

// What is signed is a C2SP signed note, by an Ed25519 key (type 1) as checkpoints of
// the trail are, over the text:
//
//	troth.export.manifest/1
//	<SHA-256 of manifest.json in base64>
//
// No checkpoint reads like that: its second line is a number.
const signedDomain = "troth.export.manifest/1"

func signedText(manifest []byte) string {
	sum := sha256.Sum256(manifest)
	return signedDomain + "\n" + base64.StdEncoding.EncodeToString(sum[:]) + "\n"
}

// sign returns the note.
func sign(manifest []byte, by note.Signer) ([]byte, error) {
	text := signedText(manifest)
	sig, err := by.Sign([]byte(text))
	if err != nil {
		return nil, fmt.Errorf("export: sign: %w", err)
	}
	return appendNote(text, by.Name(), by.KeyHash(), sig), nil
}

func appendNote(text, name string, id uint32, sig []byte) []byte {
	raw := append(binary.BigEndian.AppendUint32(nil, id), sig...)
	return []byte(text + "\n— " + name + " " + base64.StdEncoding.EncodeToString(raw) + "\n")
}

// checkNote accepts the one note that the key makes of the manifest.
func checkNote(signed, manifest []byte, by note.Verifier) error {
	text := signedText(manifest)
	lines := strings.Split(string(signed), " ")
	raw, err := base64.StdEncoding.DecodeString(strings.TrimSuffix(lines[len(lines)-1], "\n"))
	if err != nil || len(raw) != 4+ed25519.SignatureSize ||
		!bytes.Equal(signed, appendNote(text, by.Name(), by.KeyHash(), raw[4:])) || !by.Verify([]byte(text), raw[4:]) {
		return broken(signaturePath, "it is not the key's signature of the manifest")
	}
	return nil
}

// maxNote is longer than any note: a name of 255 bytes, and a signature.
const maxNote = 1 << 10

// newVerifier reads a verifier key in the form of signed notes.
func newVerifier(key string) (note.Verifier, error) {
	v, err := note.NewVerifier(key)
	if err != nil {
		return nil, ErrKey
	}
	return v, nil
}

// NewSigner makes a signer of an Ed25519 key, such as one that a KMS holds; name is
// best a domain and a path, as "example.com/exports". The key of the trail will do too,
// as it is: it is a signer. It returns [ErrKey] for other kinds of keys, and names that
// a signed note cannot have.
func NewSigner(name string, key crypto.Signer) (note.Signer, error) {
	if key == nil || !isKeyName(name) {
		return nil, ErrKey
	}
	public, ok := key.Public().(ed25519.PublicKey)
	if !ok {
		return nil, ErrKey
	}
	h := sha256.New()
	h.Write([]byte(name + "\n\x01"))
	h.Write(public)
	return signer{name, binary.BigEndian.Uint32(h.Sum(nil)), key}, nil
}

// VerifierKey returns the public key of a name as [Verify] takes it.
func VerifierKey(name string, key ed25519.PublicKey) (string, error) {
	if !isKeyName(name) || len(key) != ed25519.PublicKeySize {
		return "", ErrKey
	}
	vkey, err := note.NewEd25519VerifierKey(name, key)
	if err != nil {
		return "", ErrKey
	}
	return vkey, nil
}

type signer struct {
	name string
	id   uint32
	key  crypto.Signer
}

func (s signer) Name() string    { return s.name }
func (s signer) KeyHash() uint32 { return s.id }

func (s signer) Sign(msg []byte) ([]byte, error) {
	return s.key.Sign(nilReader{}, msg, crypto.Hash(0)) // Ed25519 needs no chance
}

type nilReader struct{}

func (nilReader) Read([]byte) (int, error) { return 0, io.EOF }

func isKeyName(name string) bool {
	if name == "" || len(name) > maxName || !utf8.ValidString(name) {
		return false
	}
	return !strings.ContainsFunc(name, func(r rune) bool { return r == '+' || unicode.IsSpace(r) || unicode.IsControl(r) })
}
