package export_test

import (
	"bytes"
	"crypto/ed25519"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/rights/export"
)

// program finds one of the ordinary programs by which people open archives. Tests
// skip where it is not installed (Debian: apt-get install age unzip), and fail there if
// TROTH_REQUIRE_AGE is 1.
func program(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		if os.Getenv("TROTH_REQUIRE_AGE") == "1" {
			t.Fatalf("%s is not installed, and TROTH_REQUIRE_AGE wants it", name)
		}
		t.Skipf("%s is not installed", name)
	}
	return path
}

// run runs a program, and returns what it says.
func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), program(t, name), args...).CombinedOutput()
	require.NoError(t, err, "%s %s: %s", name, strings.Join(args, " "), out)
	return string(out)
}

var created = time.Date(2026, 11, 24, 9, 30, 0, 0, time.UTC)

var person = troth.Subject{Tenant: "acme", ID: "subject-1"}

func signing(t *testing.T) (export.Config, string) {
	t.Helper()
	private := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize))
	signer, err := export.NewSigner("example.com/exports", private)
	require.NoError(t, err)
	key, err := export.VerifierKey("example.com/exports", private.Public().(ed25519.PublicKey))
	require.NoError(t, err)
	return export.Config{
		Subject: person, Request: "request-1", Controller: "Acme <b>GmbH</b>", Created: created, Signer: signer,
		Sheet: sheet(), TempDir: t.TempDir(),
	}, key
}

func sheet() *export.Sheet {
	return &export.Sheet{
		Controller: export.Contact{Name: "Acme", Address: "privacy@acme.example"},
		Purposes:   []export.SheetPurpose{{Title: "delivering orders", Basis: "Article 6(1)(b)"}},
		Categories: []string{"orders"},
		Recipients: export.Recipients{List: []export.Recipient{{Name: "a parcel service", Country: "Austria"}}},
		Storage:    []export.StoragePeriod{{Of: "invoices", For: "seven years"}},
		Rights:     export.Contact{Name: "Acme", Address: "privacy@acme.example"},
		Origins:    export.Origins{None: true},
		Automated:  export.Automated{None: true},
		Transfers:  export.Transfers{None: true},
		Lacks:      []export.SheetPart{export.PartAuthority},
	}
}

var shop = export.Source{Name: "shop", Title: "The shop", Types: []export.Type{
	{Name: "order", Title: "Orders", About: export.Person, Purpose: "contract", Category: "orders"},
	{Name: "../../etc/passwd", About: export.Person},
	{Name: "CON", About: export.Person},
	{Name: "con", About: export.Person},
}}

// hostile is what must stay text wherever it is shown.
const hostile = "<script>document.title='broken'</script><img src=http://example.com/x onerror=alert(1)> =1+1 \u202egnp.exe\x00"

// write makes an archive with what people and their data may hold, in a file.
func write(t *testing.T, c export.Config) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "export.zip.age")
	f, err := os.Create(path)
	require.NoError(t, err)
	w, err := export.NewWriter(f, c)
	require.NoError(t, err)
	require.NoError(t, w.Copy(t.Context(), shop, func(yield func(export.Record, error) bool) {
		for i := range 200 {
			if !yield(export.Record{Type: "order", ID: string(rune('a' + i%26)), Fields: []export.Field{
				export.Text("remark", hostile), export.Int("total", int64(-i)), export.Time("at", created), export.Bool("paid", true),
			}}, nil) {
				return
			}
		}
		for _, kind := range []string{"../../etc/passwd", "CON", "con"} {
			if !yield(export.Record{Type: kind, Fields: []export.Field{
				export.File("scan", export.FileOf("../../évil <b>.PDF", "application/pdf", []byte("%PDF "+kind))),
			}}, nil) {
				return
			}
		}
	}))
	require.NoError(t, w.Missing(export.Source{Name: "paper"}, export.Unsupported))
	require.NoError(t, w.Copy(t.Context(), export.Source{Name: "Tickets & <i>"}, func(func(export.Record, error) bool) {}))
	_, err = w.Close()
	require.NoError(t, err)
	require.NoError(t, f.Close())
	return path
}

// decrypt writes the ZIP of an archive to a file.
func decrypt(t *testing.T, archive string, secret troth.Sensitive[string]) string {
	t.Helper()
	f, err := os.Open(archive)
	require.NoError(t, err)
	defer func() { require.NoError(t, f.Close()) }()
	unlock, err := export.UnlockWithKey(secret)
	require.NoError(t, err)
	r, err := unlock.Decrypt(f)
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "export.zip")
	to, err := os.Create(path)
	require.NoError(t, err)
	_, err = io.Copy(to, r)
	require.NoError(t, err)
	require.NoError(t, to.Close())
	return path
}
