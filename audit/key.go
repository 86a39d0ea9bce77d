package audit

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/mod/sumdb/note"

	"github.com/trothdev/troth"
)

// Signer signs checkpoints: a [SigningKey], or a key that a KMS holds. It is an
// Ed25519 key (RFC 8032); Name is the origin of the log, KeyHash and Sign are as
// the signed-note format has them for key type 1.
type Signer interface {
	note.Signer
	// VerifierKey is the public key, as signed-note writes it:
	// name+id+base64, the id in eight hexadecimal digits.
	VerifierKey() string
}

// secretPrefix is what the text of a signing key begins with, in the form of
// the Go checksum database.
const secretPrefix = "PRIVATE+KEY+"

// signPurpose is why the key itself is read.
const signPurpose troth.Purpose = "audit.sign"

// SigningKey is an Ed25519 key in memory that signs the checkpoints of one log.
// Who has it can sign another history: a log whose checkpoints nobody else keeps
// proves no more than that the key was not stolen. Nothing prints or encodes the
// secret but [SigningKey.Secret]. The zero value signs nothing.
type SigningKey struct {
	public publicKey
	key    troth.Sensitive[ed25519.PrivateKey]
}

// GenerateSigningKey makes a key for the log of that origin: a name that is
// unique in the world, best a domain and a path without a scheme, such as
// "example.com/audit". It is 1 to 255 bytes of UTF-8 without spaces, control
// characters and "+"; another one is [ErrKey].
func GenerateSigningKey(origin string) (SigningKey, error) {
	if !isKeyName(origin) {
		return SigningKey{}, fmt.Errorf("%w: origin must be 1 to 255 bytes without spaces, control characters and \"+\"", ErrKey)
	}
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return SigningKey{}, fmt.Errorf("audit: generate key: %w", err)
	}
	return newSigningKey(origin, private), nil
}

// ParseSigningKey reads the text that [SigningKey.Secret] gave. Anything else,
// also another text of the same key, is [ErrKey].
func ParseSigningKey(text string) (SigningKey, error) {
	rest, ok := strings.CutPrefix(text, secretPrefix)
	name, id, raw, err := splitKey(rest)
	if !ok || err != nil || raw[0] != logKeyType || len(raw) != 1+ed25519.SeedSize {
		return SigningKey{}, ErrKey
	}
	k := newSigningKey(name, ed25519.NewKeyFromSeed(raw[1:]))
	if k.public.id != id {
		return SigningKey{}, ErrKey
	}
	return k, nil
}

func newSigningKey(name string, private ed25519.PrivateKey) SigningKey {
	public := [ed25519.PublicKeySize]byte(private.Public().(ed25519.PublicKey))
	return SigningKey{public: newPublicKey(name, logKeyType, public), key: troth.Protect(private)}
}

// Secret returns the text of the key, for [ParseSigningKey], to be revealed only
// to write it to a safe place.
func (k SigningKey) Secret() troth.Sensitive[string] {
	private, err := k.key.Reveal(signPurpose)
	if err != nil || private == nil {
		return troth.Protect("")
	}
	raw := append([]byte{logKeyType}, private.Seed()...)
	return troth.Protect(secretPrefix + joinKey(k.public.name, k.public.id, raw))
}

// Name is the origin of the log.
func (k SigningKey) Name() string { return k.public.name }

// KeyHash is the id of the key within its name.
func (k SigningKey) KeyHash() uint32 { return k.public.id }

// VerifierKey is the public key, for who verifies.
func (k SigningKey) VerifierKey() string {
	if k.public.name == "" {
		return ""
	}
	return k.public.String()
}

// Sign signs the message.
func (k SigningKey) Sign(msg []byte) ([]byte, error) {
	private, err := k.key.Reveal(signPurpose)
	if err != nil || private == nil {
		return nil, fmt.Errorf("%w: signing key is empty", ErrKey)
	}
	return ed25519.Sign(private, msg), nil
}

// String names the log and not the key.
func (k SigningKey) String() string { return "[signing key of " + k.public.name + "]" }

// GoString is String.
func (k SigningKey) GoString() string { return k.String() }

// MarshalText gives encoders what String gives: an encoded key is lost, not
// leaked.
func (k SigningKey) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// Types of keys, as signed-note assigns them.
const (
	logKeyType     = 1
	witnessKeyType = 4
)

// maxKeyName is the longest name of a key, in bytes.
const maxKeyName = 255

// publicKey is a verifier key. It is comparable.
type publicKey struct {
	name string
	id   uint32
	kind byte
	key  [ed25519.PublicKeySize]byte
}

func newPublicKey(name string, kind byte, key [ed25519.PublicKeySize]byte) publicKey {
	h := sha256.New()
	h.Write([]byte(name))
	h.Write([]byte{'\n', kind})
	h.Write(key[:])
	return publicKey{name: name, id: binary.BigEndian.Uint32(h.Sum(nil)), kind: kind, key: key}
}

// parsePublicKey reads a key of that type, in its one form.
func parsePublicKey(vkey string, kind byte) (publicKey, error) {
	name, id, raw, err := splitKey(vkey)
	if err != nil || raw[0] != kind || len(raw) != 1+ed25519.PublicKeySize {
		return publicKey{}, ErrKey
	}
	k := newPublicKey(name, kind, [ed25519.PublicKeySize]byte(raw[1:]))
	if k.id != id {
		return publicKey{}, ErrKey
	}
	return k, nil
}

func (k publicKey) String() string {
	return joinKey(k.name, k.id, append([]byte{k.kind}, k.key[:]...))
}

func (k publicKey) verify(msg, sig []byte) bool { return ed25519.Verify(k.key[:], msg, sig) }

func joinKey(name string, id uint32, raw []byte) string {
	return fmt.Sprintf("%s+%08x+%s", name, id, encode(raw))
}

// splitKey takes apart what joinKey makes, and nothing else. raw is not empty.
func splitKey(s string) (name string, id uint32, raw []byte, err error) {
	name, rest, _ := strings.Cut(s, "+")
	digits, b64, _ := strings.Cut(rest, "+")
	number, err := hex.DecodeString(digits)
	if err != nil || len(number) != 4 || !isKeyName(name) {
		return "", 0, nil, ErrKey
	}
	id = binary.BigEndian.Uint32(number)
	raw, err = decodeBase64(b64)
	if err != nil || len(raw) == 0 || joinKey(name, id, raw) != s {
		return "", 0, nil, ErrKey
	}
	return name, id, raw, nil
}

// isKeyName holds names to the rules of signed-note, and to a length.
func isKeyName(name string) bool {
	if name == "" || len(name) > maxKeyName || !utf8.ValidString(name) {
		return false
	}
	return strings.IndexFunc(name, func(r rune) bool {
		return r == '+' || unicode.IsSpace(r) || unicode.IsControl(r)
	}) < 0
}
