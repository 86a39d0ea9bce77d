package export

import (
	"bytes"
	"crypto/ed25519"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
)

// begin begins an archive, and returns what verifies it.
func begin(t *testing.T) (x *Writer, verdict func() error) {
	t.Helper()
	private := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize))
	signer, err := NewSigner("example.com/exports", private)
	require.NoError(t, err)
	key, err := VerifierKey("example.com/exports", private.Public().(ed25519.PublicKey))
	require.NoError(t, err)
	lock, secret, err := FreshKey()
	require.NoError(t, err)
	var b bytes.Buffer
	x, err = NewWriter(&b, Config{
		Subject: troth.Subject{Tenant: "acme", ID: "1"}, Request: "r", Controller: "Acme",
		Created: time.Date(2026, 11, 24, 9, 30, 0, 0, time.UTC), Signer: signer, Lock: lock,
	})
	require.NoError(t, err)
	return x, func() error {
		unlock, err := UnlockWithKey(secret)
		require.NoError(t, err)
		zip, err := unlock.Decrypt(&b)
		require.NoError(t, err)
		_, err = Verify(zip, key)
		return err
	}
}

// lying makes an archive whose manifest was changed before it was signed, and verifies
// it.
func lying(t *testing.T, lie func(m *Manifest)) error {
	t.Helper()
	x, verdict := begin(t)
	s, err := x.Section(Source{Name: "s", Types: []Type{{Name: "a", About: Person}, {Name: "b"}}})
	require.NoError(t, err)
	require.NoError(t, s.Write(t.Context(), Record{Type: "a", Fields: []Field{Text("x", "1"), File("f", FileOf("f", "", []byte("file")))}}))
	require.NoError(t, s.Write(t.Context(), Record{Type: "b", Fields: []Field{Text("x", "1")}}))
	require.NoError(t, s.End())
	require.NoError(t, x.Missing(Source{Name: "paper"}, Unsupported))

	require.NoError(t, x.writePages())
	x.man.Packed = Packed{Bytes: x.pack.n}
	x.pack.sum.Sum(x.man.Packed.SHA256[:0])
	lie(&x.man)
	text, err := x.man.encode()
	require.NoError(t, err)
	signed, err := sign(text, x.c.Signer)
	require.NoError(t, err)
	require.NoError(t, x.seal(text, signed))

	return verdict()
}

// A manifest that the key signed is believed about nothing that can be counted.
func TestVerify_CountsForItself(t *testing.T) {
	require.NoError(t, lying(t, func(*Manifest) {}))
	for name, lie := range map[string]func(m *Manifest){
		"more records":            func(m *Manifest) { m.Records++ },
		"more of a source":        func(m *Manifest) { m.Sources[0].Records++ },
		"more of a type":          func(m *Manifest) { m.Sources[0].Types[0].Records++ },
		"more in all of them":     func(m *Manifest) { m.Records++; m.Sources[0].Records++; m.Sources[0].Types[0].Records++ },
		"more of a file":          func(m *Manifest) { m.Files[1].Records++ },
		"a redaction less":        func(m *Manifest) { m.Sources[0].Types[1].Redactions = []Redaction{} },
		"a redaction more":        func(m *Manifest) { m.Sources[0].Types[1].Redactions[0].Count++ },
		"another reason":          func(m *Manifest) { m.Sources[0].Types[1].Redactions[0].Reason = Privilege },
		"a type less":             func(m *Manifest) { m.Sources[0].Types = m.Sources[0].Types[:1] },
		"a type twice":            func(m *Manifest) { m.Sources[0].Types = append(m.Sources[0].Types, m.Sources[0].Types[0]) },
		"a type elsewhere":        func(m *Manifest) { m.Sources[1].Types = m.Sources[0].Types },
		"another table":           func(m *Manifest) { m.Sources[0].Types[0].Table = m.Sources[0].Types[1].Table },
		"another column":          func(m *Manifest) { m.Sources[0].Types[0].Columns[0].Name = "y" },
		"a column less":           func(m *Manifest) { m.Sources[0].Types[0].Columns = m.Sources[0].Types[0].Columns[:1] },
		"complete without any":    func(m *Manifest) { m.Sources[1].Status, m.Sources[1].Reason = Complete, "" },
		"empty with some":         func(m *Manifest) { m.Sources[0].Status = Empty },
		"partial without why":     func(m *Manifest) { m.Sources[0].Status = Partial },
		"an unknown status":       func(m *Manifest) { m.Sources[1].Status = "fine" },
		"an unknown reason":       func(m *Manifest) { m.Sources[1].Reason = "because" },
		"one name twice":          func(m *Manifest) { m.Sources[1].Name = "s" },
		"a file less":             func(m *Manifest) { m.Files = m.Files[1:] },
		"files in another order":  func(m *Manifest) { m.Files[0], m.Files[1] = m.Files[1], m.Files[0] },
		"another size":            func(m *Manifest) { m.Files[0].Size++ },
		"another hash":            func(m *Manifest) { m.Files[0].SHA256[0]++ },
		"another kind":            func(m *Manifest) { m.Files[0].Kind = PageFile },
		"another hash of the ZIP": func(m *Manifest) { m.Packed.SHA256[0]++ },
		"another length":          func(m *Manifest) { m.Packed.Bytes++ },
		"another date":            func(m *Manifest) { m.Created.Time = m.Created.Add(time.Minute) },
		"a sheet":                 func(m *Manifest) { m.Information = SheetComplete },
		"another format":          func(m *Manifest) { m.Format = "troth.export/2" },
		"another schema":          func(m *Manifest) { m.Schema = "x" },
	} {
		require.ErrorIs(t, lying(t, lie), ErrArchive, name)
	}
}

// What records say of attachments is looked at too, and so is a table that says
// something else than the lines.
func TestVerify_ComparesRecordsWithWhatIsThere(t *testing.T) {
	for name, change := range map[string]func(k *kindWriter){
		"an attachment that is not there": func(k *kindWriter) {
			k.lines.buf = bytes.Replace(k.lines.buf, []byte("attachments/000001"), []byte("attachments/000002"), 1)
		},
		"an attachment of another size": func(k *kindWriter) {
			k.lines.buf = bytes.Replace(k.lines.buf, []byte(`"size":4`), []byte(`"size":5`), 1)
		},
		"an attachment of another hash": func(k *kindWriter) {
			at := bytes.Index(k.lines.buf, []byte(`"sha256":"`)) + len(`"sha256":"`)
			k.lines.buf[at] ^= 1
		},
		"no attachment": func(k *kindWriter) {
			k.lines.buf = appendRecord(nil, "", []Field{Text("x", "1")})
			k.csv.buf = k.table.appendHeader(nil)
			k.table.place([]Field{Text("x", "1")})
			k.csv.buf = k.table.appendRow(k.csv.buf, "", []Field{Text("x", "1")})
		},
		"a table that says something else": func(k *kindWriter) {
			k.csv.buf = bytes.Replace(k.csv.buf, []byte(",1,"), []byte(",2,"), 1)
		},
		"a table with a line more": func(k *kindWriter) { k.csv.buf = append(k.csv.buf, "'x,1,,\r\n"...) },
		"another form of a line": func(k *kindWriter) {
			k.lines.buf = bytes.Replace(k.lines.buf, []byte(`"x":`), []byte(`"x": `), 1)
		},
	} {
		require.ErrorIs(t, changed(t, change), ErrArchive, name)
	}
	require.NoError(t, changed(t, func(*kindWriter) {}))
}

// changed makes an archive whose first type is changed while it is written, and
// verifies it.
func changed(t *testing.T, change func(k *kindWriter)) error {
	t.Helper()
	x, verdict := begin(t)
	s, err := x.Section(Source{Name: "s", Types: []Type{{Name: "a", About: Person}}})
	require.NoError(t, err)
	require.NoError(t, s.Write(t.Context(), Record{Type: "a", Fields: []Field{Text("x", "1"), File("f", FileOf("f", "", []byte("file")))}}))
	change(s.last)
	require.NoError(t, s.End())
	_, err = x.Close()
	require.NoError(t, err)
	return verdict()
}
