package audit

import (
	"context"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
	"github.com/trothdev/troth/audit/audittest"
	"github.com/trothdev/troth/integration/sqltest"
	"github.com/trothdev/troth/storage/sqlstore"
	"github.com/trothdev/troth/storage/sqlstore/auditsql"
)

// BenchmarkProve compares an inclusion proof from SQLite with the bare reads that
// it needs: its entry, the newest checkpoint and the tile of the entry's
// neighbours; the tiles above are kept in memory. Both go through the same handle
// and read by turns. TROTH_LONG=1 has a log of 1,000,000 entries.
func BenchmarkProve(b *testing.B) {
	size := 20_000
	if os.Getenv("TROTH_LONG") == "1" {
		size = 1_000_000
	}
	h, err := sqlstore.Open(b.Context(), sqltest.SQLite(b), sqlstore.SQLite)
	require.NoError(b, err)
	b.Cleanup(func() { _ = h.Close() })
	store, err := auditsql.New(b.Context(), h)
	require.NoError(b, err)
	signer, err := audit.GenerateSigningKey("troth.example/bench")
	require.NoError(b, err)
	trail := audittest.NewTrail(b, store, audit.WithSigner(signer))
	ids := fill(b, h, trail, size)
	_, err = trail.Checkpoint(b.Context())
	require.NoError(b, err)

	// Blocks of both by turns: the machine's moods meet both. Each has entries of its
	// own, so that neither finds in memory what the other has just read.
	const block = 100
	next, picked, others := 0, make([]troth.EntryID, block), make([]troth.EntryID, block)
	var proving, reading, times []float64
	for b.Loop() {
		for i := range picked {
			next = (next + 611_953) % len(ids)
			picked[i] = ids[next]
			next = (next + 611_953) % len(ids)
			others[i] = ids[next]
		}
		began := time.Now()
		for _, id := range picked {
			_, err := trail.Prove(b.Context(), "acme", id)
			require.NoError(b, err)
		}
		proved := time.Now()
		for _, id := range others {
			read(b, h, id)
		}
		reading = append(reading, time.Since(proved).Seconds()*1e6/block)
		proving = append(proving, proved.Sub(began).Seconds()*1e6/block)
		times = append(times, proving[len(proving)-1]/reading[len(reading)-1])
	}
	b.ReportMetric(median(proving), "us/proof")
	b.ReportMetric(median(reading), "us/reads")
	b.ReportMetric(median(times), "times")
}

func median(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}

// fill records entries, many in one transaction, and moves them into the log.
func fill(b *testing.B, h *sqlstore.Handle, trail *audit.Trail, size int) (ids []troth.EntryID) {
	b.Helper()
	ctx := troth.WithActor(b.Context(), troth.Actor{Kind: troth.Service, ID: "bench"})
	for len(ids) < size {
		require.NoError(b, h.Atomically(ctx, func(ctx context.Context) error {
			for range 1000 {
				id, err := trail.Record(ctx, troth.Entry{Act: act, Tenant: "acme"})
				if err != nil {
					return err
				}
				ids = append(ids, id)
			}
			return nil
		}))
		_, err := trail.Sequence(ctx)
		require.NoError(b, err)
	}
	for {
		n, err := trail.Sequence(ctx)
		require.NoError(b, err)
		if n == 0 {
			return ids
		}
	}
}

// read makes the reads of one proof, each the whole row by its key.
func read(b *testing.B, h *sqlstore.Handle, id troth.EntryID) {
	b.Helper()
	ctx := b.Context()
	var log, index, number, at, size int64
	var tenant, act, note string
	var hash, leaf, by, subject, hashes []byte
	one := func(query string, args []any, dest ...any) {
		found, err := sqlstore.QueryRow(ctx, h.Querier(ctx), query, args, dest...)
		require.NoError(b, err)
		require.True(b, found)
	}
	one(`SELECT log, idx, tenant, id, number, hash, leaf, redacted_by, recorded_at, act, subject
		FROM troth_audit_entry WHERE tenant = ? AND id = ?`, []any{"acme", id[:]},
		&log, &index, &tenant, new([]byte), &number, &hash, &leaf, &by, &at, &act, &subject)
	one(`SELECT size, signed_at, note FROM troth_audit_checkpoint WHERE log = ? AND size <= ? ORDER BY size DESC LIMIT 1`,
		[]any{log, int64(1) << 62}, &size, &at, &note)
	if tile := index / 256; tile < size/256 {
		one(`SELECT hashes FROM troth_audit_tile WHERE log = ? AND level = 0 AND n = ?`, []any{log, tile}, &hashes)
		require.Len(b, hashes, 256*32)
	}
}
