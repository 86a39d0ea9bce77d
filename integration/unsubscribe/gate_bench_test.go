package unsubscribe_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
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

// benchWorld is what is asked about. Plain has one registry, whose entries have no
// mailbox of their own, as addresses of companies do. Otherwise one address in five has
// one, every tenth entry stands in the registry of everything too, some are of another
// list, and some recipients are blocked under their mailbox or in everything alone.
type benchWorld struct {
	n     int
	plain bool
}

// pair are the keys of somebody in one registry.
func (w benchWorld) pair(registry string, who int) unsubscribe.Pair {
	p := unsubscribe.Pair{Exact: benchKey(registry, who), Epoch: 1}
	if p.Mailbox = p.Exact; !w.plain && who%5 == 0 {
		p.Mailbox = benchKey("box "+registry, who)
	}
	return p
}

// campaign are a million people with stored keys, and how many of them are to be
// stopped: one in fifty.
func (w benchWorld) campaign(b *testing.B, h *unsubscribe.Hasher) (all []unsubscribe.Recipient, stopped int) {
	all = make([]unsubscribe.Recipient, 1_000_000)
	made, err := h.Keys(unsubscribe.Email, "ada@example.org") // whose tag they have
	require.NoError(b, err)
	for i := range all {
		client, everything := w.n+i, w.n+i
		switch {
		case i%50 == 0:
			client, everything, stopped = i, i, stopped+1
		case !w.plain && i%50 == 1 && i < w.n/10:
			everything, stopped = i, stopped+1
		case !w.plain && i%50 == 2:
			client = i // another list's
		}
		k := made
		k.Client, k.Everything = w.pair("acme", client), w.pair("everything", everything)
		if !w.plain && i%100 == 50 { // with a tag that the registry does not know
			k.Client.Exact, k.Everything.Exact = benchKey("tag acme", i), benchKey("tag everything", i)
		}
		all[i].Keys = k
	}
	return all, stopped
}

var entryColumns = []string{
	"addr_key", "tenant", "channel", "list", "mailbox", "opted_out_at", "imported_at", "complained_at", "bounced_at",
	"opted_in_at", "generation", "event",
}

// rows are the entries in the order of their keys: it is much faster.
func (w benchWorld) rows() [][]any {
	var all [][]any
	add := func(registry, tenant string, i int) {
		list := ""
		if !w.plain && i%50 == 2 {
			list = "other"
		}
		p := w.pair(registry, i)
		all = append(all, []any{
			p.Exact[:], tenant, "email", list, p.Mailbox[:], int64(1), int64(0), int64(0), int64(0), int64(0), int64(0), "e",
		})
	}
	for i := range w.n {
		add("acme", "acme", i)
		if !w.plain && i < w.n/10 {
			add("everything", string(troth.Platform), i)
		}
	}
	slices.SortFunc(all, func(a, b []any) int { return bytes.Compare(a[0].([]byte), b[0].([]byte)) })
	return all
}

func (w benchWorld) fill(b *testing.B, p *gateProcess, d gateDatabase) {
	b.Helper()
	rows := w.rows()
	if d.Driver == "pgx" {
		withPgx(b, p.db, func(ctx context.Context, c *pgx.Conn) {
			// Addresses come in no order of their keys.
			rand.New(rand.NewPCG(1, 2)).Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
			_, err := c.CopyFrom(ctx, pgx.Identifier{"troth_unsubscribe_entry"}, entryColumns, pgx.CopyFromRows(rows))
			require.NoError(b, err)
			_, err = c.Exec(ctx, "VACUUM ANALYZE troth_unsubscribe_entry")
			require.NoError(b, err)
		})
		return
	}
	tx, err := p.db.BeginTx(b.Context(), nil)
	require.NoError(b, err)
	s, err := tx.PrepareContext(b.Context(), strings.Join([]string{
		"INSERT INTO troth_unsubscribe_entry (", strings.Join(entryColumns, ", "), ") VALUES (", questions(len(entryColumns)), ")",
	}, ""))
	require.NoError(b, err)
	defer s.Close()
	for _, row := range rows {
		_, err := s.ExecContext(b.Context(), row...)
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

// stands is what makes an entry stop marketing of the list, as a program would write it
// that needs nothing else.
const stands = ` AND e.channel = 'email' AND e.list IN ('', 'letter') AND (e.opted_out_at > 0 AND e.opted_out_at >= e.opted_in_at
	OR e.imported_at > 0 AND e.imported_at >= e.opted_in_at OR e.complained_at > 0 AND e.complained_at >= e.opted_in_at
	OR e.bounced_at > 0 AND e.bounced_at >= e.opted_in_at)`

// byHand asks the same question as a program would that needs nothing else: who of the
// campaign stands in the client's registry or in that of everything, under either key.
// In a plain world it knows that there are no mailboxes.
func (w benchWorld) byHand(b *testing.B, p *gateProcess, d gateDatabase, all []unsubscribe.Recipient) (stopped int) {
	b.Helper()
	if d.Driver == "pgx" {
		withPgx(b, p.db, func(ctx context.Context, c *pgx.Conn) { stopped = w.join(ctx, b, c, all) })
		return stopped
	}
	found := map[unsubscribe.Key]bool{}
	for _, registry := range []troth.Tenant{"acme", troth.Platform} {
		keys := make([]unsubscribe.Key, 0, len(all)*6/5)
		for i := range all {
			p := &all[i].Keys.Client
			if registry == troth.Platform {
				p = &all[i].Keys.Everything
			}
			if keys = append(keys, p.Exact); p.Mailbox != p.Exact {
				keys = append(keys, p.Mailbox)
			}
		}
		slices.SortFunc(keys, func(a, b unsubscribe.Key) int { return bytes.Compare(a[:], b[:]) })
		inBatches(b, p.db, registry, "e.addr_key", keys, found)
		if !w.plain {
			inBatches(b, p.db, registry, "e.mailbox <> e.addr_key AND e.mailbox", keys, found)
		}
	}
	for i := range all {
		k := &all[i].Keys
		if found[k.Client.Exact] || found[k.Client.Mailbox] || found[k.Everything.Exact] || found[k.Everything.Mailbox] {
			stopped++
		}
	}
	return stopped
}

// join copies the campaign to PostgreSQL and joins it with the entries.
func (w benchWorld) join(ctx context.Context, b *testing.B, c *pgx.Conn, all []unsubscribe.Recipient) int {
	b.Helper()
	tx, err := c.Begin(ctx)
	require.NoError(b, err)
	defer func() { _ = tx.Rollback(ctx) }()
	// A mailbox of their own is NULL for most people, which costs nothing.
	columns := []string{"n", "client", "everything", "client_box", "everything_box"}
	if w.plain {
		columns = columns[:3]
	}
	_, err = tx.Exec(ctx, "CREATE TEMP TABLE campaign ("+strings.Join(columns, " bytea, ")[len("n bytea, "):]+" bytea, n int) ON COMMIT DROP")
	require.NoError(b, err)
	box := func(p *unsubscribe.Pair) []byte {
		if p.Mailbox == p.Exact {
			return nil
		}
		return p.Mailbox[:]
	}
	_, err = tx.CopyFrom(ctx, pgx.Identifier{"campaign"}, columns, pgx.CopyFromSlice(len(all), func(i int) ([]any, error) {
		k := &all[i].Keys
		row := []any{int32(i), k.Client.Exact[:], k.Everything.Exact[:], box(&k.Client), box(&k.Everything)}
		return row[:len(columns)], nil
	}))
	require.NoError(b, err)
	var joins []string
	for _, column := range columns[1:] {
		of := "acme"
		if strings.HasPrefix(column, "everything") {
			of = string(troth.Platform)
		}
		for _, key := range []string{"e.addr_key", "e.mailbox <> e.addr_key AND e.mailbox"} {
			if w.plain && key != "e.addr_key" {
				continue
			}
			joins = append(joins, "SELECT n FROM campaign JOIN troth_unsubscribe_entry e ON "+key+" = "+column+
				" AND e.tenant = '"+of+"'"+stands)
		}
	}
	rows, err := tx.Query(ctx, strings.Join(joins, " UNION "))
	require.NoError(b, err)
	which, err := pgx.CollectRows(rows, pgx.RowTo[int32])
	require.NoError(b, err)
	return len(which)
}

// inBatches asks SQLite with sorted batches of IN.
func inBatches(b *testing.B, db *sql.DB, registry troth.Tenant, key string, keys []unsubscribe.Key, found map[unsubscribe.Key]bool) {
	b.Helper()
	const size = 500
	s, err := db.PrepareContext(b.Context(), strings.Join([]string{
		"SELECT ", key[strings.LastIndex(key, "e."):], " FROM troth_unsubscribe_entry e WHERE tenant = ? AND ", key, " IN (", questions(size), ")", stands,
	}, ""))
	require.NoError(b, err)
	defer s.Close()
	args := make([]any, size+1)
	args[0] = string(registry)
	batch := func() {
		rows, err := s.QueryContext(b.Context(), args...)
		require.NoError(b, err)
		defer rows.Close()
		for rows.Next() {
			var k []byte
			require.NoError(b, rows.Scan(&k))
			found[unsubscribe.Key(k)] = true
		}
		require.NoError(b, rows.Err())
	}
	for some := range slices.Chunk(keys, size) {
		for i := range some {
			args[i+1] = some[i][:]
		}
		batch()
	}
}

func questions(n int) string { return "?" + strings.Repeat(", ?", n-1) }

// BenchmarkGateDatabase decides about a million people with stored keys in database
// mode, by turns with asking by hand: COPY and join on PostgreSQL, sorted batches of
// IN on SQLite. Both find the same people.
func BenchmarkGateDatabase(b *testing.B) {
	for _, driver := range []string{"sqlite", "pgx"} {
		for _, n := range gateSizes() {
			for name, plain := range map[string]bool{"plain": true, "mixed": false} {
				b.Run(fmt.Sprint(driver, "-", name, "/", n), func(b *testing.B) { benchDatabase(b, driver, benchWorld{n, plain}) })
			}
		}
	}
}

func benchDatabase(b *testing.B, driver string, w benchWorld) {
	b.Helper()
	d := gateDatabase{driver, "file:" + filepath.Join(b.TempDir(), "test.db") + "?_pragma=journal_mode(wal)"}
	if driver == "pgx" {
		d.DSN = pgtest.DSN(b)
	}
	p := d.open(b, unsubscribe.WithDatabaseMode())
	w.fill(b, p, d)
	h, err := p.registry.Hasher(p.ctx, gateLetter.Tenant)
	require.NoError(b, err)
	all, want := w.campaign(b, h)
	ask := func() (stopped int) {
		for v, err := range p.gate.Filter(p.ctx, gateLetter, unsubscribe.Recipients(all)) {
			if err != nil {
				b.Fatal(err)
			}
			if !v.Send {
				stopped++
			}
		}
		return stopped
	}
	var hand, gate, times, handWork, gateWork, work []float64
	for b.Loop() {
		h, hw := timed(p.db, d, func() { require.Equal(b, want, w.byHand(b, p, d, all)) })
		g, gw := timed(p.db, d, func() { require.Equal(b, want, ask()) })
		hand, gate, times = append(hand, h), append(gate, g), append(times, g/h)
		handWork, gateWork, work = append(handWork, hw), append(gateWork, gw), append(work, gw/hw)
	}
	b.ReportMetric(median(hand), "s/hand")
	b.ReportMetric(median(gate), "s/gate")
	b.ReportMetric(median(times), "times") // of each round
	b.ReportMetric(median(handWork), "cpu-s/hand")
	b.ReportMetric(median(gateWork), "cpu-s/gate")
	b.ReportMetric(median(work), "cpu-times")
}

func median(of []float64) float64 {
	slices.Sort(of)
	return of[len(of)/2]
}

// timed tells how long fn takes, and how much of the processors' time: here, and in the
// backends of the database. On a machine that others use the second is what to read.
func timed(db *sql.DB, d gateDatabase, fn func()) (seconds, processor float64) {
	runtime.GC()
	before, begin := processorTime(db, d), time.Now()
	fn()
	seconds = time.Since(begin).Seconds()
	return seconds, processorTime(db, d) - before
}

func processorTime(db *sql.DB, d gateDatabase) float64 {
	all := secondsOf("self")
	if d.Driver != "pgx" {
		return all
	}
	rows, err := db.Query("SELECT pid FROM pg_stat_activity WHERE datname = current_database()")
	if err != nil {
		return 0
	}
	defer rows.Close()
	for rows.Next() {
		var pid string
		if rows.Scan(&pid) == nil {
			all += secondsOf(pid)
		}
	}
	if rows.Err() != nil {
		return 0
	}
	return all
}

// secondsOf are those that a process has run, by Linux; elsewhere 0.
func secondsOf(process string) float64 {
	text, err := os.ReadFile("/proc/" + process + "/stat")
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	user, _ := strconv.ParseFloat(fields[11], 64)
	system, _ := strconv.ParseFloat(fields[12], 64)
	return (user + system) / 100
}
