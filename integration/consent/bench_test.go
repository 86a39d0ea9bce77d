package consent_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/consent"
	"github.com/trothdev/troth/integration/pgtest"
	"github.com/trothdev/troth/integration/sqltest"
	"github.com/trothdev/troth/internal/canon"
	"github.com/trothdev/troth/storage/sqlstore"
	"github.com/trothdev/troth/storage/sqlstore/consentsql"
)

// bare is a ledger on a fresh database without evidence and without a cache, so
// that what is measured is the ledger and its store.
func bare(b *testing.B, db *sql.DB, d sqlstore.Dialect) (*sqlstore.Handle, *consentsql.Store, *consent.Ledger, *fixedKeys) {
	b.Helper()
	h, s := open(b, db, d)
	keys := &fixedKeys{}
	l, err := consent.New(b.Context(), consent.Config{Store: s, Recorder: troth.UnsafeNoEvidence(h), Keys: keys},
		consent.WithCache(0), consent.WithFeedAge(time.Hour))
	require.NoError(b, err)
	return h, s, l, keys
}

// BenchmarkHistory decides about people of whom much is recorded, who are not
// cached: as of now, which reads one state, after 10, 1,000 and 10,000 events.
func BenchmarkHistory(b *testing.B) {
	for name, open := range map[string]func(*testing.B) (*sql.DB, sqlstore.Dialect){
		"sqlite":   func(b *testing.B) (*sql.DB, sqlstore.Dialect) { return sqltest.SQLite(b), sqlstore.SQLite },
		"postgres": func(b *testing.B) (*sql.DB, sqlstore.Dialect) { return pgtest.Open(b), sqlstore.Postgres },
	} {
		b.Run(name, func(b *testing.B) {
			db, d := open(b)
			h, _, l, _ := bare(b, db, d)
			ctx := troth.WithActor(b.Context(), troth.Actor{Kind: troth.Service, ID: "shop"})
			publish(ctx, b, l)
			sizes := []int{10, 1000, 10_000}
			for _, n := range sizes {
				who := troth.Subject{Tenant: shop, ID: fmt.Sprint("c-", n)}
				for first := 0; first < n; first += 500 {
					require.NoError(b, h.Atomically(ctx, func(ctx context.Context) error {
						for i := first; i < min(n, first+500); i++ {
							_, err := l.Record(ctx, form(fmt.Sprint(n, "-", i), who, []consent.Kind{consent.Withdrawn, consent.Granted}[i%2]))
							if err != nil {
								return err
							}
						}
						return nil
					}))
				}
			}
			took := make([][]float64, len(sizes))
			for b.Loop() {
				for i, n := range sizes { // by turns
					begin := time.Now()
					for range 50 {
						d, err := l.Check(ctx, troth.Subject{Tenant: shop, ID: fmt.Sprint("c-", n)}, letter, time.Time{})
						if err != nil || !d.Allowed {
							b.Fatal(d, err)
						}
					}
					took[i] = append(took[i], float64(time.Since(begin).Nanoseconds())/50/1000)
				}
			}
			for i, n := range sizes {
				slices.Sort(took[i])
				b.ReportMetric(took[i][len(took[i])/2], fmt.Sprintf("µs/%d-events", n))
			}
		})
	}
}

// BenchmarkBatch decides about a million people of one tenant on PostgreSQL, all of
// whom have a state, in batches, and about some of them one by one, by turns. The
// medians of the turns are compared, and the least of each beside them: on a machine
// that is shared the least is nearest to what the work itself takes.
func BenchmarkBatch(b *testing.B) {
	const people, single, batch = 1_000_000, 200, 20_000
	db := pgtest.Open(b)
	_, s, l, keys := bare(b, db, sqlstore.Postgres)
	ctx := troth.WithActor(b.Context(), troth.Actor{Kind: troth.Service, ID: "shop"})
	publish(ctx, b, l)
	fill(b, db, s, l, keys, people)
	ids := names(people)
	var alone, together, scattered, reading []float64
	for b.Loop() {
		for first := 0; first < people; first += batch {
			begin := time.Now()
			for i := range single {
				d, err := l.Check(ctx, troth.Subject{Tenant: shop, ID: ids[first+i*(batch/single)]}, letter, time.Time{})
				if err != nil || !d.Allowed {
					b.Fatal(d, err)
				}
			}
			alone = append(alone, float64(time.Since(begin).Nanoseconds())/single/1000)
			begin = time.Now()
			decided, err := l.CheckBatch(ctx, consent.Batch{Tenant: shop, Purpose: letter, SubjectIDs: ids[first : first+batch]})
			together = append(together, float64(time.Since(begin).Nanoseconds())/batch/1000)
			if err != nil || len(decided) != batch {
				b.Fatal(err)
			}
			for i := range decided {
				if !decided[i].Allowed {
					b.Fatal(decided[i])
				}
			}
			few := make([]string, 0, batch/2) // people who are no neighbours: one in a hundred
			for i := first / batch; i < people; i += people / (batch / 2) {
				few = append(few, ids[i])
			}
			begin = time.Now()
			if _, err := l.CheckBatch(ctx, consent.Batch{Tenant: shop, Purpose: letter, SubjectIDs: few}); err != nil {
				b.Fatal(err)
			}
			scattered = append(scattered, float64(time.Since(begin).Nanoseconds())/(batch/2)/1000)
			begin = time.Now()
			if _, err := s.StatesOf(ctx, shop, letter, ids[first:first+batch/2]); err != nil {
				b.Fatal(err)
			}
			reading = append(reading, float64(time.Since(begin).Nanoseconds())/(batch/2)/1000)
		}
	}
	for _, all := range [][]float64{alone, together, scattered, reading} {
		slices.Sort(all)
	}
	middle := len(alone) / 2
	b.ReportMetric(alone[middle], "µs/alone")
	b.ReportMetric(together[middle], "µs/together")
	b.ReportMetric(alone[middle]/together[middle], "times")
	b.ReportMetric(alone[middle]/scattered[middle], "times-scattered")
	b.ReportMetric(alone[0], "µs/alone-least")
	b.ReportMetric(together[0], "µs/together-least")
	b.ReportMetric(reading[0], "µs/reading-least")
	b.ReportMetric(alone[0]/together[0], "times-least")
	b.ReportMetric(alone[0]/scattered[0], "times-scattered-least")
}

func id(i int) string { return fmt.Sprintf("c-%07d", i) }

// fill gives people the state of somebody who granted, under tags of their own: to
// record a million grants would measure nothing that matters here.
func fill(b *testing.B, db *sql.DB, s *consentsql.Store, l *consent.Ledger, keys *fixedKeys, people int) {
	b.Helper()
	ctx := troth.WithActor(b.Context(), troth.Actor{Kind: troth.Service, ID: "shop"})
	_, err := l.Record(ctx, form("f", troth.Subject{Tenant: shop, ID: id(0)}, consent.Granted))
	require.NoError(b, err)
	rows, err := s.States(ctx, shop, id(0))
	require.NoError(b, err)
	message := rows[0].Record[:len(rows[0].Record)-sha256.Size]
	key, err := keys.MAC(ctx, troth.KeyRef{Tenant: shop, Use: "consent.record", ID: "1"}, []byte("troth.consent.record/1"))
	require.NoError(b, err)
	for first := 1; first < people; first += 10_000 {
		var names, records strings.Builder
		for i := first; i < min(people, first+10_000); i++ {
			m := canon.AppendDomain(nil, "troth.consent.record/1")
			for _, text := range []string{string(shop), "state", id(i), string(letter)} {
				m = canon.AppendText(m, text)
			}
			tag := hmac.New(sha256.New, key[:])
			tag.Write(canon.AppendBytes(m, message))
			fmt.Fprintf(&names, ",%s", id(i))
			fmt.Fprintf(&records, ",%s", hex.EncodeToString(tag.Sum(append([]byte(nil), message...))))
		}
		_, err := db.ExecContext(ctx, `INSERT INTO troth_consent_state (tenant, subject, purpose, record)
			SELECT $1, r.subject, $2, decode(r.record, 'hex') FROM unnest($3::text[], $4::text[]) AS r (subject, record)`,
			string(shop), string(letter), "{"+names.String()[1:]+"}", "{"+records.String()[1:]+"}")
		require.NoError(b, err)
	}
	_, err = db.ExecContext(ctx, "ANALYZE troth_consent_state")
	require.NoError(b, err)
}
