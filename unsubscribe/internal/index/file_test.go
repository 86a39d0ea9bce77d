package index

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
)

// seventyseven is a position.
var seventyseven = Position{77, [32]byte(bytes.Repeat([]byte{0xe7}, 32))}

var errNoMark = errors.New("not a mark")

// textFormat is that of marks which are texts, sealed under a key of the test.
func textFormat() Format[string] {
	return Format[string]{
		Append: func(b []byte, mark string) []byte { return append(b, mark...) },
		Parse: func(b []byte) (string, error) {
			if !bytes.HasPrefix(b, []byte("mark ")) {
				return "", errNoMark
			}
			return string(b), nil
		},
		Seal: func(sum [32]byte) (tag [32]byte, err error) {
			h := hmac.New(sha256.New, []byte("of a test"))
			h.Write(sum[:])
			return [32]byte(h.Sum(nil)), nil
		},
	}
}

func written(t testing.TB, n int) []byte {
	t.Helper()
	var file bytes.Buffer
	require.NoError(t, built(t, n).write(&file, seventyseven, textFormat()))
	return file.Bytes()
}

func read(b []byte) (Built[string], Position, error) {
	return Read(bytes.NewReader(b), int64(len(b)), textFormat())
}

// TestFile_Layout holds where everything stands; docs/formats/unsubscribe-index.md has it.
func TestFile_Layout(t *testing.T) {
	want := "74726f7468756931" + "000000000000004d" + strings.Repeat("e7", 32) +
		"0000000000000001" + "00000001" + "000000000000000a" +
		"000000066d61726b2030" +
		"af5570f5a1810b7af78caf4bc70a660f0df51e42baf91d4de5b2328de0e83dfc" + "00000000" +
		"SUM" + "SEAL"
	got := written(t, 1)
	plain := got[:len(got)-64]
	head, err := hex.DecodeString(strings.TrimSuffix(want, "SUMSEAL"))
	require.NoError(t, err)
	require.Equal(t, hex.EncodeToString(head), hex.EncodeToString(plain))
	sum := sha256.Sum256(plain)
	require.Equal(t, sum[:], got[len(plain):len(plain)+32])
}

func TestFile_EveryChangedByteIsRefused(t *testing.T) {
	whole := written(t, 40)
	_, position, err := read(whole)
	require.NoError(t, err)
	require.Equal(t, seventyseven, position)
	for i := range whole {
		for _, flip := range []byte{1, 0x80, 0xff} {
			changed := bytes.Clone(whole)
			changed[i] ^= flip
			_, _, err := read(changed)
			require.ErrorIs(t, err, ErrFile, "byte %d", i)
		}
	}
	for n := range whole {
		_, _, err := read(whole[:n])
		require.ErrorIs(t, err, ErrFile, "cut to %d", n)
		// Also where the size is said to be what it was.
		_, _, err = Read(bytes.NewReader(whole[:n]), int64(len(whole)), textFormat())
		require.ErrorIs(t, err, ErrFile, "cut to %d", n)
	}
	_, _, err = read(append(bytes.Clone(whole), 0))
	require.ErrorIs(t, err, ErrFile)
}

// TestFile_OfAForgerIsRefused: who can write files but has no key can make a sum.
func TestFile_OfAForgerIsRefused(t *testing.T) {
	forger := textFormat()
	forger.Seal = func(sum [32]byte) ([32]byte, error) { return sum, nil }
	var file bytes.Buffer
	require.NoError(t, built(t, 3).write(&file, seventyseven, forger))
	_, _, err := read(file.Bytes())
	require.ErrorIs(t, err, ErrFile)
}

// TestFile_OutOfOrderIsRefused has sound sums over what no index writes.
func TestFile_OutOfOrderIsRefused(t *testing.T) {
	for name, spoil := range map[string]func(b *Built[string]){
		"keys": func(b *Built[string]) { b.base.keys[0] = 0xff },
		"twice": func(b *Built[string]) {
			copy(b.base.keys[:KeySize], b.base.keys[KeySize:])
			b.base.marks[0] = b.base.marks[1]
		},
		"mark":       func(b *Built[string]) { b.base.marks[1] = 99 },
		"marks":      func(b *Built[string]) { b.marks[1] = b.marks[0] },
		"not a mark": func(b *Built[string]) { b.marks[1] = "other" },
	} {
		t.Run(name, func(t *testing.T) {
			b := built(t, 5)
			spoil(&b)
			var file bytes.Buffer
			require.NoError(t, b.write(&file, seventyseven, textFormat()))
			_, _, err := read(file.Bytes())
			require.ErrorIs(t, err, ErrFile)
		})
	}
}

func TestFile_ErrorsOfTheReaderArePassedOn(t *testing.T) {
	whole := written(t, 5)
	broken := errors.New("disk")
	for n := range whole {
		r := io.MultiReader(bytes.NewReader(whole[:n]), iotest.ErrReader(broken))
		_, _, err := Read(r, int64(len(whole)), textFormat())
		require.ErrorIs(t, err, broken)
	}
}

// FuzzRead looks for bytes that are read though nobody wrote them so: whatever is
// accepted is written again as the same bytes. Sums are mended first, or nothing
// would come through.
func FuzzRead(f *testing.F) {
	for _, n := range []int{0, 1, 7} {
		f.Add(written(f, n))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) >= 64 {
			sum := sha256.Sum256(b[:len(b)-64])
			tag, _ := textFormat().Seal(sum)
			b = append(append(bytes.Clone(b[:len(b)-64]), sum[:]...), tag[:]...)
		}
		got, position, err := read(b)
		if err != nil {
			require.ErrorIs(t, err, ErrFile)
			return
		}
		var again bytes.Buffer
		require.NoError(t, got.write(&again, position, textFormat()))
		require.Equal(t, b, again.Bytes())
	})
}
