package retention

import (
	"context"
	"database/sql"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/integration/pgtest"
	"github.com/trothdev/troth/integration/sqltest"
	"github.com/trothdev/troth/retention"
	"github.com/trothdev/troth/storage/sqlstore"
)

// sweepTogether has keepers sweep at once until none of them does anything, and returns
// how many documents went.
func sweepTogether(t *testing.T, all ...*process) (gone int) {
	t.Helper()
	for {
		counts := make(chan int, len(all))
		for _, p := range all {
			go func() {
				s, err := p.k.Sweep(t.Context())
				if err != nil && !errors.Is(err, retention.ErrApproval) || len(s.Failed) > 0 {
					t.Errorf("sweep: %v %v", err, s.Failed)
				}
				counts <- s.Destroyed
			}()
		}
		round := 0
		for range all {
			round += <-counts
		}
		if gone += round; round == 0 {
			return gone
		}
	}
}

// A ceiling is one for all processes, to the record; so is what a plan allows.
func TestCeiling_IsCountedForAllProcesses(t *testing.T) {
	sqltest.Each(t, func(t *testing.T, open func() *sqlstore.Handle) {
		now := func() time.Time { return began.AddDate(0, 0, 40) }
		opts := []retention.Option{retention.WithBatch(7), retention.WithCeiling("", retention.Ceiling{Records: 25})}
		a, b := start(t, open(), now, opts...), start(t, open(), now, opts...)
		const total = 60
		documents(t, a, total)
		require.Equal(t, 25, sweepTogether(t, a, b))
		require.EqualValues(t, total-25, a.left(t))
		_, err := b.k.Sweep(t.Context())
		var waits *retention.ApprovalError
		require.ErrorAs(t, err, &waits)
		require.Equal(t, "documents", waits.Class)

		p, err := a.k.Preview(t.Context())
		require.NoError(t, err)
		require.EqualValues(t, total-25, p.Destroys())
		require.NoError(t, a.k.Propose(person(t.Context(), "officer", "dpo"), p))
		require.NoError(t, b.k.Approve(person(t.Context(), "lawyer", "counsel"), p.Hash()))
		require.Equal(t, total-25, sweepTogether(t, a, b))
		require.Zero(t, a.left(t))
		plans, err := a.k.Plans(t.Context())
		require.NoError(t, err)
		require.Empty(t, plans)
	})
}

// A stop through another handle: once it has returned nothing goes, and what is due is
// found again when it is lifted.
func TestStop_WinsOverASweepElsewhere(t *testing.T) {
	for _, of := range []troth.Tenant{ours, troth.Platform} {
		sqltest.Each(t, func(t *testing.T, open func() *sqlstore.Handle) {
			now := func() time.Time { return began.AddDate(0, 0, 40) }
			sweeper, office := start(t, open(), now, retention.WithBatch(1)), start(t, open(), now)
			const total = 20
			documents(t, sweeper, total)
			begun, n := make(chan struct{}), 0
			sweeper.destroyed = func() {
				if n++; n == 3 {
					close(begun)
					time.Sleep(50 * time.Millisecond) //nolint:forbidigo // StopAll is on its way, in another process
				}
			}
			left := make(chan int64, 1)
			go func() {
				<-begun
				for {
					err := office.k.StopAll(person(t.Context(), "x", "operator"), of, "s")
					if err == nil {
						break
					}
					if !troth.Retryable(err) {
						t.Error(err)
						break
					}
				}
				n, err := office.Count(t.Context(), ours)
				if err != nil {
					t.Error(err)
				}
				left <- n
			}()
			s, err := sweeper.k.Sweep(t.Context())
			require.NoError(t, err)
			was := <-left
			require.Equal(t, was, sweeper.left(t), "nothing went afterwards")
			require.EqualValues(t, total-was, s.Destroyed)
			require.EqualValues(t, was, s.Waiting)
			require.NoError(t, office.k.Lift(person(t.Context(), "officer", "dpo"), of, "s"))
			s, err = sweeper.k.Sweep(t.Context())
			require.NoError(t, err)
			require.EqualValues(t, was, s.Destroyed)
		})
	}
}

// Two lock neither the same plan nor the same allowance; who does not wait is told.
func TestPostgres_LocksOfPlansAndAllowances(t *testing.T) {
	h, s := open(t, pgtest.Open(t), sqlstore.Postgres)
	ctx := t.Context()
	plan := retention.PlanRow{Tenant: "t", Text: []byte("p")}
	_, err := s.InsertPlan(ctx, plan)
	require.NoError(t, err)
	took := make(chan error, 2)
	require.NoError(t, h.Atomically(ctx, func(in context.Context) error {
		_, found, err := s.LockPlan(in, "t", plan.Hash, true)
		require.NoError(t, err)
		require.True(t, found)
		_, found, err = s.LockAllowance(in, "t", "a", false)
		require.NoError(t, err)
		require.True(t, found)
		return nil
	}))
	require.NoError(t, h.Atomically(ctx, func(in context.Context) error {
		_, _, err := s.LockPlan(in, "t", plan.Hash, true)
		require.NoError(t, err)
		_, _, err = s.LockAllowance(in, "t", "a", true)
		require.NoError(t, err)
		require.NoError(t, h.Atomically(ctx, func(beside context.Context) error {
			_, found, err := s.LockPlan(beside, "t", plan.Hash, false)
			require.False(t, found)
			if err != nil {
				return err
			}
			_, found, err = s.LockAllowance(beside, "t", "a", false)
			require.False(t, found)
			return err
		}))
		for _, lock := range []func(ctx context.Context) (bool, error){
			func(ctx context.Context) (found bool, err error) {
				_, found, err = s.LockPlan(ctx, "t", plan.Hash, true)
				return found, err
			},
			func(ctx context.Context) (found bool, err error) {
				_, found, err = s.LockAllowance(ctx, "t", "a", true)
				return found, err
			},
		} {
			go func() {
				took <- h.Atomically(ctx, func(ctx context.Context) error {
					found, err := lock(ctx)
					if err == nil && !found {
						err = sql.ErrNoRows
					}
					return err
				})
			}()
		}
		select {
		case err := <-took:
			t.Errorf("locked meanwhile: %v", err)
		case <-time.After(200 * time.Millisecond):
		}
		return nil
	}))
	require.NoError(t, <-took)
	require.NoError(t, <-took)
}
