package audit_test

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
	"github.com/trothdev/troth/audit/audittest"
	"github.com/trothdev/troth/storage/memory"
	"github.com/trothdev/troth/storage/memory/auditmem"
)

// rotating is the options of a trail that signs after the site's signer.
func rotating(s *site) []audit.Option {
	s.Helper()
	keys, err := audit.Verifiers{}.With(s.signer.VerifierKey())
	require.NoError(s, err)
	if s.next.Name() == "" {
		s.next = newKeyOf(s.T, origin)
	}
	return []audit.Option{audit.WithSigner(s.next), audit.WithVerifiers(keys)}
}

func TestRotate_NothingIsLostAtAnyFault(t *testing.T) {
	t.Parallel()
	eachOf(t, operation{
		name: "rotate", prepare: begun, opts: rotating,
		run: func(ctx context.Context, s *site, trail *audit.Trail) error {
			_, err := trail.Rotate(ctx, s.signer)
			return err
		},
	})
}

// pinned are the keys of both signers, each for its sizes.
func (s *site) pinned(size uint64) audit.Verifiers {
	s.Helper()
	keys, err := audit.Verifiers{}.WithSizes(s.signer.VerifierKey(), 1, size+1)
	require.NoError(s, err)
	keys, err = keys.WithSizes(s.next.VerifierKey(), size, 0)
	require.NoError(s, err)
	return keys
}

func TestRotate_OldKeySignsNoLaterSize(t *testing.T) {
	s := newSite(t)
	begun(s)
	trail := s.on(s.store, rotating(s)...)
	_, err := trail.Sequence(t.Context())
	require.ErrorIs(t, err, audit.ErrSigner, "not before Rotate")
	require.ErrorContains(t, err, "the key of its origin is another")
	size, err := trail.Rotate(t.Context(), s.signer)
	require.NoError(t, err)
	assert.Equal(t, s.head().Size, size)
	byOld := len(s.sink.seen())

	for name, call := range map[string]func() error{
		"sequence":   func() error { _, err := s.honest.Sequence(t.Context()); return err },
		"checkpoint": func() error { _, err := s.honest.Checkpoint(t.Context()); return err },
		"run":        func() error { return s.honest.Run(t.Context()) },
		"rotate":     func() error { _, err := s.honest.Rotate(t.Context(), s.next); return err },
	} {
		require.ErrorIs(t, call(), audit.ErrSigner, name)
	}
	again, err := trail.Rotate(t.Context(), s.signer)
	require.NoError(t, err)
	assert.Equal(t, size, again, "before the new key signed")
	s.record(3)
	s.drain(trail)
	s.sign(trail)
	again, err = trail.Rotate(t.Context(), s.signer)
	require.NoError(t, err)
	assert.Equal(t, size+3, again, "the first that the new key signed is as good")

	reader := s.on(s.store, audit.WithVerifiers(s.pinned(size)))
	s.check(reader)
	for i, note := range s.sink.seen() {
		_, sigs, err := audit.OpenCheckpoint(note, s.pinned(size))
		require.NoError(t, err)
		want := s.next.KeyHash()
		if i < byOld {
			want = s.signer.KeyHash()
		}
		require.Len(t, sigs, 1)
		assert.Equal(t, want, sigs[0].KeyID)
	}

	// Who has the old key signs the log as it is now, and is not believed.
	cp, _, err := audit.OpenCheckpoint(s.sign(trail), s.pinned(size))
	require.NoError(t, err)
	forged, err := audit.SignCheckpoint(cp, s.signer)
	require.NoError(t, err)
	_, _, err = audit.OpenCheckpoint(forged, s.pinned(size))
	require.ErrorIs(t, err, audit.ErrKeySizes)
	require.NoError(t, s.store.PutCheckpoint(t.Context(), audit.CheckpointRow{
		Log: 1, Size: cp.Size, SignedAt: cp.SignedAt.UnixMicro(), Note: forged,
	}))
	_, err = reader.Verify(t.Context(), audit.VerifyParams{})
	var damage *audit.DamageError
	require.ErrorAs(t, err, &damage)
	assert.Equal(t, "checkpoint", damage.Table)
}

// TestRotate_TheSizePartsTheKeysAlsoBesideOthers lets another process sequence between the
// old key's last checkpoint and the change of keys.
func TestRotate_TheSizePartsTheKeysAlsoBesideOthers(t *testing.T) {
	s := newSite(t)
	begun(s)
	other := meanwhile(func() { s.record(3); s.drain(s.honest) })
	trail := s.on(s.store, append(rotating(s), audit.WithSink(other))...)
	size, err := trail.Rotate(t.Context(), s.signer)
	require.NoError(t, err)
	last, found, err := s.store.Checkpoint(t.Context(), 1, 1<<62)
	require.NoError(t, err)
	require.True(t, found)
	require.Less(t, last.Size, size, "what the old key signed")
	require.Equal(t, s.head().Size, size)
	s.record(3)
	next := s.on(s.store, rotating(s)...)
	s.drain(next)
	s.sign(next)
	s.check(s.on(s.store, audit.WithVerifiers(s.pinned(size))))
}

func TestRotate_NeedsAnotherKeyOfTheSameName(t *testing.T) {
	s := newSite(t)
	begun(s)
	_, err := s.honest.Rotate(t.Context(), s.signer)
	require.ErrorIs(t, err, audit.ErrSigner)
	other := s.on(s.store, audit.WithSigner(newKeyOf(t, newOrigin)))
	_, err = other.Rotate(t.Context(), s.signer)
	require.ErrorIs(t, err, audit.ErrSigner)
	_, err = s.on(s.store).Rotate(t.Context(), s.signer)
	require.ErrorIs(t, err, audit.ErrNoSigner)
}

// TestRotate_ASinkThatFailsDoesNotKeepTheOldKey: the checkpoint is in the store.
func TestRotate_ASinkThatFailsDoesNotKeepTheOldKey(t *testing.T) {
	s := newSite(t)
	begun(s)
	trail := s.on(s.store, append(rotating(s), audit.WithSink(brokenSink{}))...)
	_, err := trail.Rotate(t.Context(), s.signer)
	require.NoError(t, err)
	s.drain(trail)
	s.check(s.on(s.store, rotating(s)...))
}

// A rotation that another process was in the way of is not told of as done.
func TestRotate_TellsThatItLostTheSwap(t *testing.T) {
	s := newSite(t)
	begun(s)
	trail := s.on(&keepsSigner{s.store}, rotating(s)...)
	_, err := trail.Rotate(t.Context(), s.signer)
	require.ErrorIs(t, err, troth.ErrBusy)
	assert.Equal(t, s.signer.VerifierKey(), s.head().Signer)
	_, err = s.on(s.store, rotating(s)...).Rotate(t.Context(), s.signer)
	require.NoError(t, err)
	assert.Equal(t, s.next.VerifierKey(), s.head().Signer)
}

// keepsSigner is a store whose head another process moves just before its key changes.
type keepsSigner struct{ audit.Backend }

func (s *keepsSigner) MoveHead(ctx context.Context, m audit.HeadMove) (bool, error) {
	if m.Signer != m.FromSigner {
		return false, nil
	}
	return s.Backend.MoveHead(ctx, m)
}

// meanwhile is a sink that does something as it is given a checkpoint.
type meanwhile func()

func (f meanwhile) Put(context.Context, []byte) error      { f(); return nil }
func (f meanwhile) Latest(context.Context) ([]byte, error) { return nil, nil }

// TestRotate_NobodyTakesItBack lets a process that still has the old key, and moves
// the log all the time, record between the steps of a rotation and behind it: what it
// remembers of the log is how it stands, but for who signs it.
func TestRotate_NobodyTakesItBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &single{Backend: auditmem.New(memory.Open())}
		keys, sealer := audittest.NewKeys(), audittest.NewSealer()
		before, after := newKeyOf(t, origin), newKeyOf(t, origin)
		old, err := audit.New(t.Context(), store, keys, sealer, audit.WithSigner(before))
		require.NoError(t, err)
		run, end := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- old.Run(run) }()
		act := troth.WithActor(t.Context(), troth.Actor{Kind: troth.Service, ID: "importer"})
		record := func() {
			_, err := old.Record(act, touch("acme", ""))
			require.NoError(t, err)
		}
		for range 3 {
			synctest.Wait()
			record()
		}
		known, err := audit.Verifiers{}.With(before.VerifierKey())
		require.NoError(t, err)
		next, err := audit.New(t.Context(), store, keys, sealer, audit.WithSigner(after), audit.WithVerifiers(known),
			audit.WithSink(meanwhile(record)))
		require.NoError(t, err)
		store.inbox.Store(0)
		_, err = next.Rotate(t.Context(), before)
		require.NoError(t, err)
		assert.Zero(t, store.inbox.Load(), "it went past the inbox")
		record()
		heads, err := store.Heads(t.Context())
		require.NoError(t, err)
		assert.Equal(t, after.VerifierKey(), heads[0].Signer)
		_, err = next.Sequence(t.Context())
		require.NoError(t, err)
		end()
		<-ended
	})
}
