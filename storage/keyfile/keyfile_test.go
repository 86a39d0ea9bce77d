package keyfile

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/sealedfile"
)

const pass = "open sesame"

func weakFile(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "troth.keys")
	require.NoError(t, create(path, pass, sealedfile.WeakForTests))
	return path
}

func opened(t *testing.T, path string) *Keys {
	t.Helper()
	k, err := Open(path, pass)
	require.NoError(t, err)
	return k
}

var ref = troth.KeyRef{Tenant: "acme", Use: "test.use", ID: "1"}

func TestOpen_GivesTheSameKeysEveryTime(t *testing.T) {
	path := weakFile(t)
	a, b := opened(t, path), opened(t, path)
	one, err := a.MAC(t.Context(), ref, []byte("message"))
	require.NoError(t, err)
	two, err := b.MAC(t.Context(), ref, []byte("message"))
	require.NoError(t, err)
	require.Equal(t, one, two)

	seal, err := a.AEAD(t.Context(), ref)
	require.NoError(t, err)
	open, err := b.AEAD(t.Context(), ref)
	require.NoError(t, err)
	plain, err := open.Open(nil, nil, seal.Seal(nil, nil, []byte("hi"), []byte("ad")), []byte("ad"))
	require.NoError(t, err)
	require.Equal(t, "hi", string(plain))
}

func TestKeys_DifferByTenantUseIDAndFile(t *testing.T) {
	k, other := opened(t, weakFile(t)), opened(t, weakFile(t))
	seen := make(map[[32]byte]bool)
	for _, r := range []troth.KeyRef{
		ref,
		{Tenant: "acme2", Use: "test.use", ID: "1"},
		{Tenant: "acme", Use: "test.use2", ID: "1"},
		{Tenant: "acme", Use: "test.use", ID: "2"},
		{Tenant: "acm", Use: "etest.use", ID: "1"},
	} {
		sum, err := k.MAC(t.Context(), r, []byte("message"))
		require.NoError(t, err)
		require.False(t, seen[sum])
		seen[sum] = true
	}
	sum, err := other.MAC(t.Context(), ref, []byte("message"))
	require.NoError(t, err)
	require.False(t, seen[sum])
}

func TestKeys_MACAndEncryptionNeverShareAKey(t *testing.T) {
	k := opened(t, weakFile(t))
	mac, err := k.derive(macDomain, ref)
	require.NoError(t, err)
	enc, err := k.derive(aeadDomain, ref)
	require.NoError(t, err)
	require.NotEqual(t, mac, enc)
}

// TestKeys_Vector pins the derivation: changing it would lose every link and
// token of every host. The first expectation is computed here from RFC 5869
// and the info bytes that docs/formats.md gives: T(1) = HMAC(master, info | 1).
func TestKeys_Vector(t *testing.T) {
	var master [32]byte
	for i := range master {
		master[i] = byte(i)
	}
	info := "\x01\x00\x00\x00\x13troth.keyfile.mac/1" +
		"\x02\x00\x00\x00\x04acme" + "\x02\x00\x00\x00\x08test.use" + "\x02\x00\x00\x00\x011"
	prf := hmac.New(sha256.New, master[:])
	prf.Write([]byte(info + "\x01"))
	mac := hmac.New(sha256.New, prf.Sum(nil))
	mac.Write([]byte("message"))

	got, err := derived(master).MAC(t.Context(), ref, []byte("message"))
	require.NoError(t, err)
	require.Equal(t, hex.EncodeToString(mac.Sum(nil)), hex.EncodeToString(got[:]))
	require.Equal(t, "88a02fcb5e963c3bbe5e1237b791bfdf74d3b01d83e0b43d76e53a71ea0cf04c", hex.EncodeToString(got[:]))
}

func TestKeys_InvalidRefIsRefused(t *testing.T) {
	k := opened(t, weakFile(t))
	var ie *troth.IdentifierError
	_, err := k.MAC(t.Context(), troth.KeyRef{Tenant: "acme", Use: "", ID: "1"}, nil)
	require.ErrorAs(t, err, &ie)
	_, err = k.AEAD(t.Context(), troth.KeyRef{Tenant: "~x", Use: "u", ID: "1"})
	require.ErrorAs(t, err, &ie)
}

func TestKeys_NoVerbPrintsTheMaster(t *testing.T) {
	var master [32]byte
	copy(master[:], "SECRETSECRETSECRETSECRETSECRETSE")
	k := derived(master)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%q"} {
		for _, v := range []any{k, *k} {
			text := fmt.Sprintf(verb, v)
			require.NotContains(t, text, "SECRET")
			require.NotContains(t, text, hex.EncodeToString([]byte("SECRET")))
			require.NotContains(t, text, "83 69 67")
			require.NotContains(t, text, "0x53, 0x45")
		}
	}
}

func TestOpen_Errors(t *testing.T) {
	path := weakFile(t)
	_, err := Open(path, "wrong")
	require.ErrorIs(t, err, ErrPassphrase)
	_, err = Open(path, "")
	require.ErrorIs(t, err, ErrPassphrase)
	_, err = Open(path+".gone", pass)
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.ErrorIs(t, Create(path, pass), fs.ErrExist)

	b, err := os.ReadFile(path)
	require.NoError(t, err)
	b[40] ^= 1
	require.NoError(t, os.WriteFile(path, b, 0o600))
	_, err = Open(path, pass)
	require.ErrorIs(t, err, ErrDamaged)
}

func TestOpen_RefusesAnotherKindOfFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kek")
	require.NoError(t, sealedfile.CreateWith(path, pass, "other", [32]byte{1}, sealedfile.WeakForTests))
	_, err := Open(path, pass)
	require.ErrorIs(t, err, ErrDamaged)
}
