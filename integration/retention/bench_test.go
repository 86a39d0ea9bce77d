package retention

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/integration/pgtest"
	"github.com/trothdev/troth/integration/sqltest"
	"github.com/trothdev/troth/retention"
	"github.com/trothdev/troth/storage/sqlstore"
	"github.com/trothdev/troth/storage/sqlstore/retentionsql"
)

// nothing is a handler whose records are gone already, so that the keeper's own work
// is measured.
type nothing struct{}

func (nothing) Hide(context.Context, retention.Order) error    { return nil }
func (nothing) Restore(context.Context, retention.Order) error { return nil }
func (nothing) Destroy(context.Context, retention.Order) error { return retention.ErrNotFound }

func (nothing) Anonymise(context.Context, retention.Order) error   { return retention.ErrNotFound }
func (nothing) Count(context.Context, troth.Tenant) (int64, error) { return 0, nil }

// stock is a keeper, its store and its clock.
type stock struct {
	h      *sqlstore.Handle
	s      *retentionsql.Store
	k      *retention.Keeper
	db     *sql.DB
	now    time.Time
	n      int
	policy *retention.Policy
	// ripening is on how many days from now some records become due.
	ripening int
}

// onBoth runs bench on both kinds of database.
func onBoth(b *testing.B, bench func(b *testing.B, d sqlstore.Dialect)) {
	for _, d := range []sqlstore.Dialect{sqlstore.SQLite, sqlstore.Postgres} {
		b.Run(d.String(), func(b *testing.B) { bench(b, d) })
	}
}

// beside measures the same on a small stock and a large one by turns, so that what else
// the machine does slows both, and reports the middle of each and how they compare.
func beside(b *testing.B, small, large *stock, run func(b *testing.B, w *stock) time.Duration) {
	var times [2][]time.Duration
	for b.Loop() {
		for i, w := range []*stock{small, large} {
			times[i] = append(times[i], run(b, w))
		}
	}
	var middle [2]float64
	for i := range times {
		slices.Sort(times[i])
		middle[i] = float64(times[i][len(times[i])/2])
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(middle[0]/1e6, "ms-small")
	b.ReportMetric(middle[1]/1e6, "ms-large")
	b.ReportMetric(middle[1]/middle[0], "large/small")
}

// newStock is a keeper without records; those that are added belong to one account.
func newStock(b *testing.B, d sqlstore.Dialect) *stock {
	db := func() *sql.DB {
		if d == sqlstore.SQLite {
			return sqltest.SQLite(b)
		}
		return pgtest.Open(b)
	}()
	h, s := open(b, db, d)
	w := &stock{h: h, s: s, db: db, now: began.AddDate(0, 0, 35), policy: policyOf(b)}
	w.policy.Events = []retention.Event{{Name: "account.closed", Scope: retention.OfAccount}}
	var err error
	w.k, err = retention.New(b.Context(), retention.Config{Store: s, Recorder: troth.UnsafeNoEvidence(h)},
		retention.WithClock(func() time.Time { return w.now }), retention.UnsafeWithoutApproval(), retention.WithCeiling("", retention.Ceiling{}),
		retention.WithRecords("document", retention.Registration{Handler: nothing{}}))
	require.NoError(b, err)
	require.NoError(b, w.k.Activate(person(b.Context(), "officer", "dpo"), w.policy))
	return w
}

// fill adds records that become due, so many on each of some days from now on, and many
// that do not.
func (w *stock) fill(b *testing.B, days, each, stored int) {
	for day := range days {
		w.insert(b, each, w.now.AddDate(0, 0, day-30).Add(-time.Minute))
	}
	w.ripening = days
	w.insert(b, stored, w.now.AddDate(0, 0, -1))
	w.settle(b)
}

// settle has the database do now what it would else do while somebody measures.
func (w *stock) settle(b *testing.B) {
	texts := []string{"PRAGMA wal_checkpoint(TRUNCATE)"}
	if w.h.Dialect() == sqlstore.Postgres {
		texts = []string{"VACUUM ANALYZE", "CHECKPOINT"}
	}
	for _, text := range texts {
		if _, err := w.db.ExecContext(b.Context(), text); err != nil {
			b.Logf("%s: %v", text, err) // a role that may not
		}
	}
}

// insert adds records that were created at an instant and the second after it. Their ids lie
// in no order, as random ones do.
func (w *stock) insert(b testing.TB, count int, at time.Time) {
	numbers := `WITH RECURSIVE s (n) AS (SELECT ? UNION ALL SELECT n + 1 FROM s WHERE n < ?)`
	var text func(column string) string
	if w.h.Dialect() == sqlstore.Postgres {
		numbers = `WITH s (n) AS (SELECT generate_series(?::bigint, ?::bigint))`
		text = func(column string) string { return "convert_to(" + column + ", 'UTF8')" }
	} else {
		text = func(column string) string { return "CAST(" + column + " AS BLOB)" }
	}
	for done := 0; done < count; done += 100_000 {
		last := min(count, done+100_000)
		_, err := w.h.Querier(b.Context()).Exec(b.Context(), w.h.Dialect().Rebind(`INSERT INTO troth_retention_record
			(tenant, type, id, handle, class, stage, cohort, since, end_by, visible, subject, created_at, due_at, policy, held,
			version, tries, account, purpose, detail) `+numbers+` SELECT 'acme', 'document',
			'd' || (1000000000 + CAST(n AS BIGINT) * 2654435761 % 4294967296), 'h' || n,
			'documents', 'active', 1, CAST(? AS BIGINT) + n % 1000000, 0, 'all', 'p' || n % 10000, CAST(? AS BIGINT) + n % 1000000,
			0, 1, 0, 1, 0, 'a', '', `+text(`'{"events":[{"event":"created","at":' || (CAST(? AS BIGINT) + n % 1000000) || '}]}'`)+` FROM s`),
			w.n+done, w.n+last-1, at.UnixMicro(), at.UnixMicro(), at.UnixMicro())
		require.NoError(b, err)
	}
	w.n += count
}

// days is for how many days a stock has records that become due: rounds of a benchmark.
const days = 25

// dueNow sweeps the records that are due on the next day. They are stored like all others,
// and were so for long: what it costs to store them just now is not what is measured.
func dueNow(count int) func(b *testing.B, w *stock) time.Duration {
	return func(b *testing.B, w *stock) time.Duration {
		require.Positive(b, w.ripening, "more rounds than the stock has days")
		w.ripening--
		w.now = w.now.AddDate(0, 0, 1)
		start := time.Now()
		swept, err := w.k.Sweep(b.Context())
		took := time.Since(start)
		require.NoError(b, err)
		require.Empty(b, swept.Failed)
		require.Equal(b, count, swept.Destroyed)
		return took
	}
}

// closing reports that the account is closed to which all records belong.
func closing(b *testing.B, w *stock) time.Duration {
	w.now = w.now.Add(time.Second)
	start := time.Now()
	whole := retention.Whole{Tenant: ours, ID: "a"}
	require.NoError(b, w.k.HappenedTo(b.Context(), whole, retention.Occurrence{Event: "account.closed"}))
	return time.Since(start)
}

// shortening activates a version that makes everything due sooner: no row is written.
func shortening(b *testing.B, w *stock) time.Duration {
	w.policy.Version++
	w.policy.Effective = w.policy.Effective.AddDays(1)
	w.policy.Classes[0].Stages[0].For.Days = 30 - int(w.policy.Version)%10
	start := time.Now()
	require.NoError(b, w.k.Activate(person(b.Context(), "officer", "dpo"), w.policy))
	return time.Since(start)
}

// untouched demands that no record was written since it was made.
func (w *stock) untouched(b *testing.B) {
	var touched int
	require.NoError(b, w.db.QueryRowContext(b.Context(), // as long as it takes
		`SELECT COUNT(*) FROM troth_retention_record WHERE version <> 1 OR policy <> 1 OR due_at <> 0`).Scan(&touched))
	require.Zero(b, touched)
}

// BenchmarkStored is about what costs the same however much is stored: a sweep of 1,000
// rows that are due, the report that an account is closed, a shorter policy.
func BenchmarkStored(b *testing.B) {
	sizes := [2]int{2000, 100_000}
	if os.Getenv("TROTH_LONG") != "" {
		sizes = [2]int{100_000, 5_000_000}
	}
	onBoth(b, func(b *testing.B, d sqlstore.Dialect) {
		small, large := newStock(b, d), newStock(b, d)
		small.fill(b, days, 1000, sizes[0])
		large.fill(b, days, 1000, sizes[1])
		b.Run("sweep", func(b *testing.B) { beside(b, small, large, dueNow(1000)) })
		b.Run("shorten", func(b *testing.B) { beside(b, small, large, shortening) })
		small.untouched(b)
		large.untouched(b)
		b.Run("close", func(b *testing.B) { beside(b, small, large, closing) })
	})
}

// BenchmarkHolds sweeps 500 rows that are due beside 1,000 holds that cover others.
func BenchmarkHolds(b *testing.B) {
	onBoth(b, func(b *testing.B, d sqlstore.Dialect) {
		without, with := newStock(b, d), newStock(b, d)
		without.fill(b, days, 500, 1000)
		with.fill(b, days, 500, 1000)
		for i := range 1000 {
			hold := retention.Hold{
				Tenant: ours, ID: fmt.Sprint("h", i), Matter: "m", SubjectID: fmt.Sprint("other", i), Review: with.now.AddDate(1, 0, 0),
			}
			if i%10 == 0 {
				hold.SubjectID, hold.To = "", began.AddDate(-1, 0, -i) // of everybody, long ago
			}
			require.NoError(b, with.k.Place(person(b.Context(), "lawyer", "counsel"), hold))
		}
		beside(b, without, with, dueNow(500))
	})
}

// BenchmarkReach brings an event to 1,000 records.
func BenchmarkReach(b *testing.B) {
	onBoth(b, func(b *testing.B, d sqlstore.Dialect) {
		w := newStock(b, d)
		w.fill(b, 0, 0, 1000)
		for b.Loop() {
			closing(b, w)
			swept, err := w.k.Sweep(b.Context())
			require.NoError(b, err)
			require.Equal(b, 1000, swept.Reached)
		}
	})
}
