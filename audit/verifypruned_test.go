package audit_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
)

// TestVerify_FindsEveryChangeOfAPrunedLog is about what is left of a log, some of
// whose first entries are still to go.
func TestVerify_FindsEveryChangeOfAPrunedLog(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and nothing at once")
	}
	t.Parallel()
	w := newLog(t, audit.Unmanaged("test"))
	ctx := w.as(kim)
	for i := range 640 {
		w.tick()
		tenant := []troth.Tenant{"acme", "globex", "initech"}[i%3]
		w.record(ctx, touch(tenant, "17"))
		if i%160 == 0 {
			w.sequence()
			_, err := w.trail.Checkpoint(t.Context())
			require.NoError(t, err)
		}
	}
	w.sequence()
	_, err := w.trail.Checkpoint(t.Context())
	require.NoError(t, err)
	p, err := w.trail.Prune(ctx, leave, audit.PruneTo{Log: 1, Before: 513, Limit: 400})
	require.NoError(t, err)
	require.Equal(t, 112, p.Left)
	w.sequence()
	_, err = w.trail.Checkpoint(t.Context())
	require.NoError(t, err)

	f := &tamper{T: t, frozen: w.freeze()}
	keys, err := audit.Verifiers{}.With(w.signer.VerifierKey())
	require.NoError(t, err)
	f.trail, err = audit.New(t.Context(), f.frozen, w.keys, w.sealer, audit.WithVerifiers(keys))
	require.NoError(t, err)
	r := f.fits()
	require.Equal(t, uint64(400), r.Logs[0].Pruned)
	require.Equal(t, r.Logs[0].Size-400, r.Logs[0].Read)

	require.Less(t, f.checkpoints[0].Size, uint64(400), "one from before what is left")
	everyRow(f, "head", f.heads, each)
	everyRow(f, "tenant", f.tenants, each)
	everyRow(f, "checkpoint", f.checkpoints, func(int) int { return some(7) })
	everyRow(f, "tile", f.tiles, func(int) int { return some(211) })
	everyRow(f, "entry", f.entries, func(i int) int {
		if i%80 == 0 {
			return some(5)
		}
		return 0
	})
	for i := range f.entries {
		e := f.entries[i]
		if i > 0 && i%some(7) == 0 {
			was := f.entries
			f.entries = append(append([]audit.LogRow{}, was[:i]...), was[i+1:]...)
			f.found("entry %d is gone", e.Index)
			f.entries = was
		}
	}
	without(f, "tile", &f.tiles)
	without(f, "tenant", &f.tenants)
	t.Logf("%d changes", f.tried)
}

// What pruning took cannot be compared any more with checkpoints from before; but they
// are the log's, and where one covers whole tiles the hashes above them are there.
func TestVerify_FindsForgedCheckpointsOfWhatWasPruned(t *testing.T) {
	w := newLog(t, audit.Unmanaged("test"))
	w.fill(1, "acme")
	heads, err := w.store.Heads(t.Context())
	require.NoError(t, err)
	for _, size := range []uint64{200, 256, 600} {
		w.fill(int(size-heads[0].Size), "acme")
		_, err = w.trail.Checkpoint(t.Context())
		require.NoError(t, err)
		heads[0].Size = size
	}
	w.cut(512)
	f := &tamper{T: t, frozen: w.freeze()}
	keys := verifiersOf(t, w.signer.VerifierKey())
	f.trail, err = audit.New(t.Context(), f.frozen, w.keys, w.sealer, audit.WithVerifiers(keys))
	require.NoError(t, err)
	r := f.fits()
	require.Equal(t, uint64(512), r.Logs[0].Pruned)
	require.Equal(t, []uint64{200, 256}, []uint64{f.checkpoints[0].Size, f.checkpoints[1].Size})
	for i, row := range f.checkpoints[:2] {
		cp, _, err := audit.OpenCheckpoint(row.Note, keys)
		require.NoError(t, err)
		forged := func(what string, signer audit.Signer, change func(cp *audit.Checkpoint)) {
			c := cp
			change(&c)
			c.Origin = signer.Name()
			f.checkpoints[i].Note = signed(t, c, signer)
			f.found("%d: %s", cp.Size, what)
			f.checkpoints[i] = row
		}
		forged("by another key", newSigner(t, origin), func(*audit.Checkpoint) {})
		forged("of another size", w.signer, func(c *audit.Checkpoint) { c.Size++ })
		forged("of another time", w.signer, func(c *audit.Checkpoint) { c.SignedAt = c.SignedAt.Add(time.Second) })
		forged("of another salt", w.signer, func(c *audit.Checkpoint) { c.SaltCommitment[0] ^= 1 })
		if i == 1 {
			forged("of another tree", w.signer, func(c *audit.Checkpoint) { c.Root[0] ^= 1 })
		}
		f.checkpoints[i].Note = []byte("nothing")
		f.found("%d: nothing", cp.Size)
		f.checkpoints[i] = row
	}
	f.fits()
}

// A checkpoint that the log's own key signed, for another history, shows that there was
// one: it contradicts the log wherever it stands.
func TestVerify_FindsCheckpointsThatTheLogsKeySignedOfAnotherHistory(t *testing.T) {
	w := newLog(t)
	for range 3 {
		w.fill(40, "acme", "globex")
		_, err := w.trail.Checkpoint(t.Context())
		require.NoError(t, err)
	}
	f := &tamper{T: t, frozen: w.freeze()}
	keys := verifiersOf(t, w.signer.VerifierKey())
	var err error
	f.trail, err = audit.New(t.Context(), f.frozen, w.keys, w.sealer, audit.WithVerifiers(keys))
	require.NoError(t, err)
	f.fits()
	require.Len(t, f.checkpoints, 3)
	for i, row := range f.checkpoints {
		cp, _, err := audit.OpenCheckpoint(row.Note, keys)
		require.NoError(t, err)
		for what, change := range map[string]func(cp *audit.Checkpoint){
			"another tree":             func(cp *audit.Checkpoint) { cp.Root[0] ^= 1 },
			"other ends of tenants":    func(cp *audit.Checkpoint) { cp.TenantRoot[0] ^= 1 },
			"another salt":             func(cp *audit.Checkpoint) { cp.SaltCommitment[0] ^= 1 },
			"a log that was longer":    func(cp *audit.Checkpoint) { cp.Size += 100 },
			"the tree of another size": func(cp *audit.Checkpoint) { cp.Size-- },
		} {
			forged := cp
			change(&forged)
			f.checkpoints[i].Size, f.checkpoints[i].Note = forged.Size, signed(t, forged, w.signer)
			f.found("%d: %s", cp.Size, what)
			f.checkpoints[i] = row
		}
	}
	f.fits()
}

// TestVerify_BesideASequencer verifies while entries are added, redacted and
// pruned: nothing that the trail does itself looks like damage.
func TestVerify_BesideASequencer(t *testing.T) {
	w := newLog(t, audit.Unmanaged("test"), audit.WithClock(time.Now))
	ctx := w.as(kim)
	for range 600 {
		w.record(ctx, touch("acme", "17"))
	}
	w.sequence()
	early, err := w.trail.Checkpoint(t.Context())
	require.NoError(t, err)
	var enough atomic.Bool
	var moved atomic.Int64 // how often the log was
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := 0; !enough.Load(); i++ {
			tenant := []troth.Tenant{"acme", "globex", "initech"}[i%3]
			id, err := w.trail.Record(ctx, touch(tenant, "17"))
			if err == nil {
				_, err = w.trail.Sequence(t.Context())
			}
			if err == nil && i%5 == 0 {
				_, err = w.trail.Redact(ctx, leave, tenant, id)
			}
			if err == nil && i%9 == 0 {
				_, err = w.trail.Checkpoint(t.Context())
			}
			if err == nil && i == 50 {
				_, err = w.trail.Prune(ctx, leave, audit.PruneTo{Log: 1, Before: 512})
			}
			if err != nil {
				t.Error(err)
				return
			}
			moved.Add(1)
		}
	})
	defer wg.Wait()
	defer enough.Store(true)
	other := w.another(audit.WithSigner(w.signer))
	for verified := 0; verified < 10 || moved.Load() < 150; verified++ { // it is pruned on the way
		require.False(t, t.Failed())
		for _, p := range []audit.VerifyParams{{}, {Trusted: early}} {
			_, err := other.Verify(t.Context(), p)
			require.NoError(t, err)
		}
	}
	enough.Store(true)
	wg.Wait()
	_, err = other.Verify(t.Context(), audit.VerifyParams{})
	require.NotErrorIs(t, err, audit.ErrPruned)
	require.NoError(t, err)
}
