package audit_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
)

// late shows a sequencer the heads as they were: another moves the log between
// its reading and its writing.
type late struct {
	audit.Backend
	heads []audit.Head
	uses  int // how often the old heads are still shown
}

func (s *late) Heads(ctx context.Context) ([]audit.Head, error) {
	now, err := s.Backend.Heads(ctx)
	if err != nil || s.uses == 0 {
		return now, err
	}
	s.uses--
	return s.heads, nil
}

func (s *late) freeze(t *testing.T, uses int) {
	t.Helper()
	heads, err := s.Backend.Heads(t.Context())
	require.NoError(t, err)
	s.heads, s.uses = heads, uses
}

func TestSequence_ALateSequencerForksNothing(t *testing.T) {
	for name, uses := range map[string]int{"once": 1, "whatever it tries": 1000} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			begun(s)
			store := &late{Backend: s.store}
			slow := s.on(store, audit.WithSigner(s.signer))
			s.drain(slow)
			store.freeze(t, uses)
			s.record(3)
			s.drain(s.honest)
			s.sign(s.honest)
			s.record(2)

			n, err := slow.Sequence(t.Context())
			if uses == 1 {
				require.NoError(t, err)
				assert.Equal(t, 2, n)
			} else {
				require.Error(t, err)
			}
			store.uses = 0
			s.drain(slow)
			s.check(s.honest, s.sign(slow))
		})
	}
}

func TestContinue_ALateSequencerAddsNothingToTheClosedLog(t *testing.T) {
	s := newSite(t)
	begun(s)
	store := &late{Backend: s.store}
	slow := s.on(store, audit.WithSigner(s.signer))
	s.drain(slow)
	store.freeze(t, 1000)
	closed := s.head()
	next := s.successor(s.store, newKeyOf(t, newOrigin))
	require.NoError(t, next.Continue(t.Context(), nil))
	s.record(2)
	_, err := slow.Sequence(t.Context())
	require.NoError(t, err, "another moved the log")
	heads, err := s.store.Heads(t.Context())
	require.NoError(t, err)
	assert.Equal(t, closed.Size, heads[0].Size)
	s.drain(next)
	s.check(next)
}

// A head that somebody set back to nothing is not taken for a log that is to be opened,
// which would wait without a word for the one that is there.
func TestSequence_TellsOfAHeadWithoutASize(t *testing.T) {
	s := newSite(t)
	begun(s)
	trail := s.on(&emptied{s.store}, audit.WithSigner(s.signer))
	for name, call := range map[string]func() error{
		"sequence":   func() error { _, err := trail.Sequence(t.Context()); return err },
		"checkpoint": func() error { _, err := trail.Checkpoint(t.Context()); return err },
		"run":        func() error { return trail.Run(t.Context()) },
		"await": func() error {
			last := s.acknowledged[len(s.acknowledged)-1]
			_, err := trail.Await(t.Context(), last.Tenant, last.ID)
			return err
		},
	} {
		var damage *audit.DamageError
		require.ErrorAs(t, call(), &damage, name)
		assert.Equal(t, "head", damage.Table)
	}
	s.drain(s.honest)
	s.check(s.honest)
}

// emptied is a store in which somebody set the size of heads to nothing.
type emptied struct{ audit.Backend }

func (s *emptied) Heads(ctx context.Context) ([]audit.Head, error) {
	heads, err := s.Backend.Heads(ctx)
	for i := range heads {
		heads[i].Size = 0
	}
	return heads, err
}

func TestRotate_ALateOneChangesNoKey(t *testing.T) {
	s := newSite(t)
	begun(s)
	store := &late{Backend: s.store}
	slow := s.on(store, rotating(s)...)
	store.freeze(t, 1000)
	s.drain(s.honest)
	_, err := slow.Rotate(t.Context(), s.signer)
	require.Error(t, err)
	assert.Equal(t, s.signer.VerifierKey(), s.head().Signer)
	store.uses = 0
	_, err = slow.Rotate(t.Context(), s.signer)
	require.NoError(t, err)
	s.drain(slow)
	s.check(slow)
}

// TestSequence_TakesTurns lets two processes move the log in turns: each follows
// what the other did without reading all of it again.
func TestSequence_TakesTurns(t *testing.T) {
	s := newSite(t)
	s.record(600)
	s.drain(s.honest)
	store := &counted{Backend: s.store}
	other := s.on(store, audit.WithSigner(s.signer))
	s.drain(other)
	s.sign(other)
	store.loads = 0
	for turn := range 300 {
		s.record(2)
		if turn%2 == 0 {
			s.drain(s.honest)
		} else {
			s.drain(other)
		}
		if turn%50 == 0 {
			s.sign(s.honest)
			s.sign(other)
		}
	}
	assert.Zero(t, store.loads, "the log was loaded anew")
	s.check(s.honest)
	s.check(other)

	// A step that another took and that leads elsewhere is not followed.
	s.record(1)
	s.drain(s.honest)
	rows, err := s.store.LogRange(t.Context(), 1, s.head().Size-1, 1)
	require.NoError(t, err)
	store.replace = &rows[0]
	rows[0].Hash[0] ^= 1
	s.record(1)
	_, err = other.Sequence(t.Context())
	var damage *audit.DamageError
	require.ErrorAs(t, err, &damage)
	store.replace = nil
	s.drain(other)
	s.check(other)
}

// Who follows others does not wait for entries that somebody took away.
func TestSequence_TellsOfEntriesThatAreGoneBehindWhatItKnows(t *testing.T) {
	s := newSite(t)
	begun(s)
	store := &endingEarly{Backend: s.store, end: 1 << 62}
	slow := s.on(store, audit.WithSigner(s.signer))
	s.drain(slow)
	store.end = s.head().Size + 1
	s.record(3)
	s.drain(s.honest)
	s.record(1)
	for range 2 {
		var damage *audit.DamageError
		_, err := slow.Sequence(t.Context())
		require.ErrorAs(t, err, &damage)
		_, err = slow.Checkpoint(t.Context())
		require.ErrorAs(t, err, &damage)
	}
	store.end = 1 << 62
	s.drain(slow)
	s.check(slow)
}

// endingEarly is a store in which somebody took the end of the log away.
type endingEarly struct {
	audit.Backend
	end uint64
}

func (s *endingEarly) LogRange(ctx context.Context, log int, from uint64, limit int) ([]audit.LogRow, error) {
	rows, err := s.Backend.LogRange(ctx, log, from, limit)
	for i := range rows {
		if rows[i].Index >= s.end {
			return rows[:i], err
		}
	}
	return rows, err
}

// counted counts what only loading reads.
type counted struct {
	audit.Backend
	loads   int
	replace *audit.LogRow
}

func (s *counted) TenantHeads(ctx context.Context, log int, after troth.Tenant, limit int) ([]audit.TenantHead, error) {
	s.loads++
	return s.Backend.TenantHeads(ctx, log, after, limit)
}

func (s *counted) LogRange(ctx context.Context, log int, from uint64, limit int) ([]audit.LogRow, error) {
	rows, err := s.Backend.LogRange(ctx, log, from, limit)
	for i := range rows {
		if s.replace != nil && rows[i].Index == s.replace.Index {
			rows[i] = *s.replace
		}
	}
	return rows, err
}
