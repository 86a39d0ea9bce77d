package audit_test

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"golang.org/x/mod/sumdb/note"

	"github.com/trothdev/troth/audit"
)

// The example of the note package of x/mod.
const (
	exampleSecret = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
	exampleKey    = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
	exampleText   = "If you think cryptography is the answer to your problem,\n" +
		"then you don't know what your problem is.\n"
	exampleNote = exampleText + "\n— PeterNeumann " +
		"x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)

func secretOf(t testing.TB, k audit.SigningKey) string {
	t.Helper()
	text, err := k.Secret().Reveal("test")
	require.NoError(t, err)
	return text
}

func TestSigningKey_IsTheExampleOfTheFormat(t *testing.T) {
	k, err := audit.ParseSigningKey(exampleSecret)
	require.NoError(t, err)
	assert.Equal(t, "PeterNeumann", k.Name())
	assert.Equal(t, uint32(0xc74f20a3), k.KeyHash())
	assert.Equal(t, exampleKey, k.VerifierKey())
	assert.Equal(t, exampleSecret, secretOf(t, k))

	b, err := note.Sign(&note.Note{Text: exampleText}, k)
	require.NoError(t, err)
	assert.Equal(t, exampleNote, string(b))
}

func TestGenerateSigningKey(t *testing.T) {
	k, err := audit.GenerateSigningKey(testOrigin)
	require.NoError(t, err)
	again, err := audit.ParseSigningKey(secretOf(t, k))
	require.NoError(t, err)
	assert.Equal(t, k.VerifierKey(), again.VerifierKey())

	// x/mod reads both texts and means the same by them.
	theirs, err := note.NewSigner(secretOf(t, k))
	require.NoError(t, err)
	verifier, err := note.NewVerifier(k.VerifierKey())
	require.NoError(t, err)
	sig, err := theirs.Sign([]byte("m"))
	require.NoError(t, err)
	ours, err := k.Sign([]byte("m"))
	require.NoError(t, err)
	assert.Equal(t, sig, ours)
	assert.True(t, verifier.Verify([]byte("m"), ours))
	assert.Equal(t, k.KeyHash(), verifier.KeyHash())

	other, err := audit.GenerateSigningKey(testOrigin)
	require.NoError(t, err)
	assert.NotEqual(t, k.VerifierKey(), other.VerifierKey())
}

func TestGenerateSigningKey_RefusesNames(t *testing.T) {
	for _, name := range []string{
		"", "a b", "a+b", " a", "a\n", "a\tb", "a\x00b", "a\x7fb", "a\u0085b", "a\u00a0b", "a\u2028b", "a\xffb",
		strings.Repeat("a", 256),
	} {
		_, err := audit.GenerateSigningKey(name)
		require.ErrorIs(t, err, audit.ErrKey, "%q", name)
	}
	for _, name := range []string{"a", "bücher.example/日志", strings.Repeat("a", 255)} {
		_, err := audit.GenerateSigningKey(name)
		require.NoError(t, err, "%q", name)
	}
}

func TestParseSigningKey_AcceptsOneText(t *testing.T) {
	refusesNeighbours(t, []byte(secretOf(t, fixedKey(t, testOrigin, 7))), func(b []byte) error {
		_, err := audit.ParseSigningKey(string(b))
		if err != nil {
			require.ErrorIs(t, err, audit.ErrKey)
			assert.Equal(t, audit.ErrKey.Error(), err.Error()) // and no part of the secret
		}
		return err
	})
}

func TestSigningKey_Zero(t *testing.T) {
	var k audit.SigningKey
	_, err := k.Sign([]byte("m"))
	require.ErrorIs(t, err, audit.ErrKey)
	assert.Empty(t, k.VerifierKey())
	assert.Empty(t, secretOf(t, k))
}

func TestSigningKey_PrintsNoSecret(t *testing.T) {
	k := fixedKey(t, testOrigin, 0xAB)
	type holder struct {
		Exported   audit.SigningKey
		unexported audit.SigningKey
		pointer    *audit.SigningKey
	}
	h := holder{k, k, &k}
	var printed []string
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%b", "%c", "%U"} {
		for _, v := range []any{k, &k, h, &h, []audit.SigningKey{k}, k.Secret()} {
			printed = append(printed, fmt.Sprintf(verb, v))
		}
	}
	for _, v := range []any{k, h, map[string]any{"k": k}} {
		b, err := json.Marshal(v)
		require.NoError(t, err)
		printed = append(printed, string(b))
	}
	var logged bytes.Buffer
	core := zapcore.NewCore(zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig()), zapcore.AddSync(&logged), zap.DebugLevel)
	zap.New(core).Info("m", zap.Any("a", k), zap.Reflect("r", h), zap.Stringer("s", k))
	var stream bytes.Buffer
	_ = gob.NewEncoder(&stream).Encode(k) // an error is as good
	printed = append(printed, logged.String(), stream.String())

	secret := secretOf(t, k)
	base := secret[strings.LastIndex(secret, "+")+1:]
	for _, s := range printed {
		for _, leak := range []string{
			base, base[4:40], "abababab", "ABABABAB", "171 171 171", "171,171,171", "\xab\xab\xab", "10101011 1010",
			"0xab, 0x", "U+00AB U+00", `\xab\xab`,
		} {
			require.NotContains(t, s, leak)
		}
	}
	assert.Equal(t, "[signing key of log.example/audit]", fmt.Sprint(k))
}
