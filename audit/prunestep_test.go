package audit_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
	"github.com/trothdev/troth/storage/faultstore"
)

// verifies demands that the log holds whoever reads it, and returns how many
// entries of acme are told.
func (f *faulty) verifies(trails ...*audit.Trail) (told int) {
	f.Helper()
	for _, trail := range trails {
		_, err := trail.Verify(f.Context(), audit.VerifyParams{})
		require.NoError(f, err)
	}
	seen := map[troth.EntryID]bool{}
	for r, err := range f.honest.Entries(f.Context(), "acme", audit.Query{}) {
		require.NoError(f, err)
		require.False(f, seen[r.ID], "told twice")
		seen[r.ID] = true
	}
	return len(seen)
}

// early is how many entries of acme stand before position 256.
func (f *faulty) early() (n int) {
	f.Helper()
	rows, err := f.store.LogRange(f.Context(), 1, 0, 256)
	require.NoError(f, err)
	for _, r := range rows {
		if r.Tenant == "acme" {
			n++
		}
	}
	return n
}

// steps has each of the trails move one more entry into the log, and sign it.
func (f *faulty) steps(trails ...*audit.Trail) {
	f.Helper()
	for _, trail := range trails {
		_, err := trail.Record(troth.WithActor(f.Context(), kim), touch("acme", "17"))
		require.NoError(f, err)
		for {
			n, err := trail.Sequence(f.Context())
			require.NoError(f, err)
			if n == 0 {
				break
			}
		}
		_, err = trail.Checkpoint(f.Context())
		require.NoError(f, err)
	}
}

// A pruning breaks off at any call while others move the log: one that remembers
// where it stood before, one that just came, and the one that prunes. Whichever goes
// on, nothing is lost, told twice or contradicted, and the pruning can be done again.
func TestPrune_BreaksOffBetweenSteps(t *testing.T) {
	if testing.Short() {
		t.Skip("some thousand steps")
	}
	t.Parallel()
	to := audit.PruneTo{Log: 1, Before: 256}
	prune := func(f *faulty, ctx context.Context) error {
		_, err := f.trail.Prune(ctx, leave, to)
		return err
	}
	eachFault(t, func(f *faulty, ctx context.Context) error { f.world().grow(140); return prune(f, ctx) },
		func(f *faulty, ctx context.Context, _ faultstore.Injection) {
			w := f.world()
			w.grow(140)
			early := f.early()
			_ = prune(f, ctx) // judged by what it left
			fresh := f.another()
			f.steps(f.honest, fresh, f.trail, f.honest)
			gone := 0
			if w.head().Pruned > 0 {
				gone = early
			}
			told := f.verifies(f.honest, fresh, f.another())
			require.Equal(f, 144-gone, told)
			require.NoError(f, prune(f, troth.WithActor(f.Context(), kim)), "retry")
			require.EqualValues(f, 256, w.first())
			f.steps(f.trail, fresh, f.honest)
			require.Equal(f, 147-early, f.verifies(f.honest, fresh, f.another()))
		})
}

// The other way round: a step breaks off at any call, and somebody prunes before it
// is made again.
func TestSequence_BreaksOffBeforeAPruning(t *testing.T) {
	if testing.Short() {
		t.Skip("some thousand steps")
	}
	t.Parallel()
	step := func(f *faulty, ctx context.Context) error {
		_, err := f.trail.Sequence(ctx)
		return err
	}
	begin := func(f *faulty) {
		f.world().grow(140)
		_, err := f.honest.Record(troth.WithActor(f.Context(), kim), touch("acme", "17"))
		require.NoError(f, err)
	}
	eachFault(t, func(f *faulty, ctx context.Context) error { begin(f); return step(f, ctx) },
		func(f *faulty, ctx context.Context, _ faultstore.Injection) {
			begin(f)
			early := f.early()
			_ = step(f, ctx)
			keeper := f.another(audit.Unmanaged("test"))
			_, err := keeper.Prune(troth.WithActor(f.Context(), kim), leave, audit.PruneTo{Log: 1, Before: 256})
			require.NoError(f, err)
			f.steps(f.trail, f.honest, f.another())
			require.Equal(f, 144-early, f.verifies(f.honest, f.another(), keeper))
		})
}

// another is one more process on the store, without faults.
func (f *faulty) another(opts ...audit.Option) *audit.Trail {
	f.Helper()
	trail, err := audit.New(f.Context(), f.store, f.keys, f.sealer, append([]audit.Option{audit.WithSigner(f.signer)}, opts...)...)
	require.NoError(f, err)
	return trail
}
