package export

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// packed packs contents with the fields of 64 bits from at on.
func packed(t *testing.T, at uint64, contents ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	p := newPacker(&b, time.Date(2026, 11, 24, 9, 30, 1, 0, time.UTC))
	p.at = at
	for i, c := range contents {
		var packed bytes.Buffer
		w, err := flate.NewWriter(&packed, packLevel)
		require.NoError(t, err)
		_, err = w.Write([]byte(c))
		require.NoError(t, err)
		require.NoError(t, w.Close())
		require.NoError(t, p.begin(entry{
			path: fmt.Sprintf("data/%d", i), method: methodDeflated, crc: crc32.ChecksumIEEE([]byte(c)),
			size: uint64(len(c)), packed: uint64(packed.Len()),
		}))
		_, err = p.Write(packed.Bytes())
		require.NoError(t, err)
	}
	require.NoError(t, p.finish())
	return b.Bytes()
}

func unpack(b []byte, at uint64) (contents []string, err error) {
	u := newUnpacker(bytes.NewReader(b), 1<<20)
	u.at = at
	for {
		c, more, err := u.next()
		if err != nil {
			return nil, err
		}
		if !more {
			return contents, u.finish()
		}
		text, err := io.ReadAll(c)
		if err != nil {
			return nil, err
		}
		contents = append(contents, string(text))
	}
}

// Archives above 4 GiB have fields of 64 bits. Here they begin at 100 bytes, and Go's
// own reader agrees about them.
func TestPack_LargeArchives(t *testing.T) {
	long := string(bytes.Repeat([]byte("0123456789"), 50))
	for _, at := range []uint64{all32, 100, 1} {
		b := packed(t, at, "short", long, "", "x")
		got, err := unpack(b, at)
		require.NoError(t, err)
		require.Equal(t, []string{"short", long, "", "x"}, got)
		z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
		require.NoError(t, err)
		require.Len(t, z.File, 4)
		for i, f := range z.File {
			r, err := f.Open()
			require.NoError(t, err)
			text, err := io.ReadAll(r)
			require.NoError(t, err)
			require.Equal(t, got[i], string(text))
			require.Equal(t, time.Date(2026, 11, 24, 9, 30, 0, 0, time.UTC), f.Modified.UTC())
		}
	}
}

// raw packs contents with archive/zip.
func raw(t *testing.T, contents ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	when := dosTimeOf(time.Date(2026, 11, 24, 9, 30, 1, 0, time.UTC))
	for i, c := range contents {
		var packed bytes.Buffer
		w, err := flate.NewWriter(&packed, packLevel)
		require.NoError(t, err)
		_, err = w.Write([]byte(c))
		require.NoError(t, err)
		require.NoError(t, w.Close())
		to, err := z.CreateRaw(&zip.FileHeader{
			Name: fmt.Sprintf("data/%d", i), CreatorVersion: madeBy, ReaderVersion: version20, Flags: flagUTF8, Method: methodDeflated,
			ModifiedTime: when.clock, ModifiedDate: when.date, //nolint:staticcheck // CreateRaw takes no other
			CRC32: crc32.ChecksumIEEE([]byte(c)), ExternalAttrs: attributes,
			CompressedSize64: uint64(packed.Len()), UncompressedSize64: uint64(len(c)),
		})
		require.NoError(t, err)
		_, err = to.Write(packed.Bytes())
		require.NoError(t, err)
	}
	require.NoError(t, z.Close())
	return b.Bytes()
}

// Up to 4 GiB an archive is, byte for byte, what archive/zip writes of the same headers.
func TestPack_IsWhatTheStandardLibraryWrites(t *testing.T) {
	long := string(bytes.Repeat([]byte("0123456789"), 50))
	for _, contents := range [][]string{{"short", long, "", "x"}, {"x"}, {}} {
		require.Equal(t, raw(t, contents...), packed(t, all32, contents...))
	}
}

// Above, archive/zip leaves the sizes out of local headers, so that nobody can read it
// forward: that is why there is code of our own. When this fails, it may go: see decision
// 0071.
func TestPack_TheStandardLibraryCannotBeReadForward(t *testing.T) {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	_, err := z.CreateRaw(&zip.FileHeader{
		Name: "data/0", CreatorVersion: madeBy, ReaderVersion: version45, Flags: flagUTF8, Method: methodDeflated,
		ExternalAttrs: attributes, CompressedSize64: 5 << 30, UncompressedSize64: 6 << 30,
	})
	require.NoError(t, err)
	require.NoError(t, z.Flush())
	require.Len(t, b.Bytes(), localSize+len("data/0"), "no field of 64 bits")
	_, _, err = newUnpacker(&b, 1<<40).next()
	require.ErrorIs(t, err, ErrArchive)
}

func FuzzUnpack(f *testing.F) {
	for _, contents := range [][]string{{"a", string(bytes.Repeat([]byte("0123456789"), 50))}, {}} {
		f.Add(packed(&testing.T{}, all32, contents...))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		contents, err := unpack(b, all32)
		if err == nil {
			require.LessOrEqual(t, len(contents), len(b))
			return
		}
		require.True(t, errors.Is(err, ErrArchive) || errors.Is(err, ErrLimit), "%v", err)
	})
}

// A declared size is not believed: what unpacks to more, or to less, is refused before
// it takes memory or time.
func TestUnpack_SizesThatLie(t *testing.T) {
	var bomb bytes.Buffer
	w, err := flate.NewWriter(&bomb, 9)
	require.NoError(t, err)
	_, err = w.Write(make([]byte, 1<<20))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	for name, size := range map[string]uint64{"too small": 100, "too large": 1<<20 + 1} {
		var b bytes.Buffer
		p := newPacker(&b, time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
		require.NoError(t, p.begin(entry{
			path: "data/x", method: methodDeflated, crc: crc32.ChecksumIEEE(make([]byte, 1<<20)), size: size, packed: uint64(bomb.Len()),
		}))
		_, err = p.Write(bomb.Bytes())
		require.NoError(t, err)
		require.NoError(t, p.finish())
		u := newUnpacker(&b, 2<<20)
		c, _, err := u.next()
		require.NoError(t, err)
		n, err := io.Copy(io.Discard, c)
		require.ErrorIs(t, err, ErrArchive, name)
		require.LessOrEqual(t, n, int64(size), name)
	}
}
