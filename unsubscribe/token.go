package unsubscribe

import (
	"crypto/cipher"
	"encoding/base64"
	"encoding/binary"
	"strings"
	"unicode/utf8"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/canon"
)

// tokenVersion is the first byte of every token; tokenDomain names the same
// version in what the token is bound to.
const (
	tokenVersion = 1
	tokenDomain  = "troth.unsubscribe.link/1" //nolint:gosec // G101: a name of a format, and no credential
)

const (
	// tokenHead is the version and the number of the key, in the clear.
	tokenHead = 2
	// maxToken is longer than any token: what is longer is not looked at.
	maxToken = 2048
	// maxTokenAddress is the longest address that a token carries, in bytes.
	maxTokenAddress = 1024
)

// tokenBody is what a token carries, as it lies under encryption.
type tokenBody struct {
	action     Action
	scope      byte  // of what is to be undone, from 1 in the order of linkScopes
	at         int64 // microseconds, of the message, or of what is to be undone
	generation uint32
	tenant     string
	list       string
	channel    string
	event      string // what is to be undone
	address    string
}

// encode gives the body's one encoding.
func (b *tokenBody) encode() []byte {
	dst := []byte{byte(b.action), b.scope}
	dst = binary.BigEndian.AppendUint64(dst, uint64(b.at))
	dst = binary.BigEndian.AppendUint32(dst, b.generation)
	for _, s := range []string{b.tenant, b.list, b.channel, b.event} {
		dst = append(append(dst, byte(len(s))), s...)
	}
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(b.address)))
	return append(dst, b.address...)
}

// fits reports whether every part has a place in the encoding.
func (b *tokenBody) fits() bool {
	for _, s := range []string{b.tenant, b.list, b.channel, b.event} {
		if len(s) > troth.MaxIdentifier || !utf8.ValidString(s) {
			return false
		}
	}
	return len(b.address) <= maxTokenAddress && utf8.ValidString(b.address)
}

func parseTokenBody(raw []byte) (b tokenBody, ok bool) {
	r := tokenReader{rest: raw}
	b.action, b.scope = Action(r.byte()), r.byte()
	b.at, b.generation = int64(binary.BigEndian.Uint64(r.fixed(8))), binary.BigEndian.Uint32(r.fixed(4))
	for _, s := range []*string{&b.tenant, &b.list, &b.channel, &b.event} {
		*s = string(r.take(int(r.byte())))
	}
	b.address = string(r.take(int(binary.BigEndian.Uint16(r.fixed(2)))))
	return b, !r.short && len(r.rest) == 0 && b.fits()
}

// tokenReader takes bytes from the front; after the first shortage it gives
// zeros and stays short.
type tokenReader struct {
	rest  []byte
	short bool
}

func (r *tokenReader) take(n int) []byte {
	if n > len(r.rest) {
		r.short, r.rest = true, nil
		return nil
	}
	taken := r.rest[:n]
	r.rest = r.rest[n:]
	return taken
}

// fixed takes n bytes, zeros if there are fewer.
func (r *tokenReader) fixed(n int) []byte {
	if taken := r.take(n); !r.short {
		return taken
	}
	return make([]byte, n)
}

func (r *tokenReader) byte() byte { return r.fixed(1)[0] }

// tokenBound is what the ciphertext is bound to: the format and the key's number.
func tokenBound(key byte) []byte {
	return canon.AppendUint(canon.AppendDomain(nil, tokenDomain), uint64(key))
}

// sealToken makes a token of a body.
func sealToken(aead cipher.AEAD, key byte, b *tokenBody) string {
	raw := aead.Seal([]byte{tokenVersion, key}, nil, b.encode(), tokenBound(key))
	return base64.RawURLEncoding.EncodeToString(raw)
}

// splitToken accepts the one way in which a token is written, and tells the key.
func splitToken(token string) (key byte, sealed []byte, err error) {
	// The decoder passes over line ends, which would be a second way of writing.
	if len(token) > maxToken || strings.ContainsAny(token, "\r\n") {
		return 0, nil, ErrLink
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil || len(raw) <= tokenHead || raw[0] != tokenVersion || raw[1] == 0 {
		return 0, nil, ErrLink
	}
	return raw[1], raw[tokenHead:], nil
}

func openToken(aead cipher.AEAD, key byte, sealed []byte) (tokenBody, error) {
	plain, err := aead.Open(nil, nil, sealed, tokenBound(key))
	if err != nil {
		return tokenBody{}, ErrLink
	}
	b, ok := parseTokenBody(plain)
	if !ok {
		return tokenBody{}, ErrLink
	}
	return b, nil
}
