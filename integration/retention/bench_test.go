package retention

import (
	"context"
	"database/sql"
	"fmt"
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

// BenchmarkSweep sweeps 1,000 rows that are due, of many that are stored. What it costs
// is to be the same whatever is stored.
func BenchmarkSweep(b *testing.B) {
	for _, stored := range []int{10_000, 200_000} {
		b.Run(fmt.Sprintf("sqlite/%d", stored), func(b *testing.B) { sweeps(b, sqltest.SQLite(b), sqlstore.SQLite, stored) })
		b.Run(fmt.Sprintf("postgres/%d", stored), func(b *testing.B) { sweeps(b, pgtest.Open(b), sqlstore.Postgres, stored) })
	}
}

func sweeps(b *testing.B, db *sql.DB, d sqlstore.Dialect, stored int) {
	h, s := open(b, db, d)
	now := began
	k, err := retention.New(b.Context(), retention.Config{Store: s, Recorder: troth.UnsafeNoEvidence(h)},
		retention.WithClock(func() time.Time { return now }), retention.UnsafeWithoutApproval(), retention.WithCeiling("", retention.Ceiling{}),
		retention.WithRecords("document", retention.Registration{Handler: nothing{}}))
	require.NoError(b, err)
	require.NoError(b, k.Activate(person(b.Context(), "officer", "dpo"), policyOf(b)))
	now = began.AddDate(0, 0, 35)
	n := 0
	insert := func(count int, at time.Time) {
		for done := 0; done < count; done += 1000 {
			require.NoError(b, h.Atomically(b.Context(), func(ctx context.Context) error {
				return fill(ctx, s, &n, min(1000, count-done), at)
			}))
		}
	}
	insert(stored, now.AddDate(0, 0, -5)) // not due
	if d == sqlstore.Postgres {
		_, err := db.ExecContext(b.Context(), "ANALYZE")
		require.NoError(b, err)
	}
	for b.Loop() {
		b.StopTimer()
		insert(1000, began)
		b.StartTimer()
		swept, err := k.Sweep(b.Context())
		require.NoError(b, err)
		require.Equal(b, 1000, swept.Destroyed)
	}
}

func fill(ctx context.Context, s *retentionsql.Store, n *int, count int, at time.Time) error {
	for range count {
		*n++
		id := fmt.Sprintf("%08d", *n)
		_, err := s.InsertRecord(ctx, retention.RecordRow{
			RecordKey: retention.RecordKey{Tenant: ours, Type: "document", ID: id}, Handle: "h" + id,
			Class: "documents", Stage: "active", Cohort: 1, Since: at.UnixMicro(), Visible: retention.VisibleAll,
			SubjectID: "p", Created: at.UnixMicro(), Policy: 1, Version: 1,
			Detail: fmt.Appendf(nil, `{"events":[{"event":"created","at":%d}]}`, at.UnixMicro()),
		})
		if err != nil {
			return err
		}
	}
	return nil
}
