package audit_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
)

var errBroken = errors.New("broken")

type brokenSink struct{}

func (brokenSink) Put(context.Context, []byte) error { return errBroken }

func (brokenSink) Latest(context.Context) ([]byte, error) { return nil, nil }

// hungSink does not answer before the end, whatever becomes of its context.
type hungSink struct{ end chan struct{} }

func (s hungSink) Put(context.Context, []byte) error { <-s.end; return nil }

func (s hungSink) Latest(context.Context) ([]byte, error) { return nil, nil }

type panickingSink struct{}

func (panickingSink) Put(context.Context, []byte) error { panic("of a sink") }

func (panickingSink) Latest(context.Context) ([]byte, error) { return nil, nil }

func TestCheckpoint_IsKeptWhateverSinksDo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		s.record(1)
		hung := hungSink{make(chan struct{})}
		defer close(hung.end)
		trail := s.on(s.store, audit.WithSigner(s.signer),
			audit.WithSink(brokenSink{}), audit.WithSink(hung), audit.WithSink(panickingSink{}))
		for round := 1; round <= 3; round++ {
			began := time.Now()
			s.at = s.at.Add(time.Second)
			note, err := trail.Checkpoint(t.Context())
			var failed *audit.SinkError
			require.ErrorAs(t, err, &failed)
			assert.Equal(t, 3, failed.Failed)
			assert.Equal(t, 4, failed.Of)
			require.ErrorIs(t, err, errBroken)
			require.ErrorIs(t, err, context.DeadlineExceeded)
			assert.NotContains(t, err.Error(), "of a sink", "what a sink panics with may say anything")
			assert.Equal(t, 10*time.Second, time.Since(began))
			latest, err := trail.Latest(t.Context())
			require.NoError(t, err)
			assert.Equal(t, note, latest)
			require.Len(t, s.sink.seen(), round)
		}
	})
}

// TestRun_SinksDoNotHoldUpOneAnother also ends while one hangs.
func TestRun_SinksDoNotHoldUpOneAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		s.record(1)
		hung := hungSink{make(chan struct{})}
		defer close(hung.end)
		trail := s.on(s.store, audit.WithSigner(s.signer), audit.WithClock(time.Now),
			audit.WithSink(hung), audit.WithSink(panickingSink{}), audit.WithCheckpoints(time.Second, time.Second))
		ctx, cancel := context.WithTimeout(t.Context(), 20500*time.Millisecond)
		defer cancel()
		require.ErrorIs(t, trail.Run(ctx), context.DeadlineExceeded)
		assert.InDelta(t, 21, len(s.sink.seen()), 2)
		s.check(s.honest)
	})
}

// askedSink tells in what it is asked.
type askedSink struct {
	tx    troth.Transactor
	asked int
	err   error
	note  []byte
}

func (s *askedSink) Put(context.Context, []byte) error { return nil }

func (s *askedSink) Latest(ctx context.Context) ([]byte, error) {
	s.asked++
	if s.tx.Scope(ctx) != nil {
		return nil, errors.New("asked inside a transaction")
	}
	return s.note, s.err
}

// TestSequence_AsksSinksBeforeItGoesOn: once, outside of transactions, and not
// again while it follows the log.
func TestSequence_AsksSinksBeforeItGoesOn(t *testing.T) {
	s := newSite(t)
	begun(s)
	sink := &askedSink{tx: s.db, err: errBroken}
	trail := s.on(s.store, audit.WithSigner(s.signer), audit.WithSink(sink))
	for range 2 {
		_, err := trail.Sequence(t.Context())
		require.ErrorIs(t, err, errBroken)
	}
	assert.Equal(t, 9, s.backlog(), "nothing was sequenced")
	sink.err, sink.note = nil, []byte("no note")
	_, err := trail.Sequence(t.Context())
	require.ErrorIs(t, err, audit.ErrNote)
	sink.note = s.sink.seen()[0]
	asked := sink.asked
	for range 3 {
		s.record(1)
		s.drain(trail)
		s.record(1)
		s.drain(s.honest)
		s.sign(trail)
	}
	assert.Equal(t, asked+1, sink.asked)
	s.check(trail)
}

func (s *site) backlog() int {
	s.Helper()
	b, err := s.store.Backlog(s.Context())
	require.NoError(s, err)
	return b.Count
}

func TestFileSink_KeepsTheCheckpointThatCoversMost(t *testing.T) {
	s := newSite(t)
	s.record(1)
	s.drain(s.honest)
	small := s.sign(s.honest)
	s.at = s.at.Add(time.Second)
	smallAgain := s.sign(s.honest)
	s.record(1)
	s.drain(s.honest)
	large := s.sign(s.honest)

	path := filepath.Join(t.TempDir(), "checkpoint")
	sink := audit.FileSink(path)
	held, err := sink.Latest(t.Context())
	require.NoError(t, err)
	assert.Nil(t, held)
	for _, step := range []struct{ put, held []byte }{
		{small, small}, {smallAgain, smallAgain}, {large, large}, {small, large},
	} {
		require.NoError(t, sink.Put(t.Context(), step.put))
		held, err := sink.Latest(t.Context())
		require.NoError(t, err)
		assert.Equal(t, step.held, held)
	}
	next := s.successor(s.store, newKeyOf(t, newOrigin))
	require.NoError(t, next.Continue(t.Context(), large))
	other := s.sign(next)
	require.NoError(t, sink.Put(t.Context(), other))
	held, err = os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, other, held, "of another log")
}

func TestWriterSink_WritesEveryCheckpoint(t *testing.T) {
	s := newSite(t)
	s.record(1)
	var out bytes.Buffer
	trail := s.on(s.store, audit.WithSigner(s.signer), audit.WithSink(audit.WriterSink(&out)))
	first := s.sign(trail)
	s.record(1)
	s.drain(trail)
	second := s.sign(trail)
	assert.Equal(t, string(first)+string(second), out.String())
}
