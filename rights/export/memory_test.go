package export_test

import (
	"bytes"
	"io"
	"runtime/metrics"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/rights/export"
)

// inUse is what objects take on the heap, and what of them is not collected yet.
func inUse() uint64 {
	s := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(s)
	return s[0].Value.Uint64()
}

// Memory does not grow with the number of records: 1,000,000 of them where TROTH_LONG
// is set, fewer else, and never 64 MiB.
func TestWriter_MemoryIsBounded(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and nothing at once")
	}
	n := 60_000
	if long() {
		n = 1_000_000
	}
	w := newWorld(t)
	before, most, at := inUse(), uint64(0), 0
	look := func() {
		if now := inUse(); now > before {
			most = max(most, now-before)
		}
	}
	x, err := export.NewWriter(io.Discard, w.config)
	require.NoError(t, err)
	require.NoError(t, x.Copy(t.Context(), orders, func(yield func(export.Record, error) bool) {
		for r, err := range many(n) {
			if at++; at%1000 == 0 {
				look()
			}
			if !yield(r, err) {
				return
			}
		}
	}))
	look()
	receipt, err := x.Close()
	require.NoError(t, err)
	look()
	require.Equal(t, uint64(n), receipt.Records)
	t.Logf("%d records, %d bytes, at most %.1f MiB", n, receipt.Size, float64(most)/(1<<20))
	require.Less(t, most, uint64(64<<20))
}

// Many types at the same time wait in memory that is bounded too, and so does reading
// an archive back.
func TestWriter_MemoryIsBoundedOverManyTypes(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and nothing at once")
	}
	w := newWorld(t)
	source := export.Source{Name: "many"}
	value := string(bytes.Repeat([]byte("text "), 400))
	types := 400
	for i := range types {
		source.Types = append(source.Types, export.Type{Name: name(i), About: export.Person})
	}
	before, most := inUse(), uint64(0)
	archive := w.write(func(x *export.Writer) {
		require.NoError(t, x.Copy(t.Context(), source, func(yield func(export.Record, error) bool) {
			for i := range 4_800 {
				r := export.Record{Type: name(i % types), ID: "1", Fields: []export.Field{export.Text("a", value)}}
				if !yield(r, nil) {
					return
				}
				if i%100 == 0 {
					most = max(most, inUse())
				}
			}
		}))
	})
	if most > before {
		require.Less(t, most-before, uint64(64<<20))
	}
	n := 0
	a, err := w.open(archive)
	require.NoError(t, err)
	for r, err := range a.Records(t.Context()) {
		require.NoError(t, err)
		require.Equal(t, value, r.Record.Fields[0].Value.Text())
		n++
	}
	require.Equal(t, 4_800, n)
}

func name(i int) string { return "type " + string(rune('a'+i%26)) + string(rune('a'+i/26)) }
