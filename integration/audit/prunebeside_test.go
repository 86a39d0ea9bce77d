package audit

import (
	"errors"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
	"github.com/trothdev/troth/audit/audittest"
)

// TestPrune_BesideSteps prunes all the time, in two processes, while both record
// and move the log. A step that is in flight when a pruning commits, or the other
// way round, loses nothing and tells nothing twice: the tenant's numbers say so, and
// what is left verifies.
func TestPrune_BesideSteps(t *testing.T) {
	each(t, func(t *testing.T, b backend) {
		key, err := audit.GenerateSigningKey("log.example.org/1")
		require.NoError(t, err)
		db, keys, sealer := b.open(t), audittest.NewKeys(), audittest.NewSealer()
		ctx := troth.WithActor(t.Context(), troth.Actor{Kind: troth.Service, ID: "shop"})
		process := func() (*audit.Trail, audit.Backend) {
			store := b.store(t, db)
			trail, err := audit.New(ctx, store, keys, sealer, audit.Unmanaged("test"), audit.WithSigner(key))
			require.NoError(t, err)
			return trail, store
		}
		const processes, each = 2, 250
		var work sync.WaitGroup
		var failed [2 * processes]error
		for p := range processes {
			trail, store := process()
			recorded := make(chan struct{})
			work.Go(func() {
				defer close(recorded)
				for range each {
					if _, err := trail.Record(ctx, troth.Entry{Act: act, Tenant: "acme"}); err != nil {
						failed[2*p] = err
						return
					}
				}
			})
			work.Go(func() {
				for over := false; !over; {
					select {
					case <-recorded:
						over = true
					default:
					}
					if _, err := trail.Sequence(ctx); err != nil && !troth.Retryable(err) {
						failed[2*p+1] = err
						return
					}
					if _, err := trail.Checkpoint(ctx); err != nil && !troth.Retryable(err) && !errors.Is(err, audit.ErrNoLog) {
						failed[2*p+1] = err
						return
					}
					heads, err := store.Heads(ctx)
					if err == nil && len(heads) > 0 {
						_, err = trail.Prune(ctx, troth.UnmanagedPermit("expired"), audit.PruneTo{Log: 1, Before: heads[0].Size, Limit: 100})
					}
					if err != nil && !troth.Retryable(err) && !errors.Is(err, audit.ErrNoCheckpoint) {
						failed[2*p+1] = err
						return
					}
				}
			})
		}
		work.Wait()
		for _, err := range failed {
			require.NoError(t, err)
		}

		last, store := process()
		for n := 1; n > 0; {
			n, err = last.Sequence(ctx)
			require.NoError(t, err)
		}
		_, err = last.Checkpoint(ctx)
		require.NoError(t, err)
		verified, err := last.Verify(ctx, audit.VerifyParams{})
		require.NoError(t, err)
		require.NotZero(t, verified.Logs[0].Pruned)
		head, found, err := store.TenantHead(ctx, 1, "acme")
		require.NoError(t, err)
		require.True(t, found)
		require.EqualValues(t, processes*each, head.Number, "each entry once")
	})
}
