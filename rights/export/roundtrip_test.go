package export_test

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/rights/export"
)

// hostile are texts that break what was not made for them.
var hostile = []string{
	"", " ", "'", "''", "!", "!json:", "!redacted:failed", "=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1", "＋", "－", "＠",
	"a,b", `a"b`, `"`, `""`, "a\r\nb", "a\nb", "\r", "\n", "\x00", "a\x00b", "\x1b[31m", "\x7f", "\u0085", "\u009f",
	"<script>alert(1)</script>", "</style><img src=x onerror=alert(1)>", `" onmouseover="alert(1)`, "{{.}}", "&amp;", "]]>", "<!--",
	"\u202egnp.exe", "\u2066x\u2069", "\u2028", "\u2029", "\ufeff", "\u200f", "e\u0301", "日本語", "🙂", "\U0010ffff",
	"null", "true", "12", `{"$time":"x"}`, `\u0041`, `\`, "../../etc/passwd", "C:\\x", "not UTF-8: \xff\xfe", "\xed\xa0\x80", "\xc3",
}

// randomField makes a value of any kind.
func randomField(r *rand.Rand, name string) export.Field {
	text := hostile[r.IntN(len(hostile))] + strings.Repeat(hostile[r.IntN(len(hostile))], r.IntN(3))
	switch r.IntN(9) {
	case 0:
		return export.Int(name, r.Int64()-r.Int64())
	case 1:
		return export.Float(name, r.NormFloat64()*1e30)
	case 2:
		return export.Bool(name, r.IntN(2) == 0)
	case 3:
		return export.Time(name, time.UnixMicro(r.Int64N(5e17)-6e16))
	case 4:
		return export.Bytes(name, []byte(text))
	case 5:
		return export.Field{Name: name}
	case 6:
		return export.Field{Name: name, Value: export.RedactedValue(export.Reasons()[r.IntN(len(export.Reasons()))], "somebody")}
	case 7:
		if strings.ToValidUTF8(text, "") != text {
			text = "plain"
		}
		return export.File(name, export.FileOf(text, text, []byte(text)))
	default:
		return export.Text(name, text)
	}
}

// TestArchive_GivesBackWhatWasWritten writes random records with hostile texts, and
// reads them with the kinds and the order that they had.
func TestArchive_GivesBackWhatWasWritten(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	w := newWorld(t)
	var want []export.SourceRecord
	content := map[int]string{}
	archive := w.write(func(x *export.Writer) {
		for s := range 3 {
			source := export.Source{Name: fmt.Sprint("source ", s), Types: []export.Type{
				{Name: "open", About: export.Person},
				{Name: "closed", About: export.Person, Columns: []export.Column{{Name: "c"}, {Name: "a"}, {Name: "=x"}}},
			}}
			var records []export.Record
			for range 40 {
				rec := export.Record{Type: "open", ID: hostile[r.IntN(40)]}
				if r.IntN(2) == 0 {
					rec.Type = "closed"
				}
				for _, name := range []string{"a", "c", "=x", `q"`, "é,"}[:r.IntN(6)] {
					f := randomField(r, name)
					f.About = export.Person
					rec.Fields = append(rec.Fields, f)
				}
				r.Shuffle(len(rec.Fields), func(i, j int) { rec.Fields[i], rec.Fields[j] = rec.Fields[j], rec.Fields[i] })
				records = append(records, rec)
			}
			copyAll(t, x, source, records...)
			// Types come one after the other, in the order of their first records.
			for len(records) > 0 {
				first := records[0].Type
				for _, rec := range records {
					if rec.Type == first {
						want = append(want, export.SourceRecord{Source: source.Name, Record: rec})
					}
				}
				records = slices.DeleteFunc(records, func(r export.Record) bool { return r.Type == first })
			}
		}
	})
	for i := range want {
		for _, f := range want[i].Record.Fields {
			if a := f.Value.File(); a != nil {
				content[len(content)] = a.Name
			}
		}
	}
	got, files := w.records(archive)
	require.Len(t, got, len(want))
	for i := range want {
		require.Equal(t, describe(want[i]), describe(got[i]))
	}
	require.Len(t, files, len(content))
}

// describe is what must be the same before and after.
func describe(r export.SourceRecord) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%q %q %q", r.Source, r.Record.Type, r.Record.ID)
	for _, f := range r.Record.Fields {
		v := f.Value
		fmt.Fprintf(&b, "\n%q %s %q %t %s %q %s", f.Name, v.Kind(), v.Text(), v.Bool(), v.Time(), v.Bytes(), v.Redacted())
		if a := v.File(); a != nil {
			fmt.Fprintf(&b, " %q %q", a.Name, a.MediaType)
		}
	}
	return b.String()
}

func TestArchive_AttachmentsComeBack(t *testing.T) {
	w := newWorld(t)
	large := strings.Repeat("0123456789abcdef", 100_000)
	archive := w.write(func(x *export.Writer) {
		copyAll(t, x, orders,
			order("1", export.File("a", export.FileOf("a.txt", "text/plain", []byte(large))), export.File("b", export.FileOf("", "", nil))),
			order("2", export.File("a", export.FileOf("../../a.TXT", "text/plain", []byte("small")))))
	})
	_, files := w.records(archive)
	require.Equal(t, map[string]string{"attachments/000001.txt": large, "attachments/000002": "", "attachments/000003.txt": "small"}, files)
}

func TestArchive_StopsWhenItsReaderHasEnough(t *testing.T) {
	w := newWorld(t)
	a, err := w.open(w.small())
	require.NoError(t, err)
	n := 0
	for _, err := range a.Records(t.Context()) {
		require.NoError(t, err)
		n++
		break
	}
	require.Equal(t, 1, n)
}

func TestOpen_RefusesAnotherTenantsArchive(t *testing.T) {
	w := newWorld(t)
	archive := w.small()
	c := export.OpenConfig{Unlock: w.unlock, Key: w.vkey, Tenant: "other"}
	_, err := export.Open(strings.NewReader(string(archive)), int64(len(archive)), c)
	require.ErrorIs(t, err, export.ErrTenant)
	require.ErrorIs(t, err, export.ErrArchive)
}

func TestOpen_RefusesWhatUnpacksToTooMuch(t *testing.T) {
	w := newWorld(t)
	archive := w.write(func(x *export.Writer) {
		copyAll(t, x, orders, order("1", export.Text("zeros", strings.Repeat("0", 1<<20))), order("2"))
	})
	require.Less(t, len(archive), 1<<16, "it is a small file")
	for name, l := range map[string]export.Limits{"bytes": {Bytes: 1 << 20}, "records": {Records: 1}} {
		c := export.OpenConfig{Unlock: w.unlock, Key: w.vkey, Tenant: person.Tenant, Limits: l}
		_, err := export.Open(strings.NewReader(string(archive)), int64(len(archive)), c)
		require.ErrorIs(t, err, export.ErrLimit, name)
	}
}

func TestOpen_RefusesWhatAgeWouldRefuse(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and nothing at once")
	}
	w := newWorld(t)
	archive := w.small()
	for i := 0; i < len(archive); i += 7 {
		changed := []byte(string(archive))
		changed[i] ^= 1 << (i % 8)
		_, err := w.open(changed)
		require.Error(t, err, "byte %d of the encrypted file", i)
		_, err = w.open(archive[:i])
		require.Error(t, err, "cut off at %d", i)
	}
	other := newWorld(t)
	_, err := other.open(archive)
	require.ErrorIs(t, err, export.ErrLocked)
}

// The signature is looked at before anything is unpacked: an archive that the key did
// not sign costs nothing, however large it would become.
func TestOpen_UnpacksNothingThatWasNotSigned(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and nothing at once")
	}
	w, stranger := newWorld(t), newWorld(t)
	private := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{9}, ed25519.SeedSize))
	signer, err := export.NewSigner(signerName, private)
	require.NoError(t, err)
	stranger.config.Signer = signer
	bomb := stranger.write(func(x *export.Writer) {
		s, err := x.Section(orders)
		require.NoError(t, err)
		zeros := order("1", export.Text("zeros", strings.Repeat("0", 1<<20)))
		for range 30 {
			require.NoError(t, s.Write(t.Context(), zeros))
		}
		require.NoError(t, s.End())
	})
	read := &countingReader{r: bytes.NewReader(bomb)}
	_, err = export.Open(read, int64(len(bomb)), export.OpenConfig{Unlock: stranger.unlock, Key: w.vkey, Tenant: person.Tenant})
	require.ErrorIs(t, err, export.ErrArchive)
	require.Less(t, read.n, len(bomb)+4*(64<<10+16), "the end was read, and the beginning of the file")
	wrong, ok := errors.AsType[*export.ArchiveError](err)
	require.True(t, ok)
	require.Equal(t, "manifest.json.note", wrong.Path)
}

type countingReader struct {
	r *bytes.Reader
	n int
}

func (c *countingReader) ReadAt(b []byte, at int64) (int, error) {
	n, err := c.r.ReadAt(b, at)
	c.n += n
	return n, err
}

// Records of the greatest size come back, whatever becomes of their characters.
func TestArchive_LargestRecords(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and nothing at once")
	}
	w := newWorld(t)
	texts := []string{"\x00", `"`, "\u202e", "=", "x", "\n"}
	archive := w.write(func(x *export.Writer) {
		s, err := x.Section(orders)
		require.NoError(t, err)
		for _, text := range texts {
			n := (export.MaxRecord - 100) / len(text)
			require.NoError(t, s.Write(t.Context(), order("1", export.Text("a", strings.Repeat(text, n)))))
		}
		require.NoError(t, s.End())
	})
	got, _ := w.records(archive)
	for i, text := range texts {
		require.True(t, got[i].Record.Fields[0].Value.Text() == strings.Repeat(text, (export.MaxRecord-100)/len(text)), "%q", text) //nolint:testifylint // nobody wants to read the difference
	}
}

func TestArchive_IsReadByManyAtOnce(t *testing.T) {
	w := newWorld(t)
	a, err := w.open(w.small())
	require.NoError(t, err)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			n := 0
			for r, err := range a.Records(t.Context()) {
				if assert.NoError(t, err) {
					n += len(r.Record.Fields)
				}
			}
			assert.Equal(t, 9, n)
		})
	}
	wg.Wait()
}

func TestAttachments_HaveNoEndingsThatRun(t *testing.T) {
	w := newWorld(t)
	archive := w.write(func(x *export.Writer) {
		for i, name := range []string{"a.html", "a.SVG", "a.exe", "a.pdf.lnk", "a.js", "a.txt\x00.htm", "a", ".", "a.JPG"} {
			copyAll(t, x, export.Source{Name: fmt.Sprint("s", i), Types: orders.Types}, order("1", export.File("f", export.FileOf(name, "", []byte{byte(i)}))))
		}
	})
	for _, f := range contents(t, w.zip(archive)) {
		if strings.HasPrefix(f.path, "attachments/") {
			require.Regexp(t, `^attachments/[0-9]{6}(\.jpg)?$`, f.path)
		}
	}
}
