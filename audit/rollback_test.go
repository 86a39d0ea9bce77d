package audit_test

import (
	"context"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
	"github.com/trothdev/troth/storage/faultstore"
	"github.com/trothdev/troth/storage/memory"
	"github.com/trothdev/troth/storage/memory/auditmem"
)

// restored returns a site on a copy of the store, as a backup has it. Keys,
// signer and sink are the same.
func (s *site) restored() *site {
	s.Helper()
	c := &site{
		T: s.T, plan: faultstore.NewPlan(), db: memory.Open(), keys: s.keys, sealer: s.sealer,
		signer: s.signer, sink: s.sink, at: s.at, acknowledged: slices.Clone(s.acknowledged),
	}
	c.store = auditmem.New(c.db)
	c.tx = faultstore.Transactor(c.db, c.plan)
	ctx := s.Context()
	heads, err := s.store.Heads(ctx)
	require.NoError(s, err)
	for _, h := range heads {
		created, err := c.store.CreateHead(ctx, h)
		require.NoError(s, err)
		require.True(s, created)
		rows, err := s.store.LogRange(ctx, h.Log, 0, 1<<20)
		require.NoError(s, err)
		require.NoError(s, c.store.AppendLog(ctx, rows))
		for level := range 3 {
			tiles, err := s.store.Tiles(ctx, h.Log, level, 0, 1<<20)
			require.NoError(s, err)
			require.NoError(s, c.store.PutTiles(ctx, h.Log, tiles))
		}
		tenants, err := s.store.TenantHeads(ctx, h.Log, "", 1<<20)
		require.NoError(s, err)
		require.NoError(s, c.store.PutTenantHeads(ctx, h.Log, tenants))
		signed, err := s.store.Checkpoints(ctx, h.Log, 0, 1<<20)
		require.NoError(s, err)
		for _, cp := range signed {
			require.NoError(s, c.store.PutCheckpoint(ctx, cp))
		}
	}
	c.honest = c.on(c.store, audit.WithSigner(c.signer))
	return c
}

// outdated returns a site on an old copy: three entries and a checkpoint, which
// the sink has, came after it.
func outdated(t *testing.T) (old *site, known []byte) {
	t.Helper()
	s := newSite(t)
	begun(s)
	s.drain(s.honest)
	s.sign(s.honest)
	old = s.restored()
	s.record(3)
	s.drain(s.honest)
	known = s.sign(s.honest)
	return old, known
}

func TestSequence_RefusesAStoreThatLagsBehindASink(t *testing.T) {
	old, known := outdated(t)
	old.sink.latest = known
	head := old.head()
	for _, trail := range []*audit.Trail{old.honest, old.on(old.store, audit.WithSigner(old.signer))} {
		for range 2 {
			old.record(1)
			_, err := trail.Sequence(t.Context())
			var back *audit.RolledBackError
			require.ErrorAs(t, err, &back)
			assert.Equal(t, &audit.RolledBackError{Origin: origin, Known: head.Size + 3, Have: head.Size}, back)
			_, err = trail.Checkpoint(t.Context())
			require.ErrorAs(t, err, &back)
			require.ErrorAs(t, trail.Run(t.Context()), &back, "Run ends")
			_, err = trail.Verify(t.Context(), audit.VerifyParams{})
			require.ErrorAs(t, err, &back)
		}
	}
	assert.Equal(t, head, old.head(), "nothing was sequenced")
}

// TestSequence_RefusesAStoreThatLagsBehindWhatItSigned puts an older copy of the
// database under a process that goes on, and that has no sink.
func TestSequence_RefusesAStoreThatLagsBehindWhatItSigned(t *testing.T) {
	s := newSite(t)
	begun(s)
	swap := &swapped{Backend: s.store}
	trail := s.on(swap, audit.WithSigner(s.signer))
	s.drain(trail)
	old := s.restored()
	s.record(2)
	s.drain(trail)
	s.sign(trail)
	s.sink.latest = nil

	swap.Backend = old.store
	swap.tx = s.store.Transactor()
	old.record(1)
	_, err := trail.Sequence(t.Context())
	var back *audit.RolledBackError
	require.ErrorAs(t, err, &back)
	_, err = trail.Checkpoint(t.Context())
	require.ErrorAs(t, err, &back)
}

// swapped is a store that can be put in place of another; the transactor stays.
type swapped struct {
	audit.Backend
	tx troth.Transactor
}

func (s *swapped) Transactor() troth.Transactor {
	if s.tx != nil {
		return s.tx
	}
	return s.Backend.Transactor()
}

func (s *site) head() audit.Head {
	s.Helper()
	heads, err := s.store.Heads(s.Context())
	require.NoError(s, err)
	require.NotEmpty(s, heads)
	return heads[len(heads)-1]
}

const newOrigin = "troth.example/trail-2"

// successor is a trail that continues the log of the site.
func (s *site) successor(store audit.Backend, next audit.SigningKey) *audit.Trail {
	s.Helper()
	keys, err := audit.Verifiers{}.With(s.signer.VerifierKey())
	require.NoError(s, err)
	return s.on(store, audit.WithSigner(next), audit.WithVerifiers(keys))
}

func TestContinue_OpensALogThatPinsTheLastOne(t *testing.T) {
	old, known := outdated(t)
	old.sink.latest = known
	next := newKeyOf(t, newOrigin)
	trail := old.successor(old.store, next)
	_, err := trail.Sequence(t.Context())
	require.ErrorIs(t, err, audit.ErrSigner, "not before Continue")
	require.ErrorContains(t, err, "its origin is")
	kept := old.head()
	old.record(2)

	require.NoError(t, trail.Continue(t.Context(), known))
	require.NoError(t, trail.Continue(t.Context(), known), "the same again")
	require.ErrorIs(t, trail.Continue(t.Context(), nil), audit.ErrSigner, "another under the same origin")
	old.drain(trail)
	note := old.sign(trail)

	rows, err := old.store.LogRange(t.Context(), 2, 0, 100)
	require.NoError(t, err)
	require.Len(t, rows, 3)
	_, env, err := audit.ParseLeaf(rows[0].Leaf)
	require.NoError(t, err)
	keys, err := audit.Verifiers{}.With(old.signer.VerifierKey())
	require.NoError(t, err)
	cp, _, err := audit.OpenCheckpoint(known, keys)
	require.NoError(t, err)
	assert.Equal(t, "audit.log-open", env.Act)
	facts := make(map[string]troth.Fact)
	for _, f := range env.Facts {
		facts[f.Name] = f.Fact
	}
	assert.Equal(t, origin, facts["previous"].Text())
	assert.Equal(t, int64(cp.Size), facts["size"].Number())
	assert.Equal(t, troth.Digest(cp.Root).Text(), facts["root"].Text())
	assert.Equal(t, int64(kept.Size), facts["kept-size"].Number())
	assert.Equal(t, troth.Digest(kept.Root).Text(), facts["kept-root"].Text())

	r, err := trail.Verify(t.Context(), audit.VerifyParams{Trusted: note})
	require.NoError(t, err, "the sink still has what the old log lost, and the new one says so")
	require.Len(t, r.Logs, 2)
	assert.Equal(t, newOrigin, r.Logs[1].Origin)
	_, err = old.honest.Sequence(t.Context())
	require.ErrorIs(t, err, audit.ErrSigner, "the old log is closed")
}

// TestContinue_NothingIsLostAtAnyFault breaks every call of Continue.
func TestContinue_NothingIsLostAtAnyFault(t *testing.T) {
	t.Parallel()
	eachOf(t, operation{
		name: "continue", prepare: begun,
		run: func(ctx context.Context, _ *site, trail *audit.Trail) error { return trail.Continue(ctx, nil) },
		opts: func(s *site) []audit.Option {
			keys, err := audit.Verifiers{}.With(s.signer.VerifierKey())
			require.NoError(s, err)
			if s.next.Name() == "" {
				s.next = newKeyOf(s.T, newOrigin)
			}
			return []audit.Option{audit.WithSigner(s.next), audit.WithVerifiers(keys)}
		},
	})
}

// An older copy that was put back and went on is another history, also once it is
// longer than what others hold of the true one.
func TestSequence_RefusesAnOldCopyThatGrewBeyondWhatASinkKnows(t *testing.T) {
	old, known := outdated(t)
	old.record(9)
	old.drain(old.honest) // who asked no sink
	heads, err := old.store.Heads(t.Context())
	require.NoError(t, err)
	cp, _, err := audit.OpenCheckpoint(known, verifiersOf(t, old.signer.VerifierKey()))
	require.NoError(t, err)
	require.Greater(t, heads[0].Size, cp.Size)
	old.record(1)
	refused := func(trail *audit.Trail, what string) {
		t.Helper()
		var back *audit.RolledBackError
		_, err := trail.Sequence(t.Context())
		require.ErrorAs(t, err, &back, what)
		_, err = trail.Checkpoint(t.Context())
		require.ErrorAs(t, err, &back, what)
	}
	old.sink.latest = known
	refused(old.on(old.store, audit.WithSigner(old.signer)), "the sink knows")
	old.sink.latest = nil
	require.NoError(t, old.store.PutCheckpoint(t.Context(), audit.CheckpointRow{
		Log: 1, Size: cp.Size, SignedAt: cp.SignedAt.UnixMicro(), Note: known,
	}))
	refused(old.on(old.store, audit.WithSigner(old.signer)), "it is in the store")
}

// What a log pins is a checkpoint of the log before it: neither of one before that, nor of
// itself, nor what another key signed.
func TestContinue_PinsACheckpointOfTheLogBefore(t *testing.T) {
	s := newSite(t)
	begun(s)
	s.drain(s.honest)
	first := s.sign(s.honest)
	second, third := newKeyOf(t, newOrigin), newKeyOf(t, newOrigin+"/3")
	next := s.successor(s.store, second)
	require.NoError(t, next.Continue(t.Context(), first))
	s.record(2)
	s.drain(next)
	note := s.sign(next)
	cp, _, err := audit.OpenCheckpoint(note, verifiersOf(t, second.VerifierKey()))
	require.NoError(t, err)
	itself := cp
	itself.Origin = third.Name()

	keys := verifiersOf(t, s.signer.VerifierKey(), second.VerifierKey())
	last := s.on(s.store, audit.WithSigner(third), audit.WithVerifiers(keys))
	for what, c := range map[string]struct {
		known []byte
		err   error
	}{
		"the log before that": {first, audit.ErrSigner},
		"itself":              {signed(t, itself, third), audit.ErrSigner},
		"another key":         {signed(t, cp, newKeyOf(t, newOrigin)), audit.ErrUnknownKey},
		"nothing":             {[]byte{}, audit.ErrNote},
	} {
		require.ErrorIs(t, last.Continue(t.Context(), c.known), c.err, what)
	}
	heads, err := s.store.Heads(t.Context())
	require.NoError(t, err)
	require.Len(t, heads, 2)
	require.NoError(t, last.Continue(t.Context(), note))
	s.record(1)
	s.drain(last)
	s.check(last, s.sign(last))

	// It may be told again, and not otherwise.
	smaller := cp
	smaller.Size--
	for _, other := range [][]byte{nil, signed(t, smaller, second)} {
		again := s.on(s.store, audit.WithSigner(third), audit.WithVerifiers(keys))
		require.ErrorIs(t, again.Continue(t.Context(), other), audit.ErrSigner)
		require.NoError(t, again.Continue(t.Context(), note))
	}
	other := newSite(t)
	begun(other)
	note = other.sign(other.honest)
	require.NoError(t, other.successor(other.store, second).Continue(t.Context(), nil))
	require.ErrorIs(t, other.successor(other.store, second).Continue(t.Context(), note), audit.ErrSigner)
	require.NoError(t, other.successor(other.store, second).Continue(t.Context(), nil))
}
