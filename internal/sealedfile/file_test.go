package sealedfile

import (
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

const (
	testPass = "correct horse"
	testKind = "test-kind"
)

var testSecret = [SecretSize]byte{0: 1, 7: 0xaa, 31: 0xff}

func TestCreate_ReadGivesTheSecretBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secret")
	require.NoError(t, CreateWith(path, testPass, testKind, testSecret, WeakForTests))
	got, err := Read(path, testPass, testKind)
	require.NoError(t, err)
	require.Equal(t, testSecret, got)
}

func TestCreate_DefaultsAreStoredInTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secret")
	require.NoError(t, Create(path, testPass, testKind, testSecret))
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	f, err := split(b)
	require.NoError(t, err)
	require.Equal(t, Params{Time: 3, MemoryKiB: 65536, Lanes: 4}, f.params)
	got, err := Read(path, testPass, testKind)
	require.NoError(t, err)
	require.Equal(t, testSecret, got)
}

func TestCreate_NeverTouchesAFileThatExists(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secret")
	require.NoError(t, os.WriteFile(path, []byte("precious"), 0o600))
	err := CreateWith(path, testPass, testKind, testSecret, WeakForTests)
	require.ErrorIs(t, err, fs.ErrExist)
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "precious", string(b))
}

func TestCreate_RefusesWhatReadCouldNotUse(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secret")
	require.ErrorIs(t, CreateWith(path, "", testKind, testSecret, WeakForTests), ErrNoPassphrase)
	require.ErrorIs(t, CreateWith(path, testPass, "", testSecret, WeakForTests), ErrKind)
	require.ErrorIs(t, CreateWith(path, testPass, "two words", testSecret, WeakForTests), ErrKind)
	for name, p := range map[string]Params{
		"time":   {Time: maxTime + 1, MemoryKiB: 8, Lanes: 1},
		"memory": {Time: 1, MemoryKiB: maxMemoryKiB + 1, Lanes: 1},
		"lanes":  {Time: 1, MemoryKiB: 1024, Lanes: maxLanes + 1},
	} {
		var pe *ParamsError
		require.ErrorAs(t, CreateWith(path, testPass, testKind, testSecret, p), &pe)
		require.Equal(t, name, pe.Name)
	}
	require.NoFileExists(t, path)
}

func TestRead_TellsWrongPassphraseKindAndAbsenceApart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secret")
	_, err := Read(path, testPass, testKind)
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.NoError(t, CreateWith(path, testPass, testKind, testSecret, WeakForTests))

	_, err = Read(path, testPass+" ", testKind)
	require.ErrorIs(t, err, ErrPassphrase)
	_, err = Read(path, "", testKind)
	require.ErrorIs(t, err, ErrNoPassphrase)
	_, err = Read(path, testPass, "other-kind")
	require.ErrorIs(t, err, ErrKind)
}

func TestRead_EveryFlippedBitAndEveryCutIsDamage(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and nothing at once")
	}
	path := filepath.Join(t.TempDir(), "secret")
	whole, err := encode(WeakForTests, testPass, testKind, testSecret)
	require.NoError(t, err)
	check := func(b []byte, what string, at int) {
		t.Helper()
		require.NoError(t, os.WriteFile(path, b, 0o600))
		_, err := Read(path, testPass, testKind)
		require.ErrorIs(t, err, ErrDamaged, "%s %d", what, at)
		_, err = Read(path, "wrong", testKind)
		require.ErrorIs(t, err, ErrDamaged, "%s %d, wrong passphrase", what, at)
	}
	for i := range len(whole) * 8 {
		b := append([]byte{}, whole...)
		b[i/8] ^= 1 << (i % 8)
		check(b, "bit", i)
	}
	for n := range whole {
		check(whole[:n], "cut to", n)
	}
	check(append(append([]byte{}, whole...), 0), "longer by", 1)
	check(make([]byte, 1<<16), "zeros", 1<<16)
}

// resum gives b a checksum that fits, as somebody would who edits on purpose.
func resum(b []byte) []byte {
	body := b[:len(b)-sha256.Size]
	sum := sha256.Sum256(body)
	return append(append([]byte{}, body...), sum[:]...)
}

func TestRead_ForgedParametersAreRefusedBeforeTheyCostAnything(t *testing.T) {
	whole, err := encode(WeakForTests, testPass, testKind, testSecret)
	require.NoError(t, err)
	for _, at := range []int{8, 9, 13, 17} { // kdf, time, memory, lanes
		b := append([]byte{}, whole...)
		b[at] = 0xff
		_, err := split(resum(b))
		require.ErrorIs(t, err, ErrDamaged, "byte %d", at)
	}
}

func TestRead_ForgedHeaderNeverYieldsTheSecret(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and nothing at once")
	}
	whole, err := encode(WeakForTests, testPass, testKind, testSecret)
	require.NoError(t, err)
	for at := range len(whole) - sha256.Size {
		b := append([]byte{}, whole...)
		b[at] ^= 1
		f, err := split(resum(b))
		if err == nil {
			_, err = f.open(testPass)
		}
		require.Error(t, err, "byte %d", at)
	}
}

// TestRead_Vector opens the file of docs/formats.md.
func TestRead_Vector(t *testing.T) {
	text, err := os.ReadFile("testdata/vector.hex")
	require.NoError(t, err)
	b, err := hex.DecodeString(string(text[:len(text)-1]))
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "secret")
	require.NoError(t, os.WriteFile(path, b, 0o600))
	got, err := Read(path, "correct horse battery staple", "vector")
	require.NoError(t, err)
	require.Equal(t, "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
		hex.EncodeToString(got[:]))
}
