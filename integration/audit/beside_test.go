package audit

import (
	"context"
	"database/sql"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
	"github.com/trothdev/troth/audit/audittest"
)

// heldUp stops a sequencer where a test wants it.
type heldUp struct {
	audit.Backend
	elected bool // Elect says yes to everybody
	mu      sync.Mutex
	read    func() // called once the heads were read, in the transaction
	write   func() // called before the head is moved
}

func (s *heldUp) Elect(ctx context.Context) (bool, error) {
	if s.elected {
		return true, nil
	}
	return s.Backend.Elect(ctx)
}

// once takes the function away, so that it is called once.
func (s *heldUp) once(fn *func()) {
	s.mu.Lock()
	call := *fn
	*fn = nil
	s.mu.Unlock()
	if call != nil {
		call()
	}
}

func (s *heldUp) Heads(ctx context.Context) ([]audit.Head, error) {
	heads, err := s.Backend.Heads(ctx)
	s.once(&s.read)
	return heads, err
}

func (s *heldUp) MoveHead(ctx context.Context, m audit.HeadMove) (bool, error) {
	s.once(&s.write)
	return s.Backend.MoveHead(ctx, m)
}

// beside opens a program in this process whose store the test holds up.
func (s site) beside(t *testing.T) (*program, *heldUp) {
	t.Helper()
	key, err := audit.ParseSigningKey(s.Signer)
	require.NoError(t, err)
	held := new(heldUp)
	p, db, err := s.connect(t.Context(), func(b audit.Backend) audit.Backend {
		held.Backend = b
		return held
	}, audit.WithSigner(key))
	require.NoError(t, err)
	t.Cleanup(func() { _ = db.Close() })
	return p, held
}

func (p *program) record(ctx context.Context, t *testing.T, tenant troth.Tenant) troth.EntryID {
	t.Helper()
	id, err := p.trail.Record(ctx, troth.Entry{Act: other, Tenant: tenant, SubjectID: "17"})
	require.NoError(t, err)
	return id
}

func kim(ctx context.Context) context.Context {
	return troth.WithActor(ctx, troth.Actor{Kind: troth.Person, ID: "kim"})
}

// sequenced reports where an entry stands, if it does.
func (p *program) sequenced(t *testing.T, tenant troth.Tenant, id troth.EntryID) (audit.LogRow, bool) {
	t.Helper()
	row, found, err := p.store.LogEntry(t.Context(), tenant, id)
	require.NoError(t, err)
	return row, found
}

// TestSequence_ALateOneForksNothing lets two processes believe that they are
// elected: one has read the heads and not yet written when the other moves the
// log.
func TestSequence_ALateOneForksNothing(t *testing.T) {
	for name, waiting := range map[string]bool{"with entries left": true, "with none left": false} {
		t.Run(name, func(t *testing.T) {
			s := newPostgresSite(t)
			fast := s.signing(t)
			slow, held := s.beside(t)
			held.elected = true
			fast.record(kim(t.Context()), t, "acme")
			slow.drain(t)
			fast.record(kim(t.Context()), t, "acme")
			var seen []byte
			held.read = func() {
				fast.drain(t)
				note, err := fast.trail.Checkpoint(t.Context())
				require.NoError(t, err)
				seen = note
				if waiting {
					fast.record(kim(t.Context()), t, "globex")
				}
			}
			_, err := slow.trail.Sequence(t.Context())
			require.NoError(t, err)
			require.NotNil(t, seen)
			slow.drain(t)
			_, err = fast.trail.Verify(t.Context(), audit.VerifyParams{Trusted: seen})
			require.NoError(t, err)
			_, _, roots := fast.readLog(t)
			want := 1 + 2
			if waiting {
				want++
			}
			assert.Len(t, roots, want+1)
		})
	}
}

// TestSequence_ALateOneWaitsForTheHeadThatAnotherMoves: both have written their
// rows, in transactions that are open at once.
func TestSequence_ALateOneWaitsForTheHeadThatAnotherMoves(t *testing.T) {
	s := newPostgresSite(t)
	fast, heldFast := s.beside(t)
	slow, held := s.beside(t)
	held.elected, heldFast.elected = true, true
	fast.record(kim(t.Context()), t, "acme")
	slow.drain(t)
	fast.drain(t)
	fast.record(kim(t.Context()), t, "acme")
	late := make(chan error, 1)
	heldFast.write = func() {
		fast.record(kim(t.Context()), t, "globex")
		go func() {
			_, err := slow.trail.Sequence(t.Context())
			late <- err
		}()
		select {
		case err := <-late:
			late <- err
		case <-time.After(300 * time.Millisecond): // it waits for a row of this transaction
		}
	}
	_, err := fast.trail.Sequence(t.Context())
	require.NoError(t, err)
	require.NoError(t, <-late)
	slow.drain(t)
	_, err = slow.trail.Checkpoint(t.Context())
	require.NoError(t, err)
	_, err = slow.trail.Verify(t.Context(), audit.VerifyParams{})
	require.NoError(t, err)
	_, _, roots := slow.readLog(t)
	assert.Len(t, roots, 1+1+3)
}

// TestRecord_DoesNotSerialiseTheHostsTransactions opens two of the host's
// transactions at once, about the same people, and commits them in either order
// while the sequencer runs.
func TestRecord_DoesNotSerialiseTheHostsTransactions(t *testing.T) {
	for name, firstFirst := range map[string]bool{"in order": true, "in the other order": false} {
		t.Run(name, func(t *testing.T) {
			s := newPostgresSite(t)
			p := s.signing(t)
			p.record(kim(t.Context()), t, "acme") // the people are known
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			go func() { ended <- p.trail.Run(ctx) }()

			bounded, done := context.WithTimeout(t.Context(), patience)
			defer done()
			db, err := sql.Open(s.Driver, s.DSN)
			require.NoError(t, err)
			defer func() { _ = db.Close() }()
			begin := func() (*sql.Tx, troth.EntryID) {
				tx, err := db.BeginTx(bounded, nil)
				require.NoError(t, err)
				return tx, p.record(p.handle.WithTx(kim(bounded), tx), t, "acme")
			}
			first, firstID := begin()
			second, secondID := begin()
			if !firstFirst {
				first, second = second, first
				firstID, secondID = secondID, firstID
			}
			between := p.record(kim(bounded), t, "acme")
			_, err = p.trail.Await(bounded, "acme", between)
			require.NoError(t, err, "what is committed does not wait for what is not")
			require.NoError(t, first.Commit())
			at, err := p.trail.Await(bounded, "acme", firstID)
			require.NoError(t, err)
			_, found := p.sequenced(t, "acme", secondID)
			require.False(t, found)
			require.NoError(t, second.Commit())
			later, err := p.trail.Await(bounded, "acme", secondID)
			require.NoError(t, err)
			assert.Equal(t, at.Index+1, later.Index)
			assert.Equal(t, at.Number+1, later.Number)

			cancel()
			require.ErrorIs(t, <-ended, context.Canceled)
			_, err = p.trail.Verify(t.Context(), audit.VerifyParams{})
			require.NoError(t, err)
		})
	}
}

// TestRecord_GoesOnWhileAStepIsOpen records and commits while a sequencer is in
// the middle of its transaction.
func TestRecord_GoesOnWhileAStepIsOpen(t *testing.T) {
	s := newPostgresSite(t)
	p, held := s.beside(t)
	p.record(kim(t.Context()), t, "acme")
	p.drain(t)
	p.record(kim(t.Context()), t, "acme")
	open := false
	held.write = func() {
		open = true
		bounded, cancel := context.WithTimeout(kim(t.Context()), patience)
		defer cancel()
		for range 20 {
			p.record(bounded, t, "acme")
		}
	}
	_, err := p.trail.Sequence(t.Context())
	require.NoError(t, err)
	require.True(t, open)
	p.drain(t)
	_, _, roots := p.readLog(t)
	assert.Len(t, roots, 1+1+2+20)
}

// TestSequence_AnotherPrunesWhatALateOneIsToFollow: a process that was idle is elected,
// and what it has not seen yet is destroyed between its look at the head and its look at
// the entries. That is no damage, and it goes on.
func TestSequence_AnotherPrunesWhatALateOneIsToFollow(t *testing.T) {
	s := newPostgresSite(t)
	fast := s.signing(t)
	key, err := audit.ParseSigningKey(s.Signer)
	require.NoError(t, err)
	keeper, err := audit.New(t.Context(), fast.store, seeded(s.Seed), audittest.NewSealer(), audit.Unmanaged("test"), audit.WithSigner(key))
	require.NoError(t, err)
	slow, held := s.beside(t)
	slow.record(kim(t.Context()), t, "acme")
	slow.drain(t)
	for range 600 {
		fast.record(kim(t.Context()), t, "acme")
	}
	fast.drain(t)
	_, err = fast.trail.Checkpoint(t.Context())
	require.NoError(t, err)
	fast.record(kim(t.Context()), t, "acme")
	pruned := false
	held.read = func() {
		_, err := keeper.Prune(kim(t.Context()), troth.UnmanagedPermit("expired"), audit.PruneTo{Log: 1, Before: 512})
		require.NoError(t, err)
		pruned = true
	}
	_, err = slow.trail.Sequence(t.Context())
	require.NoError(t, err)
	require.True(t, pruned)
	slow.drain(t)
	_, err = slow.trail.Checkpoint(t.Context())
	require.NoError(t, err)
	_, err = fast.trail.Verify(t.Context(), audit.VerifyParams{})
	require.NoError(t, err)
}
