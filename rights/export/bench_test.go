package export_test

import (
	"archive/zip"
	"bytes"
	"io"
	"iter"
	"os"
	"strconv"
	"syscall"
	"testing"
	"time"

	"filippo.io/age"
	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/rights/export"
)

// many yields records like those of a shop.
func many(n int) iter.Seq2[export.Record, error] {
	return func(yield func(export.Record, error) bool) {
		fields := make([]export.Field, 0, 8)
		for i := range n {
			id := strconv.Itoa(i)
			fields = append(fields[:0],
				export.Text("number", "2026-"+id), export.Float("total", float64(i*7919%100000)/100),
				export.Bool("paid", i%3 > 0), export.Time("ordered", created.Add(time.Duration(i)*time.Minute)),
				export.Text("city", cities[i%len(cities)]), export.Text("remark", remarks[i*31%len(remarks)]),
				export.Int("articles", int64(i%9)))
			if !yield(export.Record{Type: "order", ID: id, Fields: fields}, nil) {
				return
			}
		}
	}
}

var (
	cities  = []string{"Graz", "Zürich", "Köln", "São Paulo", "Lyon", "Kraków", "Berlin"}
	remarks = []string{
		"please ring twice", "", "leave it with the neighbour, she knows", "gift: no invoice in the parcel, please",
		"call me before delivery", "the door at the back is open until six", "thanks!",
	}
)

func long() bool { return os.Getenv("TROTH_LONG") != "" }

// BenchmarkExport writes records, and by turns packs and encrypts the same bytes with
// archive/zip and age alone. "of-alone" is the rate of the export in that of the other:
// 0.5 is the aim; "of-alone-cpu" is the same of the processor's time.
func BenchmarkExport(b *testing.B) {
	n := 50_000
	if long() {
		n = 1_000_000
	}
	w := newWorld(b)
	files := contents(b, w.zip(w.write(func(x *export.Writer) {
		require.NoError(b, x.Copy(b.Context(), orders, many(n)))
	})))
	size := 0
	for _, f := range files {
		size += len(f.content)
	}
	recipient, err := age.GenerateX25519Identity()
	require.NoError(b, err)
	b.SetBytes(int64(size))
	b.ReportAllocs()
	var ours, alone time.Duration
	var oursCPU, aloneCPU time.Duration
	for b.Loop() {
		from, fromCPU := time.Now(), processorTime(b)
		x, err := export.NewWriter(io.Discard, w.config)
		require.NoError(b, err)
		require.NoError(b, x.Copy(b.Context(), orders, many(n)))
		_, err = x.Close()
		require.NoError(b, err)
		ours += time.Since(from)
		oursCPU += processorTime(b) - fromCPU

		from, fromCPU = time.Now(), processorTime(b)
		sealed, err := age.Encrypt(io.Discard, recipient.Recipient())
		require.NoError(b, err)
		z := zip.NewWriter(sealed)
		for _, f := range files {
			e, err := z.Create(f.path)
			require.NoError(b, err)
			_, err = e.Write(f.content)
			require.NoError(b, err)
		}
		require.NoError(b, z.Close())
		require.NoError(b, sealed.Close())
		alone += time.Since(from)
		aloneCPU += processorTime(b) - fromCPU
	}
	b.ReportMetric(float64(alone)/float64(ours), "of-alone")
	b.ReportMetric(float64(aloneCPU)/float64(oursCPU), "of-alone-cpu")
	b.ReportMetric(float64(n)*float64(b.N)/ours.Seconds(), "records/s")
}

// processorTime is what this process took, of which other work on the machine is no
// part.
func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

type file struct {
	path    string
	content []byte
}

// contents are the files of a ZIP.
func contents(t testing.TB, b []byte) (files []file) {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	require.NoError(t, err)
	for _, f := range z.File {
		r, err := f.Open()
		require.NoError(t, err)
		content, err := io.ReadAll(r)
		require.NoError(t, err)
		files = append(files, file{f.Name, content})
	}
	return files
}
