package unsubscribe

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// alphabet is of base64url.
const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

// TestToken_Vector builds the token of docs/formats/unsubscribe-links.md from what
// that page says, with nothing of the code but the reader.
func TestToken_Vector(t *testing.T) {
	body, err := hex.DecodeString("0100" + "000644cdabb4c801" + "00000003" +
		"04" + hex.EncodeToString([]byte("acme")) + "06" + hex.EncodeToString([]byte("weekly")) +
		"05" + hex.EncodeToString([]byte("email")) + "00" + "000f" + hex.EncodeToString([]byte("ada@example.org")))
	require.NoError(t, err)
	bound := "\x01\x00\x00\x00\x18troth.unsubscribe.link/1\x03\x00\x00\x00\x00\x00\x00\x00\x01"
	key := make([]byte, 32)
	for i := range key {
		key[i] = byte(i)
	}
	block, err := aes.NewCipher(key)
	require.NoError(t, err)
	gcm, err := cipher.NewGCM(block)
	require.NoError(t, err)
	nonce := []byte("\x0a\x0b\x0c\x0d\x0e\x0f\x10\x11\x12\x13\x14\x15")
	raw := append([]byte{1, 1}, nonce...)
	raw = gcm.Seal(raw, nonce, body, []byte(bound))
	token := base64.RawURLEncoding.EncodeToString(raw)
	documented := regexp.MustCompile("(?s)```token\n(.*?)```").FindStringSubmatch(readPage(t, "../docs/formats/unsubscribe-links.md"))
	require.NotNil(t, documented)
	require.Equal(t, token, strings.Join(strings.Fields(documented[1]), ""))

	n, sealed, err := splitToken(token)
	require.NoError(t, err)
	require.EqualValues(t, 1, n)
	aead, err := cipher.NewGCMWithRandomNonce(block)
	require.NoError(t, err)
	got, err := openToken(aead, n, sealed)
	require.NoError(t, err)
	require.Equal(t, tokenBody{
		action: ActionStop, at: 1764500000000001, generation: 3, tenant: "acme", list: "weekly", channel: "email", address: "ada@example.org",
	}, got)
	require.Equal(t, body, got.encode())
}

func readPage(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	require.NoError(t, err)
	return string(b)
}

// FuzzTokenBody demands that what is read is written the same again: there is no
// second encoding of a body.
func FuzzTokenBody(f *testing.F) {
	b := tokenBody{action: ActionUndo, scope: 2, at: 5, generation: 7, tenant: "a", list: "l", channel: "email", event: "e", address: "x@y.example"}
	f.Add(b.encode())
	f.Add([]byte{})
	f.Add(append(b.encode(), 0))
	f.Fuzz(func(t *testing.T, raw []byte) {
		b, ok := parseTokenBody(raw)
		if ok && !bytes.Equal(raw, b.encode()) {
			t.Fatalf("read %x, wrote %x", raw, b.encode())
		}
	})
}

// FuzzToken reads whatever comes in a path.
func FuzzToken(f *testing.F) {
	l, err := NewLinks(LinksConfig{Keys: &ringKeys{}, Base: linkBase})
	if err != nil {
		f.Fatal(err)
	}
	u, err := l.URL(f.Context(), ticket())
	if err != nil {
		f.Fatal(err)
	}
	whole := strings.TrimPrefix(u, linkBase+"/u/")
	f.Add(whole)
	f.Add("AQE")
	f.Add("AQEKCwwNDg8QERITFBX")
	f.Fuzz(func(t *testing.T, token string) {
		k, err := l.Read(t.Context(), token)
		if err != nil && !errors.Is(err, ErrLink) {
			t.Fatalf("%q: %v", token, err)
		}
		// Of another process of the fuzzer's, which has the same keys.
		if err == nil && (k.List != "weekly" || len(token) != len(whole) || strings.Trim(token, alphabet) != "") {
			t.Fatalf("%q: read", token)
		}
	})
}
