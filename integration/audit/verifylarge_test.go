package audit

import (
	"context"
	"crypto/sha256"
	"fmt"
	"runtime"
	"runtime/metrics"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
	"github.com/trothdev/troth/audit/audittest"
	"github.com/trothdev/troth/storage/sqlstore/auditsql"
)

// million is how many entries the long forms have.
const million = 1_000_000

// grow adds n entries of ten tenants to the log and signs it.
func grow(t testing.TB, store *auditsql.Store, trail *audit.Trail, n int) {
	t.Helper()
	ctx := troth.WithActor(t.Context(), troth.Actor{Kind: troth.Service, ID: "importer"})
	for n > 0 {
		batch := min(n, 5000)
		require.NoError(t, store.Transactor().Atomically(ctx, func(ctx context.Context) error {
			for i := range batch {
				e := troth.Entry{Act: act, Tenant: troth.Tenant(fmt.Sprintf("tenant-%d", i%10))}
				if _, err := trail.Record(ctx, e); err != nil {
					return err
				}
			}
			return nil
		}))
		n -= batch
		for moved := 1; moved > 0; {
			var err error
			moved, err = trail.Sequence(ctx)
			require.NoError(t, err)
		}
	}
	_, err := trail.Checkpoint(ctx)
	require.NoError(t, err)
}

func (b backend) largeLog(t testing.TB) (*auditsql.Store, *audit.Trail) {
	t.Helper()
	store := b.store(t, b.open(t))
	signer, err := audit.GenerateSigningKey("troth.example/large")
	require.NoError(t, err)
	return store, audittest.NewTrail(t, store, audit.WithSigner(signer))
}

// BenchmarkVerify compares full verification with reading the same rows through
// the same store and hashing each leaf once. TROTH_LONG makes it a million.
func BenchmarkVerify(b *testing.B) {
	n := 50_000
	if long {
		n = million
	}
	store, trail := backends[0].largeLog(b)
	grow(b, store, trail, n)
	perEntry := func(b *testing.B, used time.Duration) {
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/entry")
		b.ReportMetric(float64((processor()-used).Nanoseconds())/float64(b.N)/float64(n), "cpu-ns/entry")
	}
	b.Run("rows", func(b *testing.B) {
		used := processor()
		for b.Loop() {
			read := 0
			for page := 1000; page == 1000; {
				rows, err := store.LogRange(b.Context(), 1, uint64(read), 1000)
				require.NoError(b, err)
				for i := range rows {
					if sha256.Sum256(rows[i].Leaf) == [32]byte{} {
						b.Fatal("a hash of zeros")
					}
				}
				page = len(rows)
				read += page
			}
			require.Greater(b, read, n)
		}
		perEntry(b, used)
	})
	b.Run("verify", func(b *testing.B) {
		used := processor()
		for b.Loop() {
			_, err := trail.Verify(b.Context(), audit.VerifyParams{})
			require.NoError(b, err)
		}
		perEntry(b, used)
	})
}

// processor is the time that this process has had on all processors, which tells
// more than the clock where others want them too.
func processor() time.Duration {
	var r syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &r) // fails for another address only
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// peakHeap returns the most heap that was in use while fn ran, in bytes.
func peakHeap(fn func()) uint64 {
	runtime.GC()
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/memory/classes/heap/unused:bytes"}}
	stop, done := make(chan struct{}), make(chan uint64)
	go func() {
		var peak uint64
		for {
			metrics.Read(sample)
			peak = max(peak, sample[0].Value.Uint64()+sample[1].Value.Uint64())
			select {
			case <-stop:
				done <- peak
				return
			case <-time.After(time.Millisecond):
			}
		}
	}()
	fn()
	close(stop)
	return <-done
}

// TestVerify_MemoryDoesNotGrowWithTheLog verifies a log, lets it grow to five
// times its size, and verifies again; TROTH_LONG lets it grow to a million.
func TestVerify_MemoryDoesNotGrowWithTheLog(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and nothing at once")
	}
	store, trail := backends[0].largeLog(t)
	verify := func() uint64 {
		return peakHeap(func() {
			_, err := trail.Verify(t.Context(), audit.VerifyParams{})
			require.NoError(t, err)
		})
	}
	first, second := 6000, 24_000/slowdown
	if long {
		second = million - first
	}
	grow(t, store, trail, first)
	verify()
	before := verify()
	grow(t, store, trail, second)
	after := verify()
	t.Logf("peak heap: %.1f MiB at %d entries, %.1f MiB at %d", mib(before), first, mib(after), first+second)
	require.Less(t, after, before+8<<20)
	require.Less(t, after, uint64(64<<20))
}

func mib(bytes uint64) float64 { return float64(bytes) / (1 << 20) }
