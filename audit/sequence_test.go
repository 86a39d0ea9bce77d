package audit_test

import (
	"bytes"
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
)

const origin = "troth.example/trail"

// newLog returns a world whose trail keeps the log.
func newLog(t *testing.T, opts ...audit.Option) *world {
	t.Helper()
	signer, err := audit.GenerateSigningKey(origin)
	require.NoError(t, err)
	w := newWorld(t, append([]audit.Option{audit.WithSigner(signer)}, opts...)...)
	w.signer = signer
	return w
}

// sequence moves everything that waits.
func (w *world) sequence() {
	w.Helper()
	for {
		n, err := w.trail.Sequence(w.Context())
		require.NoError(w, err)
		if n == 0 {
			return
		}
	}
}

func (w *world) verify() audit.Report {
	w.Helper()
	r, err := w.trail.Verify(w.Context(), audit.VerifyParams{})
	require.NoError(w, err)
	return r
}

func TestSequence_MovesWhatWaitsIntoTheLog(t *testing.T) {
	w := newLog(t)
	ctx := w.as(kim)
	first := w.record(ctx, touch("acme", "17"))
	w.tick()
	second := w.record(ctx, touch("globex", "17"))
	w.tick()
	third := w.record(ctx, touch("acme", "18"))
	n, err := w.trail.Sequence(w.Context())
	require.NoError(t, err)
	assert.Equal(t, 3, n)

	acme := w.records("acme")
	require.Len(t, acme, 2)
	assert.Equal(t, first, acme[0].ID)
	assert.Equal(t, audit.Position{Log: 1, Index: 1, Number: 1}, acme[0].Position)
	assert.Equal(t, third, acme[1].ID)
	assert.Equal(t, audit.Position{Log: 1, Index: 3, Number: 2}, acme[1].Position)
	assert.False(t, acme[1].Pending)
	globex := w.records("globex")
	require.Len(t, globex, 1)
	assert.Equal(t, second, globex[0].ID)
	assert.Equal(t, audit.Position{Log: 1, Index: 2, Number: 1}, globex[0].Position)
	opening := w.records(troth.Platform)
	require.Len(t, opening, 1)
	assert.Equal(t, "audit.log-open", opening[0].Act)

	backlog, err := w.trail.Backlog(t.Context())
	require.NoError(t, err)
	assert.Zero(t, backlog.Count)
	n, err = w.trail.Sequence(w.Context())
	require.NoError(t, err)
	assert.Zero(t, n)
	w.verify()
}

func TestSequence_NeedsASignerAndNoTransaction(t *testing.T) {
	w := newWorld(t)
	_, err := w.trail.Sequence(t.Context())
	require.ErrorIs(t, err, audit.ErrNoSigner)
	_, err = w.trail.Checkpoint(t.Context())
	require.ErrorIs(t, err, audit.ErrNoSigner)
	require.ErrorIs(t, w.trail.Run(t.Context()), audit.ErrNoSigner)

	w = newLog(t)
	err = w.db.Atomically(t.Context(), func(ctx context.Context) error {
		_, err := w.trail.Sequence(ctx)
		return err
	})
	require.ErrorIs(t, err, audit.ErrInTransaction)
}

func TestVerify_CoversManyTilesAndCheckpoints(t *testing.T) {
	w := newLog(t)
	ctx := w.as(kim)
	tenants := []troth.Tenant{"acme", "globex", "initech"}
	var trusted []byte
	for i := range 1300 {
		w.at = w.at.Add(1000)
		w.record(ctx, touch(tenants[i%3], "17"))
		if i%97 == 0 {
			w.sequence()
			note, err := w.trail.Checkpoint(t.Context())
			require.NoError(t, err)
			if i == 970 {
				trusted = note
			}
		}
	}
	w.sequence()
	r := w.verify()
	require.Len(t, r.Logs, 1)
	assert.Equal(t, uint64(1301), r.Logs[0].Size)
	assert.Equal(t, uint64(1301), r.Logs[0].Read)
	assert.Equal(t, 4, r.Logs[0].Tenants)
	assert.Equal(t, 14, r.Logs[0].Checkpoints)

	// As a process that takes over, and one that trusts a checkpoint.
	other := w.another(audit.WithSigner(w.signer))
	_, err := other.Checkpoint(t.Context())
	require.NoError(t, err)
	part, err := other.Verify(t.Context(), audit.VerifyParams{Trusted: trusted})
	require.NoError(t, err)
	assert.Equal(t, uint64(1301-972), part.Logs[0].Read)
}

func TestExport_IsVerifiedByAStranger(t *testing.T) {
	w := newLog(t)
	ctx := w.as(kim)
	for i := range 700 {
		w.at = w.at.Add(1000)
		w.record(ctx, touch([]troth.Tenant{"acme", "globex"}[i%2], "17"))
	}
	w.sequence()
	var out bytes.Buffer
	require.NoError(t, w.trail.Export(t.Context(), &out, "acme", ""))
	keys, err := audit.Verifiers{}.With(w.signer.VerifierKey())
	require.NoError(t, err)
	seen := 0
	p, err := audit.VerifyTenant(bytes.NewReader(out.Bytes()), keys, func(e audit.ProvenEntry) error {
		seen++
		assert.Equal(t, uint64(seen), e.Number)
		return nil
	})
	require.NoError(t, err)
	assert.Equal(t, 350, seen)
	assert.Equal(t, uint64(350), p.Number)
	assert.Equal(t, troth.Tenant("acme"), p.Tenant)
}
