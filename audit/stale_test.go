package audit_test

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
)

// A process that was idle while others went on and pruned goes on as well, also if what
// its sink knew when it began is of a size that is gone since.
func TestSequence_GoesOnBehindWhatOthersPruned(t *testing.T) {
	for name, known := range map[string]bool{"signed before": true, "not signed before": false} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			if known {
				s.record(3)
				s.drain(s.honest)
				s.sink.latest = s.sign(s.honest)
			}
			s.record(12)
			idle := s.on(s.store, audit.WithSigner(s.signer))
			s.drain(idle)
			s.record(600)
			s.drain(s.honest)
			newest := s.sign(s.honest)
			if known {
				s.sink.latest = newest
			}
			keeper := s.on(s.store, audit.Unmanaged("test"), audit.WithSigner(s.signer))
			_, err := keeper.Prune(troth.WithActor(t.Context(), kim), leave, audit.PruneTo{Log: 1, Before: 512})
			require.NoError(t, err)
			s.record(3)
			s.drain(idle)
			s.sign(idle)
			_, err = idle.Verify(t.Context(), audit.VerifyParams{})
			require.NoError(t, err)
		})
	}
}

// Who reads that the open log is closed must not wait for ever.
func TestSequence_TellsThatTheLogWasClosedBehindItsBack(t *testing.T) {
	s := newSite(t)
	begun(s)
	store := &closing{Backend: s.store}
	trail := s.on(store, audit.WithSigner(s.signer))
	_, err := trail.Sequence(t.Context())
	var damage *audit.DamageError
	require.ErrorAs(t, err, &damage)
}

// closing is a store in which somebody closed the log that is open.
type closing struct{ audit.Backend }

func (s *closing) Heads(ctx context.Context) ([]audit.Head, error) {
	heads, err := s.Backend.Heads(ctx)
	for i := range heads {
		heads[i].Closed = true
	}
	return heads, err
}

func (s *closing) MoveHead(context.Context, audit.HeadMove) (bool, error) { return false, nil }

// What the next log pins of the one before it is true, or it could not be verified
// ever again.
func TestContinue_PinsNoHeadThatSomebodyForged(t *testing.T) {
	s := newSite(t)
	begun(s)
	trail := s.successor(&otherRoot{s.store}, newKeyOf(t, newOrigin))
	var damage *audit.DamageError
	require.ErrorAs(t, trail.Continue(t.Context(), nil), &damage)
	require.Equal(t, 1, s.head().Log)
}

// otherRoot is a store in which somebody changed the roots of heads.
type otherRoot struct{ audit.Backend }

func (s *otherRoot) Heads(ctx context.Context) ([]audit.Head, error) {
	heads, err := s.Backend.Heads(ctx)
	for i := range heads {
		heads[i].Root[0] ^= 1
	}
	return heads, err
}

// Who asks for a proof of what is pruned at that moment is told that it is gone, and of no
// damage.
func TestProve_WhatIsPrunedMeanwhileIsNoDamage(t *testing.T) {
	s := newSite(t)
	s.record(3)
	s.drain(s.honest)
	s.sign(s.honest)
	old := s.head().Size
	s.record(600)
	s.drain(s.honest)
	s.sign(s.honest)
	rows, err := s.store.LogRange(t.Context(), 1, 1, 1)
	require.NoError(t, err)
	keeper := s.on(s.store, audit.Unmanaged("test"), audit.WithSigner(s.signer))
	before := uint64(0)
	prune := func() {
		before += 256
		_, err := keeper.Prune(troth.WithActor(t.Context(), kim), leave, audit.PruneTo{Log: 1, Before: before})
		require.NoError(t, err)
	}
	trail := s.on(&prunedAt{Backend: s.store, prune: prune}, audit.WithSigner(s.signer))
	_, err = trail.Prove(t.Context(), rows[0].Tenant, rows[0].ID)
	require.ErrorIs(t, err, audit.ErrNoEntry)
	require.EqualValues(t, 256, before)

	trail = s.on(&prunedAt{Backend: s.store, prune: prune}, audit.WithSigner(s.signer))
	_, err = trail.Consistency(t.Context(), origin, 256+old)
	require.ErrorIs(t, err, audit.ErrPruned)
	require.EqualValues(t, 512, before)
}

// A tile that is pruned while the log is published is missing in the folder, as if it
// had been pruned before.
func TestPublish_WhatIsPrunedMeanwhileIsNoDamage(t *testing.T) {
	s := newSite(t)
	s.record(600)
	s.drain(s.honest)
	s.sign(s.honest)
	keeper := s.on(s.store, audit.Unmanaged("test"), audit.WithSigner(s.signer))
	store := &prunedAt{Backend: s.store, prune: func() {
		_, err := keeper.Prune(troth.WithActor(t.Context(), kim), leave, audit.PruneTo{Log: 1, Before: 256})
		require.NoError(t, err)
	}}
	dir := t.TempDir()
	require.NoError(t, s.on(store, audit.WithSigner(s.signer)).Publish(t.Context(), dir))
	require.Nil(t, store.prune)
	require.NoFileExists(t, filepath.Join(dir, "tile", "0", "000"))
	require.FileExists(t, filepath.Join(dir, "tile", "0", "001"))
	require.FileExists(t, filepath.Join(dir, "checkpoint"))
}

// What is missing and was not pruned is damage, however often one looks.
func TestPublish_TellsOfDamage(t *testing.T) {
	s := newSite(t)
	s.record(600)
	s.drain(s.honest)
	s.sign(s.honest)
	var damage *audit.DamageError
	err := s.on(&noTiles{s.store}, audit.WithSigner(s.signer)).Publish(t.Context(), t.TempDir())
	require.ErrorAs(t, err, &damage)
}

// noTiles is a store whose tiles are gone.
type noTiles struct{ audit.Backend }

func (*noTiles) Tile(context.Context, int, int, uint64) ([]byte, bool, error) { return nil, false, nil }

// prunedAt is a store that is pruned when the first tile is looked for.
type prunedAt struct {
	audit.Backend
	prune func()
}

func (s *prunedAt) Tile(ctx context.Context, log, level int, n uint64) ([]byte, bool, error) {
	if prune := s.prune; prune != nil {
		s.prune = nil
		prune()
	}
	return s.Backend.Tile(ctx, log, level, n)
}
