package task_test

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"database/sql"
	"encoding/hex"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/storage/sqlstore"
	"github.com/trothdev/troth/storage/sqlstore/tasksql"
	"github.com/trothdev/troth/task"
)

// benchBatch is how many tasks either side claims at once.
const benchBatch = 100

// bench is a database with room for tasks, and for the rows of a loop that
// somebody wrote by hand.
type bench struct {
	backend
	db *sql.DB
	h  *sqlstore.Handle
	s  *tasksql.Store
}

func newBench(b *testing.B, kind backend) *bench {
	b.Helper()
	x := &bench{backend: kind, db: kind.open(b)}
	x.db.SetMaxIdleConns(idleConnections)
	x.h = kind.handle(b, x.db)
	x.s = kind.store(b, x.h)
	return x
}

func (x *bench) exec(b *testing.B, text string, args ...any) {
	b.Helper()
	_, err := x.h.Querier(b.Context()).Exec(b.Context(), x.h.Dialect().Rebind(text), args...)
	require.NoError(b, err)
}

// payload is what both sides carry.
var payload = []byte(`{"key":"` + strings.Repeat("0123456789", 20) + `"}`)

// seed adds n tasks that wait, with payloads, of ten tenants.
func (x *bench) seed(b *testing.B, n int) {
	b.Helper()
	e := newBenchEngine(b.Context(), b, x.s)
	const chunk = 2000
	for from := 0; from < n; from += chunk {
		if x.dialect == sqlstore.Postgres {
			x.seedArrays(b, from, min(chunk, n-from))
			continue
		}
		require.NoError(b, x.h.Atomically(b.Context(), func(ctx context.Context) error {
			for i := from; i < min(from+chunk, n); i++ {
				w := troth.Work{Tenant: tenantOf(i), Kind: "bench", Payload: payload}
				if _, err := e.Enqueue(ctx, w); err != nil {
					return err
				}
			}
			return nil
		}))
	}
}

func tenantOf(i int) troth.Tenant { return troth.Tenant(fmt.Sprint("tenant-", i%10)) }

// seedArrays does the same with two statements, which is faster.
func (x *bench) seedArrays(b *testing.B, from, n int) {
	b.Helper()
	var tenants, ids, payloads []string
	for i := range n {
		name := task.Name{Tenant: tenantOf(from + i), ID: troth.NewEntryID(time.Now())}
		at := troth.Context{
			Subject: task.GroupSubject(name.Tenant, name.ID), Compartment: task.Compartment,
			Cell: troth.Cell{Table: "bench", Column: "payload", Row: name.ID.String()},
		}
		sealed, err := quick.Seal(b.Context(), nil, at, payload)
		require.NoError(b, err)
		tenants = append(tenants, string(name.Tenant))
		ids = append(ids, `"\\x`+hex.EncodeToString(name.ID[:])+`"`)
		payloads = append(payloads, `"\\x`+hex.EncodeToString(sealed)+`"`)
	}
	list := func(s []string) string { return "{" + strings.Join(s, ",") + "}" }
	x.exec(b, `WITH n AS (INSERT INTO troth_task (tenant, id, kind, line, grp, payload, created_at, deadline)
			SELECT r.tenant, r.id, 'bench', '', r.id, r.payload, 0, 0 FROM unnest($1::text[], $2::bytea[], $3::bytea[]) AS r (tenant, id, payload)
			RETURNING tenant, id)
		INSERT INTO troth_task_turn (tenant, id, kind, line, grp, phase, sought, wake_at, sealed, alarmed)
			SELECT tenant, id, 'bench', '', id, 1, 1, 1, TRUE, FALSE FROM n`,
		list(tenants), list(ids), list(payloads))
}

// quickSealer seals under one key that is always at hand, as a vault does with
// the keys in its cache: what is measured is tasks, and not how keys are found.
type quickSealer struct{ cipher.AEAD }

var quick = func() quickSealer {
	block, err := aes.NewCipher(make([]byte, 32))
	if err != nil {
		panic(err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic(err)
	}
	return quickSealer{aead}
}()

func (quickSealer) bound(at troth.Context) []byte {
	b := make([]byte, 0, 256)
	for _, s := range [...]string{
		string(at.Subject.Tenant), at.Subject.ID, string(at.Compartment), at.Cell.Table, at.Cell.Column, at.Cell.Row,
	} {
		b = append(append(b, byte(len(s))), s...)
	}
	return b
}

func (s quickSealer) Seal(_ context.Context, dst []byte, at troth.Context, plaintext []byte) ([]byte, error) {
	return s.AEAD.Seal(dst, nil, plaintext, s.bound(at)), nil
}

func (s quickSealer) Open(_ context.Context, dst []byte, at troth.Context, _ troth.Purpose, sealed []byte) ([]byte, error) {
	return s.AEAD.Open(dst, nil, sealed, s.bound(at))
}

func newBenchEngine(ctx context.Context, b *testing.B, s task.Backend, opts ...task.Option) *task.Engine {
	b.Helper()
	c := task.Config{Store: s, Recorder: troth.UnsafeNoEvidence(s.Transactor()), Sealer: quick}
	e, err := task.New(ctx, c, append([]task.Option{task.Unmanaged("test")}, opts...)...)
	require.NoError(b, err)
	return e
}

// later is a store whose payloads are disposed of another time.
type later struct{ *tasksql.Store }

func (later) Disposals(context.Context, int, time.Duration) ([]task.Disposal, error) { return nil, nil }

// drain runs engines until n tasks have ended, and returns how long that took.
func (x *bench) drain(b *testing.B, n, workers int) time.Duration {
	b.Helper()
	var left atomic.Int64
	left.Store(int64(n))
	done := make(chan struct{})
	ctx, stop := context.WithCancel(b.Context())
	defer stop()
	var running sync.WaitGroup
	began := time.Now()
	for range workers {
		e := newBenchEngine(ctx, b, later{x.s}, task.WithConcurrency(4*benchBatch))
		require.NoError(b, e.Handle(task.Kind{Name: "bench"}, func(_ context.Context, j troth.Job) (troth.Outcome, error) {
			if len(j.Payload) != len(payload) {
				b.Error("the payload is not the one that was enqueued")
			}
			if left.Add(-1) == 0 {
				close(done)
			}
			return troth.Completed, nil
		}))
		running.Go(func() { _ = e.Run(ctx) })
	}
	<-done
	stop()
	running.Wait() // until everything is written
	return time.Since(began)
}

func median(of []float64) float64 {
	sorted := slices.Sorted(slices.Values(of))
	return sorted[len(sorted)/2]
}

const createJobs = `CREATE TABLE job (id INTEGER PRIMARY KEY, payload BYTEA NOT NULL, run_at BIGINT NOT NULL,
	lease_until BIGINT NOT NULL, attempt INTEGER NOT NULL)`

// BenchmarkDrain compares claiming and completing tasks with a lease loop that
// was written by hand: UPDATE … SKIP LOCKED, then a batched DELETE. Both carry the
// same payload, ours sealed, in batches of 100 and more, by turns in one run; times is how
// fast we are in the loop's measure, the median of the turns. times-by-cpu compares
// what the processor did for both, here and in the server, which other work on the
// machine changes less. Disposal of payloads comes later, and is
// measured apart.
func BenchmarkDrain(b *testing.B) {
	for _, kind := range backends {
		workers := 4
		if kind.dialect == sqlstore.SQLite {
			workers = 1
		}
		b.Run(fmt.Sprintf("%s/workers=%d", kind.name, workers), func(b *testing.B) {
			const n = 20_000
			x := newBench(b, kind)
			x.exec(b, createJobs)
			x.exec(b, "CREATE INDEX job_run ON job (run_at, id)")
			var ours, theirs, processor, work []float64
			for b.Loop() {
				b.StopTimer()
				x.seedJobs(b, n)
				x.seed(b, n)
				if kind.dialect == sqlstore.Postgres {
					_, err := x.db.ExecContext(b.Context(), "VACUUM ANALYZE") // as the server does by itself, sooner or later
					require.NoError(b, err)
				}
				b.StartTimer()
				at := x.cpu(b.Context())
				theirs = append(theirs, n/x.handWritten(b, n, workers).Seconds())
				between := x.cpu(b.Context())
				ours = append(ours, n/x.drain(b, n, workers).Seconds())
				spent := x.cpu(b.Context()) - between
				if spent > 0 {
					processor = append(processor, spent.Seconds()*1e6/n)
					work = append(work, (between-at).Seconds()/spent.Seconds())
				}
				b.StopTimer()
				for _, table := range []string{"troth_task", "troth_task_turn", "troth_task_lease", "troth_task_due", "troth_task_disposal", "job"} {
					x.exec(b, "DELETE FROM "+table)
				}
				b.StartTimer()
			}
			times := make([]float64, len(ours))
			for i := range ours {
				times[i] = ours[i] / theirs[i]
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(median(ours), "tasks/s")
			b.ReportMetric(median(theirs), "by-hand/s")
			b.ReportMetric(median(times), "times")
			if len(work) > 0 {
				b.ReportMetric(median(processor), "cpu-µs/task")
				b.ReportMetric(median(work), "times-by-cpu")
			}
			if os.Getenv("TROTH_LONG") == "1" {
				b.Logf("turn by turn: %.2f", times)
			}
		})
	}
}

// BenchmarkEnqueue shows what one work costs among 1,000 of one transaction: one
// after the other, and all together; without a payload, and with one in groups of
// ten.
func BenchmarkEnqueue(b *testing.B) {
	const n = 1000
	for _, kind := range backends {
		for _, with := range []string{"nothing", "key", "payload,key,group"} {
			for _, how := range []string{"one-by-one", "together"} {
				b.Run(fmt.Sprintf("%s/%s/%s", kind.name, with, how), func(b *testing.B) {
					x := newBench(b, kind)
					e := newBenchEngine(b.Context(), b, x.s)
					round := 0
					for b.Loop() {
						round++
						ws := make([]troth.Work, n)
						for i := range ws {
							ws[i] = troth.Work{Tenant: tenantOf(round), Kind: "bench"}
							if strings.Contains(with, "key") {
								ws[i].Key = fmt.Sprint(round, " ", i)
							}
							if strings.Contains(with, "payload") {
								ws[i].Payload, ws[i].Group = payload, fmt.Sprint(round, " ", i/10)
							}
						}
						require.NoError(b, x.h.Atomically(b.Context(), func(ctx context.Context) error {
							if how == "together" {
								_, err := e.EnqueueMany(ctx, ws)
								return err
							}
							for _, w := range ws {
								if _, err := e.Enqueue(ctx, w); err != nil {
									return err
								}
							}
							return nil
						}))
					}
					b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/n, "µs/work")
					b.ReportMetric(0, "ns/op")
				})
			}
		}
	}
}

// BenchmarkClaim shows what a claim of 50 costs with so many waiting, of ten
// tenants, and with 10,000 tenants of which all but ten are idle: what they have
// is not due.
func BenchmarkClaim(b *testing.B) {
	sizes := []int{1_000, 100_000}
	if os.Getenv("TROTH_LONG") == "1" {
		sizes = append(sizes, 1_000_000)
	}
	for _, kind := range backends {
		for _, waiting := range sizes {
			for _, idle := range []int{0, 10_000} {
				b.Run(fmt.Sprintf("%s/waiting=%d/idle-tenants=%d", kind.name, waiting, idle), func(b *testing.B) {
					x := newBench(b, kind)
					x.fill(b, waiting, idle)
					var took []time.Duration
					var behind task.Line
					for b.Loop() {
						began := time.Now()
						rows, err := x.s.Claim(b.Context(), task.Claim{Lease: time.Minute, Limit: 50, Kinds: []task.KindClaim{{Kind: "bench", Limit: 50, Behind: behind}}})
						took = append(took, time.Since(began))
						require.NoError(b, err)
						require.Len(b, rows, 50)
						last := rows[len(rows)-1]
						behind = task.Line{Tenant: last.Tenant, Name: last.Line}
						b.StopTimer()
						es := make([]task.Ending, len(rows))
						for i, r := range rows {
							es[i] = task.Ending{Held: task.Held{Name: r.Name, Fence: r.Fence}, To: task.Completed}
						}
						_, err = x.s.End(b.Context(), es)
						require.NoError(b, err)
						b.StartTimer()
					}
					if x.dialect == sqlstore.Postgres {
						b.ReportMetric(float64(x.pages(b, behind)), "pages/claim")
					}
					slices.Sort(took)
					b.ReportMetric(0, "ns/op")
					b.ReportMetric(float64(took[len(took)/2].Microseconds()), "µs/claim")
					b.ReportMetric(float64(took[0].Microseconds()), "µs-least")
				})
			}
		}
	}
}

// pages is how many pages of tables and indexes a claim looks at: what it costs,
// whatever else the machine does.
func (x *bench) pages(b *testing.B, behind task.Line) (n int64) {
	b.Helper()
	require.NoError(b, x.h.Atomically(b.Context(), func(ctx context.Context) error {
		read := func() (n int64) {
			_, err := sqlstore.QueryRow(ctx, x.h.Querier(ctx), `SELECT SUM(pg_stat_get_xact_blocks_fetched(oid))::bigint
				FROM pg_class WHERE relname LIKE 'troth_task%'`, nil, &n)
			require.NoError(b, err)
			return n
		}
		before := read()
		rows, err := x.s.Claim(ctx, task.Claim{Lease: time.Minute, Limit: 50, Kinds: []task.KindClaim{{Kind: "bench", Limit: 50, Behind: behind}}})
		require.Len(b, rows, 50)
		n = read() - before
		return err
	}))
	return n
}

// fill adds tasks without payloads by the thousand.
func (x *bench) fill(b *testing.B, waiting, idle int) {
	b.Helper()
	fill(b, x.h, waiting, idle)
	if x.dialect == sqlstore.Postgres {
		x.exec(b, "ANALYZE")
	}
}
