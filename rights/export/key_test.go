package export_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/rights/export"
)

func keyOf(t *testing.T, name string, seed byte) string {
	t.Helper()
	private := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize))
	key, err := export.VerifierKey(name, private.Public().(ed25519.PublicKey))
	require.NoError(t, err)
	return key
}

func otherKey(t *testing.T, name string) string { t.Helper(); return keyOf(t, name, 8) }

func sameKey(t *testing.T, name string) string { t.Helper(); return keyOf(t, name, 7) }

func TestNewSigner_RefusesWhatCannotSign(t *testing.T) {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	for name, try := range map[string]func() error{
		"no key":            func() error { _, err := export.NewSigner("a", nil); return err },
		"a key of a curve":  func() error { _, err := export.NewSigner("a", other); return err },
		"no name":           func() error { _, err := export.NewSigner("", private); return err },
		"a name with space": func() error { _, err := export.NewSigner("a b", private); return err },
		"a name with plus":  func() error { _, err := export.NewSigner("a+b", private); return err },
		"a short public key": func() error {
			_, err := export.VerifierKey("a", ed25519.PublicKey("short"))
			return err
		},
	} {
		require.ErrorIs(t, try(), export.ErrKey, name)
	}
}

func asSheetError(err error) (*export.SheetError, bool) {
	return errors.AsType[*export.SheetError](err)
}
