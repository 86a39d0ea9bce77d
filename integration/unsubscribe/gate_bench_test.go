package unsubscribe_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/integration/pgtest"
	"github.com/trothdev/troth/unsubscribe"
)

func gateSizes() []int {
	if os.Getenv("TROTH_LONG") != "" {
		return []int{1_000_000, 10_000_000}
	}
	return []int{1_000_000}
}

// benchKey is a key as a hasher would make one.
func benchKey(registry string, i int) unsubscribe.Key {
	return sha256.Sum256(fmt.Appendf(nil, "%s %d", registry, i))
}

// benchCampaign are a million people with stored keys, of whom one in fifty is among
// the first n.
func benchCampaign(n int) []unsubscribe.Recipient {
	all := make([]unsubscribe.Recipient, 1_000_000)
	for i := range all {
		who := n + i
		if i%50 == 0 {
			who = i
		}
		client, everything := benchKey("acme", who), benchKey("everything", who)
		all[i].Keys = unsubscribe.Keys{
			Client:     unsubscribe.Pair{Exact: client, Mailbox: client, Epoch: 1},
			Everything: unsubscribe.Pair{Exact: everything, Mailbox: everything, Epoch: 1},
		}
	}
	return all
}

// fillEntries gives the registry of acme n opt-outs.
func fillEntries(b *testing.B, p *gateProcess, d gateDatabase, n int) {
	b.Helper()
	columns := []string{
		"addr_key", "tenant", "channel", "list", "mailbox", "opted_out_at", "imported_at", "complained_at", "bounced_at",
		"opted_in_at", "generation", "event",
	}
	row := func(i int) []any {
		k := benchKey("acme", i)
		return []any{k[:], "acme", "email", "", k[:], int64(1), int64(0), int64(0), int64(0), int64(0), int64(0), "e"}
	}
	if d.Driver == "pgx" {
		withPgx(b, p.db, func(ctx context.Context, c *pgx.Conn) {
			_, err := c.CopyFrom(ctx, pgx.Identifier{"troth_unsubscribe_entry"}, columns,
				pgx.CopyFromSlice(n, func(i int) ([]any, error) { return row(i), nil }))
			require.NoError(b, err)
			_, err = c.Exec(ctx, "VACUUM ANALYZE troth_unsubscribe_entry")
			require.NoError(b, err)
		})
		return
	}
	tx, err := p.db.BeginTx(b.Context(), nil)
	require.NoError(b, err)
	text := []string{"INSERT INTO troth_unsubscribe_entry (", strings.Join(columns, ", "), ") VALUES (", questions(len(columns)), ")"}
	s, err := tx.PrepareContext(b.Context(), strings.Join(text, ""))
	require.NoError(b, err)
	defer s.Close()
	order := make([]int, n) // in the order of keys: it is much faster
	for i := range order {
		order[i] = i
	}
	keys := make([]unsubscribe.Key, n)
	for i := range keys {
		keys[i] = benchKey("acme", i)
	}
	slices.SortFunc(order, func(i, j int) int { return bytes.Compare(keys[i][:], keys[j][:]) })
	for _, i := range order {
		_, err := s.ExecContext(b.Context(), row(i)...)
		require.NoError(b, err)
	}
	require.NoError(b, tx.Commit())
	_, err = p.db.ExecContext(b.Context(), "ANALYZE")
	require.NoError(b, err)
}

func withPgx(b *testing.B, db *sql.DB, fn func(ctx context.Context, c *pgx.Conn)) {
	b.Helper()
	conn, err := db.Conn(b.Context())
	require.NoError(b, err)
	defer conn.Close()
	require.NoError(b, conn.Raw(func(c any) error {
		fn(b.Context(), c.(*stdlib.Conn).Conn())
		return nil
	}))
}

// byHand asks the same question as a program would that needs nothing else: which of
// the campaign stand in the client's registry or in that of everything.
func byHand(b *testing.B, p *gateProcess, d gateDatabase, all []unsubscribe.Recipient) (stopped int) {
	b.Helper()
	if d.Driver == "pgx" {
		withPgx(b, p.db, func(ctx context.Context, c *pgx.Conn) {
			tx, err := c.Begin(ctx)
			require.NoError(b, err)
			defer func() { _ = tx.Rollback(ctx) }()
			_, err = tx.Exec(ctx, "CREATE TEMP TABLE campaign (n int, client bytea, everything bytea) ON COMMIT DROP")
			require.NoError(b, err)
			_, err = tx.CopyFrom(ctx, pgx.Identifier{"campaign"}, []string{"n", "client", "everything"},
				pgx.CopyFromSlice(len(all), func(i int) ([]any, error) {
					return []any{int32(i), all[i].Keys.Client.Exact[:], all[i].Keys.Everything.Exact[:]}, nil
				}))
			require.NoError(b, err)
			rows, err := tx.Query(ctx, `SELECT n FROM campaign JOIN troth_unsubscribe_entry e ON e.addr_key = client AND e.tenant = 'acme'
				UNION SELECT n FROM campaign JOIN troth_unsubscribe_entry e ON e.addr_key = everything AND e.tenant = '~platform'`)
			require.NoError(b, err)
			which, err := pgx.CollectRows(rows, pgx.RowTo[int32])
			require.NoError(b, err)
			stopped = len(which)
		})
		return stopped
	}
	for _, registry := range []string{"acme", "~platform"} {
		keys := make([]unsubscribe.Key, len(all))
		for i := range all {
			if keys[i] = all[i].Keys.Client.Exact; registry != "acme" {
				keys[i] = all[i].Keys.Everything.Exact
			}
		}
		stopped += inBatches(b, p.db, registry, keys)
	}
	return stopped
}

// inBatches asks SQLite with sorted batches of IN.
func inBatches(b *testing.B, db *sql.DB, registry string, keys []unsubscribe.Key) (found int) {
	b.Helper()
	const size = 500
	slices.SortFunc(keys, func(a, b unsubscribe.Key) int { return bytes.Compare(a[:], b[:]) })
	text := []string{"SELECT addr_key FROM troth_unsubscribe_entry WHERE tenant = ? AND addr_key IN (", questions(size), ")"}
	s, err := db.PrepareContext(b.Context(), strings.Join(text, ""))
	require.NoError(b, err)
	defer s.Close()
	args := make([]any, size+1)
	args[0] = registry
	batch := func() {
		rows, err := s.QueryContext(b.Context(), args...)
		require.NoError(b, err)
		defer rows.Close()
		for rows.Next() {
			var k []byte
			require.NoError(b, rows.Scan(&k))
			found++
		}
		require.NoError(b, rows.Err())
	}
	for some := range slices.Chunk(keys, size) {
		for i := range some {
			args[i+1] = some[i][:]
		}
		batch()
	}
	return found
}

func questions(n int) string { return "?" + strings.Repeat(", ?", n-1) }

// BenchmarkGateDatabase decides about a million people with stored keys in database
// mode, by turns with asking by hand: COPY and join on PostgreSQL, sorted batches of
// IN on SQLite.
func BenchmarkGateDatabase(b *testing.B) {
	for _, driver := range []string{"sqlite", "pgx"} {
		for _, n := range gateSizes() {
			b.Run(fmt.Sprint(driver, "/", n), func(b *testing.B) {
				d := gateDatabase{driver, "file:" + filepath.Join(b.TempDir(), "test.db") + "?_pragma=journal_mode(wal)"}
				if driver == "pgx" {
					d.DSN = pgtest.DSN(b)
				}
				p := d.open(b, unsubscribe.WithDatabaseMode())
				fillEntries(b, p, d, n)
				all := benchCampaign(n)
				var hand, gate []float64
				for b.Loop() {
					runtime.GC()
					begin := time.Now()
					require.Equal(b, 20_000, byHand(b, p, d, all))
					hand = append(hand, time.Since(begin).Seconds())
					runtime.GC()
					begin = time.Now()
					stopped := 0
					for v, err := range p.gate.Filter(p.ctx, gateLetter, unsubscribe.Recipients(all)) {
						if err != nil {
							b.Fatal(err)
						}
						if !v.Send {
							stopped++
						}
					}
					require.Equal(b, 20_000, stopped)
					gate = append(gate, time.Since(begin).Seconds())
				}
				slices.Sort(hand)
				slices.Sort(gate)
				b.ReportMetric(hand[len(hand)/2], "s/hand")
				b.ReportMetric(gate[len(gate)/2], "s/gate")
				b.ReportMetric(gate[len(gate)/2]/hand[len(hand)/2], "times")
				b.ReportMetric(gate[0]/hand[0], "times-least")
			})
		}
	}
}
