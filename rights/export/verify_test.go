package export_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"hash/crc32"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/rights/export"
)

func TestVerify_HoldsWhatWasWritten(t *testing.T) {
	w := newWorld(t)
	m, err := export.Verify(bytes.NewReader(w.zip(w.small())), w.vkey)
	require.NoError(t, err)
	require.Equal(t, person.Tenant, m.Tenant)
	require.Equal(t, "subject-1", m.SubjectID)
	require.Equal(t, uint64(3), m.Records)
	require.Equal(t, created, m.Created.Time)
	require.Len(t, m.Sources, 3)
	require.Equal(t, []export.Redaction{{Field: "author", Reason: export.ThirdParty, Count: 1}}, m.Sources[0].Types[1].Redactions)
	require.Equal(t, export.Absent, m.Sources[1].Status)
	require.Equal(t, export.Empty, m.Sources[2].Status)
	require.Equal(t, uint64(1), m.Redactions())
	require.Len(t, m.Missing(), 1)
}

// No byte of a decrypted archive may change: neither of contents, nor of headers, nor
// of the packing.
func TestVerify_RefusesEveryChangedByte(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and nothing at once")
	}
	w := newWorld(t)
	zip := w.zip(w.small())
	changed := bytes.Clone(zip)
	for i := range zip {
		if i%every != 0 {
			continue
		}
		changed[i] ^= 1 << (i % 8)
		_, err := export.Verify(bytes.NewReader(changed), w.vkey)
		if !errors.Is(err, export.ErrArchive) && !errors.Is(err, export.ErrLimit) {
			t.Fatalf("byte %d of %d changed in bit %d: %v", i, len(zip), i%8, err)
		}
		changed[i] = zip[i]
	}
}

func TestVerify_RefusesWhatIsCutOffOrLonger(t *testing.T) {
	w := newWorld(t)
	zip := w.zip(w.small())
	for i := 0; i < len(zip); i += 3 * every {
		_, err := export.Verify(bytes.NewReader(zip[:i]), w.vkey)
		require.ErrorIs(t, err, export.ErrArchive, "cut off at %d of %d", i, len(zip))
	}
	for _, more := range []string{"\x00", "PK", string(zip)} {
		_, err := export.Verify(bytes.NewReader(append(bytes.Clone(zip), more...)), w.vkey)
		require.ErrorIs(t, err, export.ErrArchive)
		_, err = export.Verify(bytes.NewReader(append([]byte(more), zip...)), w.vkey)
		require.ErrorIs(t, err, export.ErrArchive)
	}
}

func TestVerify_RefusesAnotherKey(t *testing.T) {
	w := newWorld(t)
	zip := w.zip(w.small())
	for name, key := range map[string]string{
		"another key of that name":  otherKey(t, signerName),
		"that key by another name":  sameKey(t, "example.com/other"),
		"another key, another name": otherKey(t, "example.com/other"),
	} {
		_, err := export.Verify(bytes.NewReader(zip), key)
		require.ErrorIs(t, err, export.ErrArchive, name)
	}
	_, err := export.Verify(bytes.NewReader(zip), "no key")
	require.ErrorIs(t, err, export.ErrKey)
}

// again packs the files of a ZIP again, after a change, in the form that archives have.
func again(t *testing.T, archive []byte, change func(path string, content []byte) (string, []byte, bool)) []byte {
	t.Helper()
	from, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	require.NoError(t, err)
	var b bytes.Buffer
	to := zip.NewWriter(&b)
	for _, f := range from.File {
		r, err := f.OpenRaw()
		require.NoError(t, err)
		content, err := io.ReadAll(r)
		require.NoError(t, err)
		path, content, keep := change(f.Name, content)
		if !keep {
			continue
		}
		h := f.FileHeader
		h.Name = path
		h.CompressedSize64 = uint64(len(content))
		if h.Method == zip.Store {
			h.UncompressedSize64, h.CRC32 = uint64(len(content)), crc32.ChecksumIEEE(content)
		}
		w, err := to.CreateRaw(&h)
		require.NoError(t, err)
		_, err = w.Write(content)
		require.NoError(t, err)
	}
	require.NoError(t, to.Close())
	return b.Bytes()
}

// An archive that lost its signature, or was given that of another archive of the same
// key, is none: in whatever good form the rest is.
func TestVerify_RefusesNoSignatureAndBorrowedOnes(t *testing.T) {
	w := newWorld(t)
	mine := w.zip(w.small())
	other := w.zip(w.write(func(x *export.Writer) { copyAll(t, x, orders, order("9", export.Text("a", "b"))) }))
	taken := map[string][]byte{}
	again(t, other, func(path string, content []byte) (string, []byte, bool) {
		taken[path] = content
		return path, content, true
	})
	for name, change := range map[string]func(path string, content []byte) (string, []byte, bool){
		"no signature": func(p string, c []byte) (string, []byte, bool) { return p, c, p != "manifest.json.note" },
		"no manifest":  func(p string, c []byte) (string, []byte, bool) { return p, c, p != "manifest.json" },
		"neither": func(p string, c []byte) (string, []byte, bool) {
			return p, c, p != "manifest.json" && p != "manifest.json.note"
		},
		"an empty one": func(p string, c []byte) (string, []byte, bool) {
			if p == "manifest.json.note" {
				c = nil
			}
			return p, c, true
		},
		"another's": func(p string, c []byte) (string, []byte, bool) {
			if p == "manifest.json.note" {
				c = taken[p]
			}
			return p, c, true
		},
		"another's, with its manifest": func(p string, c []byte) (string, []byte, bool) {
			if p == "manifest.json.note" || p == "manifest.json" {
				c = taken[p]
			}
			return p, c, true
		},
		"by another name": func(p string, c []byte) (string, []byte, bool) {
			return strings.Replace(p, ".note", ".not", 1), c, true
		},
		"a file less": func(p string, c []byte) (string, []byte, bool) { return p, c, p != "data/shop/order.csv" },
		"a file that climbs": func(p string, c []byte) (string, []byte, bool) {
			return strings.Replace(p, "data/", "data/../../", 1), c, true
		},
		"a file at the root": func(p string, c []byte) (string, []byte, bool) {
			return strings.Replace(p, "data/", "/data/", 1), c, true
		},
	} {
		_, err := export.Verify(bytes.NewReader(again(t, mine, change)), w.vkey)
		require.ErrorIs(t, err, export.ErrArchive, name)
	}
	same := again(t, mine, func(p string, c []byte) (string, []byte, bool) { return p, c, true })
	require.Equal(t, mine, same, "the tool changes nothing by itself")
}

// brokenDisk fails after some bytes: that says nothing about the archive.
type brokenDisk struct{ r io.Reader }

var errDisk = errors.New("disk failed")

func (d brokenDisk) Read(b []byte) (int, error) {
	n, err := d.r.Read(b)
	if errors.Is(err, io.EOF) {
		err = errDisk
	}
	return n, err
}

func TestVerify_DoesNotTakeAFailingDiskForDamage(t *testing.T) {
	w := newWorld(t)
	archive := w.small()
	zip := w.zip(archive)
	for i := 0; i < len(zip); i += 97 {
		_, err := export.Verify(brokenDisk{bytes.NewReader(zip[:i])}, w.vkey)
		require.ErrorIs(t, err, errDisk)
		require.NotErrorIs(t, err, export.ErrArchive)
	}
	for i := 0; i < len(archive); i += 97 {
		r, err := w.unlock.Decrypt(brokenDisk{bytes.NewReader(archive[:i])})
		if err == nil {
			_, err = export.Verify(r, w.vkey)
		}
		require.ErrorIs(t, err, errDisk, i)
		require.NotErrorIs(t, err, export.ErrArchive)
	}
}
