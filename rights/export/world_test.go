package export_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"io"
	"iter"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/rights/export"
)

var created = time.Date(2026, 11, 24, 9, 30, 0, 123456000, time.UTC)

var person = troth.Subject{Tenant: "acme", ID: "subject-1"}

const signerName = "example.com/exports"

// world is a signer and a key that opens what is written.
type world struct {
	t      testing.TB
	config export.Config
	unlock export.Unlock
	vkey   string
}

func newWorld(t testing.TB) *world {
	t.Helper()
	private := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize))
	signer, err := export.NewSigner(signerName, private)
	require.NoError(t, err)
	vkey, err := export.VerifierKey(signerName, private.Public().(ed25519.PublicKey))
	require.NoError(t, err)
	lock, secret, err := export.FreshKey()
	require.NoError(t, err)
	unlock, err := export.UnlockWithKey(secret)
	require.NoError(t, err)
	return &world{t: t, unlock: unlock, vkey: vkey, config: export.Config{
		Subject: person, Request: "request-1", Controller: "Acme", Created: created, Signer: signer, Lock: lock,
		TempDir: t.TempDir(),
	}}
}

// write makes an archive with fn, and returns it.
func (w *world) write(fn func(x *export.Writer)) []byte {
	w.t.Helper()
	var b bytes.Buffer
	x, err := export.NewWriter(&b, w.config)
	require.NoError(w.t, err)
	fn(x)
	_, err = x.Close()
	require.NoError(w.t, err)
	return b.Bytes()
}

// zip decrypts an archive.
func (w *world) zip(archive []byte) []byte {
	w.t.Helper()
	r, err := w.unlock.Decrypt(bytes.NewReader(archive))
	require.NoError(w.t, err)
	b, err := io.ReadAll(r)
	require.NoError(w.t, err)
	return b
}

func (w *world) open(archive []byte) (*export.Archive, error) {
	return export.Open(bytes.NewReader(archive), int64(len(archive)), export.OpenConfig{
		Unlock: w.unlock, Key: w.vkey, Tenant: person.Tenant,
	})
}

// records reads all records of an archive, attachments included.
func (w *world) records(archive []byte) (list []export.SourceRecord, files map[string]string) {
	w.t.Helper()
	a, err := w.open(archive)
	require.NoError(w.t, err)
	files = map[string]string{}
	for r, err := range a.Records(w.t.Context()) {
		require.NoError(w.t, err)
		for _, f := range r.Record.Fields {
			if file := f.Value.File(); file != nil {
				from, err := file.Open(w.t.Context())
				require.NoError(w.t, err)
				b, err := io.ReadAll(from)
				require.NoError(w.t, err)
				files[file.Path] = string(b)
			}
		}
		list = append(list, r)
	}
	return list, files
}

// orders is a source whose types are about the person alone.
var orders = export.Source{Name: "shop", Title: "The shop", Types: []export.Type{
	{Name: "order", Title: "Orders", About: export.Person, Purpose: "contract", Category: "orders"},
	{Name: "note", About: export.Person, Columns: []export.Column{
		{Name: "text", Title: "Text", Category: "messages"}, {Name: "author", About: export.Others},
	}},
}}

func order(id string, fields ...export.Field) export.Record {
	return export.Record{Type: "order", ID: id, Fields: fields}
}

func list(records ...export.Record) iter.Seq2[export.Record, error] {
	return func(yield func(export.Record, error) bool) {
		for _, r := range records {
			if !yield(r, nil) {
				return
			}
		}
	}
}

func copyAll(t testing.TB, x *export.Writer, s export.Source, records ...export.Record) {
	t.Helper()
	require.NoError(t, x.Copy(t.Context(), s, list(records...)))
}

// small is an archive with a bit of everything.
func (w *world) small() []byte {
	w.t.Helper()
	return w.write(func(x *export.Writer) {
		copyAll(w.t, x, orders,
			order("1", export.Text("number", "2026-1"), export.Float("total", 12.5), export.Bool("paid", true)),
			order("2", export.Text("number", "=cmd"), export.Int("total", -3), export.Time("at", created),
				export.File("scan", export.FileOf("scan of 2.PDF", "application/pdf", []byte("%PDF")))),
			export.Record{Type: "note", ID: "n", Fields: []export.Field{export.Text("text", "hello"), export.Text("author", "Bob")}},
		)
		require.NoError(w.t, x.Missing(export.Source{Name: "paper"}, export.Unsupported))
		copyAll(w.t, x, export.Source{Name: "tickets"})
	})
}

// noise is what cannot be packed.
func noise(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails, crypto/rand documents
	return b
}
