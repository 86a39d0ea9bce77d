package audit

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
	"github.com/trothdev/troth/audit/audittest"
)

// BenchmarkInbox compares writing evidence with appending 256 bytes to a file
// under the same group commit, which is the least that any durable log costs.
// inbox/store writes a ready row, inbox/trail the whole way from the entry; the
// pseudonyms are committed before.
func BenchmarkInbox(b *testing.B) {
	for _, writers := range []int{1, 8, 64} {
		b.Run(fmt.Sprintf("file/writers=%d", writers), func(b *testing.B) {
			f, err := os.Create(filepath.Join(b.TempDir(), "log"))
			require.NoError(b, err)
			defer func() { _ = f.Close() }()
			a := newAppender(f)
			record := make([]byte, 256)
			together(b, writers, func(int) error { return a.append(b.Context(), record) })
		})
		for _, kind := range backends {
			b.Run(fmt.Sprintf("inbox/store/%s/writers=%d", kind.name, writers), func(b *testing.B) {
				store := kind.store(b, kind.open(b))
				var at atomic.Int64
				together(b, writers, func(int) error {
					row := audit.InboxRow{Tenant: "acme", RecordedAt: at.Add(1), Envelope: make([]byte, 256)}
					row.ID = troth.EntryID{0: byte(row.RecordedAt >> 24), 1: byte(row.RecordedAt >> 16), 2: byte(row.RecordedAt >> 8), 3: byte(row.RecordedAt)}
					_, err := store.Append(b.Context(), row)
					return err
				})
			})
			b.Run(fmt.Sprintf("inbox/trail/%s/writers=%d", kind.name, writers), func(b *testing.B) {
				trail := audittest.NewTrail(b, kind.store(b, kind.open(b)))
				ctx := troth.WithActor(b.Context(), troth.Actor{Kind: troth.Person, ID: "kim"})
				entries := make([]troth.Entry, writers)
				for w := range entries {
					entries[w] = troth.Entry{Act: act, Tenant: "acme", SubjectID: fmt.Sprint(w)}
					_, err := trail.Record(ctx, entries[w])
					require.NoError(b, err)
				}
				together(b, writers, func(w int) error {
					_, err := trail.Record(ctx, entries[w])
					return err
				})
			})
		}
	}
}

// together divides b.N calls among writers.
func together(b *testing.B, writers int, call func(writer int) error) {
	b.Helper()
	var left atomic.Int64
	left.Store(int64(b.N))
	var wg sync.WaitGroup
	b.ReportAllocs()
	b.ResetTimer()
	for w := range writers {
		wg.Go(func() {
			for left.Add(-1) >= 0 {
				if err := call(w); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "commits/s")
}
