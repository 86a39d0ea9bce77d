package rights

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
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
	tx        *counted
	elsewhere *httptest.Server
}

// rowsEach is how many records a person has in each table.
const rowsEach = 100

// openOffice opens it with the desk's own rows beside the host's, or in memory.
func openOffice(tb testing.TB, people int, inMemory bool) *office {
	tb.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(tb.TempDir(), "office.db")+"?_pragma=cache_size(-"+strconv.Itoa(*pagesKept)+")")
	require.NoError(tb, err)
	tb.Cleanup(func() { _ = db.Close() })
	h, inSQL := open(tb, db, sqlstore.SQLite)
	var store rights.Backend = inSQL
	if inMemory {
		store = rightsmem.New(memory.Open())
	}
	o := &office{h: h}
	began := time.Now()
	now := func() time.Time { return time.Date(2026, 3, 5, 10, 0, 0, 0, time.UTC).Add(time.Since(began)) }
	o.tx = &counted{Transactor: store.Transactor()}
	o.furnish(tb, db, people)
	o.elsewhere = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, "ok")
	}))
	tb.Cleanup(o.elsewhere.Close)
	opts := []rights.Option{
		rights.WithRegimes("gdpr"), rights.WithClock(now), rights.WithSealer(fixedSealer{}),
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
	o.desk, err = rights.New(tb.Context(), rights.Config{
		Store: countedStore{store, o.tx}, Recorder: troth.UnsafeNoEvidence(o.tx), Keys: fixedKeys{},
	}, opts...)
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

// cpu is the CPU time of this process.
func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
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
	rows, err := s.o.h.Querier(ctx).Query(ctx, "SELECT count(*) FROM "+s.name+s.where(), q.SubjectID)
	if err != nil {
		return found, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		if err := rows.Scan(&found.Records); err != nil {
			return found, err
		}
	}
	return found, rows.Err()
}

func (s shelved) Erase(ctx context.Context, q rights.Inquiry) (rights.Report, error) {
	done, err := s.o.h.Querier(ctx).Exec(ctx, "DELETE FROM "+s.name+s.where(), q.SubjectID)
	if err != nil {
		return rights.Report{}, err
	}
	n, err := done.RowsAffected()
	return rights.Report{Outcome: rights.Done, Method: rights.Deleted, Records: uint64(n)}, err
}

// told is the processor.
type told struct{ o *office }

func (s told) Erase(ctx context.Context, q rights.Inquiry) (rights.Report, error) {
	sum := sha256.Sum256([]byte(q.Key))
	req, err := http.NewRequestWithContext(ctx, http.MethodDelete, fmt.Sprintf("%s/%x", s.o.elsewhere.URL, sum), nil)
	if err != nil {
		return rights.Report{}, err
	}
	res, err := s.o.elsewhere.Client().Do(req)
	if err != nil {
		return rights.Report{}, err
	}
	_, err = io.Copy(io.Discard, res.Body)
	_ = res.Body.Close()
	return rights.Report{Outcome: rights.Done, Method: rights.Deleted, Records: 1}, err
}

// counted counts the transactions that the desk begins.
type counted struct {
	troth.Transactor
	begun atomic.Int64
}

func (c *counted) Atomically(ctx context.Context, fn func(ctx context.Context) error) error {
	if c.Scope(ctx) == nil {
		c.begun.Add(1)
	}
	return c.Transactor.Atomically(ctx, fn)
}

type countedStore struct {
	rights.Backend
	tx *counted
}

func (c countedStore) Transactor() troth.Transactor { return c.tx }

// alone is what the sources do of one person's erasure as a program does it that has no
// desk, in two parts: it looks where they are, and then erases in the same order, each
// write committed by itself.
func (o *office) alone() (looks, erases func(ctx context.Context, i int) error) {
	inquiry := func(i int) rights.Inquiry {
		return rights.Inquiry{Tenant: "acme", Right: rights.Erase, SubjectID: fmt.Sprintf("c%d", i), Key: fmt.Sprintf("e%06d", i)}
	}
	looks = func(ctx context.Context, i int) error {
		for _, name := range []string{"search", "orders", "visits", "account"} {
			if _, err := (shelved{o, name}).Locate(ctx, inquiry(i)); err != nil {
				return err
			}
		}
		return nil
	}
	erases = func(ctx context.Context, i int) error {
		for _, s := range []rights.Eraser{shelved{o, "search"}, told{o}, shelved{o, "orders"}, shelved{o, "visits"}, shelved{o, "account"}} {
			if _, err := s.Erase(ctx, inquiry(i)); err != nil {
				return err
			}
		}
		return nil
	}
	return looks, erases
}

// part is one part of an erasure from request to answer.
type part struct {
	// step says that it is what the engine does by itself.
	step bool
	do   func(ctx context.Context, i int) error
}

// parts are those of one person's erasure, in their order.
func (o *office) parts() []part {
	// In the order in which they come, as the ids that the desk makes are.
	id := func(i int) string { return fmt.Sprintf("e%06d", i) }
	step := part{true, func(ctx context.Context, i int) error { return o.desk.Step(ctx, "acme", id(i)) }}
	return []part{
		{false, func(ctx context.Context, i int) error { return o.asks(ctx, id(i), fmt.Sprintf("c%d", i)) }},
		step,
		{false, func(ctx context.Context, i int) error { _, err := o.desk.Approve(ctx, "acme", id(i)); return err }},
		step,
		{false, func(ctx context.Context, i int) error {
			r, err := o.desk.Deliver(ctx, "acme", id(i), time.Time{})
			if err == nil && r.State != rights.StateFulfilled {
				err = fmt.Errorf("request %s is %s", id(i), r.State)
			}
			return err
		}},
	}
}

// asks has a person ask to be erased, and the request accepted.
func (o *office) asks(ctx context.Context, id, who string) error {
	if _, err := o.desk.Submit(ctx, rights.Submission{Tenant: "acme", ID: id, Right: rights.Erase, Via: rights.ViaAccount, SubjectID: who}); err != nil {
		return err
	}
	p, err := o.desk.Attest(ctx, rights.Attestation{Tenant: "acme", Request: id, SubjectID: who, Method: rights.ByReauthentication})
	if err != nil {
		return err
	}
	_, err = o.desk.Accept(ctx, "acme", id, p)
	return err
}

// crew does something for people from one to another, so many at once, and returns the CPU
// time that it took.
func crew(ctx context.Context, atOnce, from, to int, do func(ctx context.Context, i int) error) (time.Duration, error) {
	before := cpu()
	errs := make([]error, atOnce)
	var next atomic.Int64
	next.Store(int64(from))
	var all sync.WaitGroup
	for w := range atOnce {
		all.Go(func() {
			for i := int(next.Add(1)) - 1; i < to && errs[w] == nil; i = int(next.Add(1)) - 1 {
				errs[w] = do(ctx, i)
			}
		})
	}
	all.Wait()
	return cpu() - before, errors.Join(errs...)
}

var (
	crowdSize = flag.Int("people", 200, "how many people BenchmarkErase erases")
	crewSize  = flag.Int("at-once", 1, "how many of them at once, with a desk and without one")
	pagesKept = flag.Int("pages", 2000, "for how many KiB of pages each connection has room; 2000 is SQLite's own")
)

// TestErase_OfManyPeople is the short form of what BenchmarkErase measures: it ends, and
// nothing is left of anybody.
func TestErase_OfManyPeople(t *testing.T) {
	ctx := troth.WithActor(t.Context(), troth.Actor{Kind: troth.Service, ID: "shop"})
	o := openOffice(t, 12, false)
	for _, p := range o.parts() {
		_, err := crew(ctx, 4, 0, 10, p.do)
		require.NoError(t, err)
	}
	for i, left := range map[int]uint64{0: 0, 9: 0, 10: rowsEach, 11: rowsEach} {
		found, err := shelved{o, "orders"}.Locate(ctx, rights.Inquiry{SubjectID: fmt.Sprintf("c%d", i)})
		require.NoError(t, err)
		require.Equal(t, left, found.Records, i)
	}
}

// turnOf is how many people one side does, or each of its crew, before it is the other's
// turn.
const turnOf = 10

// BenchmarkErase carries out the erasures of many people, one after the other or some at
// once, in one office with a desk and in one without, by turns, so that both meet the same
// machine. Each is a program of its own: SQLite as this driver has it keeps the pages of all
// databases of a program in one place, where one office takes them from the other, and which of
// them then reads its pages again is chance. Both have the same tables on the same kind of
// database under the same settings, and call the same code of the same five sources. Without a
// desk each source's write is a transaction of its own, as it must be in any program: that time
// is the sources', and what an office with a desk takes beyond it is the engine's, whoever begins
// or commits what. It looks first where people are, as one must who answers them; who does not
// would save what looking-cpu says.
//
// engine-% is of everything from request to answer, with what people do (submit, prove,
// accept, approve, answer), each a commit of its own. steps-% is of what the engine does by
// itself, from acceptance to review and from approval to the end of execution: that is what a
// host means by an engine that erases, and what runs at once where a crowd is erased.
func BenchmarkErase(b *testing.B) {
	people := *crowdSize
	ctx := troth.WithActor(b.Context(), troth.Actor{Kind: troth.Service, ID: "shop"})
	for name, inMemory := range map[string]bool{"sqlite": false, "memory": true} {
		b.Run(name, func(b *testing.B) {
			if os.Getenv(aloneEnv) != "" {
				serveAlone(b, people, inMemory)
				return
			}
			for b.Loop() {
				b.StopTimer()
				o, other := openOffice(b, people, inMemory), startAlone(b, name)
				o.tx.begun.Store(0)
				runtime.GC()
				b.StartTimer()
				var whole, steps, looking, alone time.Duration
				for from := 0; from < people; from += turnOf * *crewSize {
					for _, p := range o.parts() {
						spent, err := crew(ctx, *crewSize, from, min(from+turnOf**crewSize, people), p.do)
						if err != nil {
							b.Fatal(err)
						}
						whole += spent
						if p.step {
							steps += spent
						}
					}
					looked, erased := other.turn(from)
					looking += looked
					alone += looked + erased
				}
				each := func(d time.Duration) float64 { return float64(d.Microseconds()) / float64(people) }
				share := func(d time.Duration) float64 { return 100 * float64(d-alone) / float64(d) }
				b.ReportMetric(each(whole), "whole-cpu-µs/person")
				b.ReportMetric(each(steps), "steps-cpu-µs/person")
				b.ReportMetric(each(alone), "alone-cpu-µs/person")
				b.ReportMetric(each(looking), "looking-cpu-µs/person")
				b.ReportMetric(share(whole), "engine-%")
				b.ReportMetric(share(steps), "steps-%")
				b.ReportMetric(float64(o.tx.begun.Load())/float64(people), "transactions/person")
			}
		})
	}
}
