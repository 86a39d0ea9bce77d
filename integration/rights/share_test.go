package rights

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/integration/sqltest"
	"github.com/trothdev/troth/rights"
	"github.com/trothdev/troth/storage/memory"
	"github.com/trothdev/troth/storage/memory/rightsmem"
	"github.com/trothdev/troth/storage/sqlstore"
)

// office is a host of five sources of a usual kind, each with what one person has there:
// three tables, a search index made of one of them, and a processor that is told over HTTP.
type office struct {
	h         *sqlstore.Handle
	desk      *rights.Desk
	spent     atomic.Int64 // CPU time of sources, in nanoseconds
	elsewhere *httptest.Server
	now       time.Time
}

// rowsEach is how many records a person has in each table.
const rowsEach = 100

// openOffice opens it with the desk's own rows beside the host's, or in memory.
func openOffice(tb testing.TB, people int, inMemory bool) *office {
	tb.Helper()
	db := sqltest.SQLite(tb)
	h, inSQL := open(tb, db, sqlstore.SQLite)
	var store rights.Backend = inSQL
	if inMemory {
		store = rightsmem.New(memory.Open())
	}
	o := &office{h: h, now: time.Date(2026, 3, 5, 10, 0, 0, 0, time.UTC)}
	o.furnish(tb, db, people)
	o.elsewhere = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, "ok")
	}))
	tb.Cleanup(o.elsewhere.Close)
	opts := []rights.Option{
		rights.WithRegimes("gdpr"), rights.WithClock(func() time.Time { return o.now }), rights.WithSealer(fixedSealer{}),
		rights.Unmanaged("test"), rights.WithController("Acme Ltd."), rights.WithCoolingOff(0),
	}
	for name, order := range map[string]rights.Order{
		"orders": rights.Primary, "visits": rights.Primary, "account": rights.Identity, "search": rights.Derived,
	} {
		s := shelved{o, name}
		opts = append(opts, rights.WithSource(rights.Source{Name: name, Order: order, Locator: s, Eraser: s}))
	}
	s := told{o}
	opts = append(opts, rights.WithSource(rights.Source{Name: "mailer", Order: rights.Remote, Eraser: s}))
	var err error
	o.desk, err = rights.New(tb.Context(), rights.Config{Store: store, Recorder: troth.UnsafeNoEvidence(store.Transactor()), Keys: fixedKeys{}}, opts...)
	require.NoError(tb, err)
	return o
}

func (o *office) furnish(tb testing.TB, db *sql.DB, people int) {
	tb.Helper()
	exec := func(text string, args ...any) {
		_, err := db.ExecContext(tb.Context(), text, args...)
		require.NoError(tb, err)
	}
	for _, name := range []string{"orders", "visits", "account"} {
		exec("CREATE TABLE " + name + " (id INTEGER PRIMARY KEY, owner TEXT NOT NULL, day INTEGER NOT NULL, text TEXT NOT NULL)")
		exec("CREATE INDEX " + name + "_owner ON " + name + " (owner)")
		exec("CREATE INDEX " + name + "_day ON " + name + " (day)")
	}
	exec("CREATE VIRTUAL TABLE search USING fts5 (owner, text)")
	fill := func(table, columns string, n int) {
		exec("WITH RECURSIVE p(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM p WHERE i + 1 < ?), r(j) AS (SELECT 0 UNION ALL SELECT j + 1 FROM r WHERE j + 1 < ?) "+
			"INSERT INTO "+table+" SELECT "+columns+" FROM p, r", people, n)
	}
	const text = "'a record of person ' || i || ' with some words about number ' || j || ' and more of them, as hosts have'"
	fill("orders (owner, day, text)", "'c' || i, j * 7 % 365, "+text, rowsEach)
	fill("visits (owner, day, text)", "'c' || i, j * 11 % 365, "+text, rowsEach)
	fill("account (owner, day, text)", "'c' || i, j, "+text, 1)
	fill("search (owner, text)", "'c' || i, "+text, rowsEach/10)
}

// metered adds the CPU time of fn's thread to what sources spent.
func (o *office) metered(fn func() error) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	before := cpu(syscall.RUSAGE_THREAD)
	err := fn()
	o.spent.Add(int64(cpu(syscall.RUSAGE_THREAD) - before))
	return err
}

func cpu(who int) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(who, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// shelved is one table.
type shelved struct {
	o    *office
	name string
}

func (s shelved) where() string {
	if s.name == "search" {
		return " WHERE search MATCH 'owner:' || ?"
	}
	return " WHERE owner = ?"
}

func (s shelved) Locate(ctx context.Context, q rights.Inquiry) (found rights.Located, err error) {
	err = s.o.metered(func() error {
		rows, err := s.o.h.Querier(ctx).Query(ctx, "SELECT count(*) FROM "+s.name+s.where(), q.SubjectID)
		if err != nil {
			return err
		}
		defer func() { _ = rows.Close() }()
		for rows.Next() {
			if err := rows.Scan(&found.Records); err != nil {
				return err
			}
		}
		return rows.Err()
	})
	return found, err
}

func (s shelved) Erase(ctx context.Context, q rights.Inquiry) (r rights.Report, err error) {
	err = s.o.metered(func() error {
		done, err := s.o.h.Querier(ctx).Exec(ctx, "DELETE FROM "+s.name+s.where(), q.SubjectID)
		if err != nil {
			return err
		}
		n, err := done.RowsAffected()
		r = rights.Report{Outcome: rights.Done, Method: rights.Deleted, Records: uint64(n)}
		return err
	})
	return r, err
}

// told is the processor.
type told struct{ o *office }

func (s told) Erase(ctx context.Context, q rights.Inquiry) (r rights.Report, err error) {
	err = s.o.metered(func() error {
		sum := sha256.Sum256([]byte(q.Key))
		req, err := http.NewRequestWithContext(ctx, http.MethodDelete, fmt.Sprintf("%s/%x", s.o.elsewhere.URL, sum), nil)
		if err != nil {
			return err
		}
		res, err := s.o.elsewhere.Client().Do(req)
		if err != nil {
			return err
		}
		_, err = io.Copy(io.Discard, res.Body)
		_ = res.Body.Close()
		r = rights.Report{Outcome: rights.Done, Method: rights.Deleted, Records: 1}
		return err
	})
	return r, err
}

// erase carries one person's erasure out, from request to answer.
func (o *office) erase(ctx context.Context, i int) error {
	id, who := fmt.Sprintf("e%d", i), fmt.Sprintf("c%d", i)
	if _, err := o.desk.Submit(ctx, rights.Submission{Tenant: "acme", ID: id, Right: rights.Erase, Via: rights.ViaAccount, SubjectID: who}); err != nil {
		return err
	}
	p, err := o.desk.Attest(ctx, rights.Attestation{Tenant: "acme", Request: id, SubjectID: who, Method: rights.ByReauthentication})
	if err != nil {
		return err
	}
	if _, err := o.desk.Accept(ctx, "acme", id, p); err != nil {
		return err
	}
	if err := o.desk.Step(ctx, "acme", id); err != nil {
		return err
	}
	if _, err := o.desk.Approve(ctx, "acme", id); err != nil {
		return err
	}
	if err := o.desk.Step(ctx, "acme", id); err != nil {
		return err
	}
	r, err := o.desk.Deliver(ctx, "acme", id, time.Time{})
	if err == nil && r.State != rights.StateFulfilled {
		return fmt.Errorf("request %s is %s", id, r.State)
	}
	return err
}

var crowdSize = flag.Int("people", 200, "how many people BenchmarkErase erases")

// TestErase_OfManyPeople is the short form of what BenchmarkErase measures: it ends, and
// nothing is left of anybody.
func TestErase_OfManyPeople(t *testing.T) {
	ctx := troth.WithActor(t.Context(), troth.Actor{Kind: troth.Service, ID: "shop"})
	o := openOffice(t, 12, false)
	for i := range 10 {
		require.NoError(t, o.erase(ctx, i))
	}
	for i, left := range map[int]uint64{0: 0, 9: 0, 10: rowsEach, 11: rowsEach} {
		found, err := shelved{o, "orders"}.Locate(ctx, rights.Inquiry{SubjectID: fmt.Sprintf("c%d", i)})
		require.NoError(t, err)
		require.Equal(t, left, found.Records, i)
	}
}

// BenchmarkErase carries out the erasures of many people, one after the other, and tells how
// much CPU time the sources took of it and how much the desk with its store.
func BenchmarkErase(b *testing.B) {
	people := *crowdSize
	ctx := troth.WithActor(b.Context(), troth.Actor{Kind: troth.Service, ID: "shop"})
	for name, inMemory := range map[string]bool{"sqlite": false, "memory": true} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				o := openOffice(b, people, inMemory)
				b.StartTimer()
				whole, began := cpu(syscall.RUSAGE_SELF), time.Now()
				for i := range people {
					if err := o.erase(ctx, i); err != nil {
						b.Fatal(err)
					}
				}
				wall := time.Since(began)
				whole = cpu(syscall.RUSAGE_SELF) - whole
				sources := time.Duration(o.spent.Load())
				b.ReportMetric(float64((whole-sources).Microseconds())/float64(people), "desk-cpu-µs/person")
				b.ReportMetric(float64(sources.Microseconds())/float64(people), "sources-cpu-µs/person")
				b.ReportMetric(100*float64(whole-sources)/float64(whole), "desk-%-of-cpu-time")
				b.ReportMetric(100*float64(whole-sources)/float64(wall)/float64(runtime.NumCPU()), "desk-%-of-machine")
				b.ReportMetric(float64(people)/wall.Seconds(), "people/s")
			}
		})
	}
}
