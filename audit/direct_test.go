package audit_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
	"github.com/trothdev/troth/audit/audittest"
	"github.com/trothdev/troth/storage/memory"
	"github.com/trothdev/troth/storage/memory/auditmem"
)

// single is a store with one writer, which counts what goes by the inbox.
type single struct {
	audit.Backend
	inbox  atomic.Int64
	refuse atomic.Bool // entries of the log
}

func (*single) OneWriter() bool { return true }

func (s *single) Append(ctx context.Context, row audit.InboxRow) (bool, error) {
	s.inbox.Add(1)
	return s.Backend.Append(ctx, row)
}

var errRefused = errors.New("disk is full")

func (s *single) AppendLog(ctx context.Context, rows []audit.LogRow) error {
	if s.refuse.Load() {
		return errRefused
	}
	return s.Backend.AppendLog(ctx, rows)
}

// newSingle returns a trail that is in Run, on a store with one writer, and that
// knows kim and the subject 17 of acme.
func newSingle(t *testing.T) (*single, *memory.DB, *audit.Trail) {
	t.Helper()
	db := memory.Open()
	store := &single{Backend: auditmem.New(db)}
	signer, err := audit.GenerateSigningKey(origin)
	require.NoError(t, err)
	trail, err := audit.New(t.Context(), store, audittest.NewKeys(), audittest.NewSealer(), audit.WithSigner(signer))
	require.NoError(t, err)
	ctx, end := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- trail.Run(ctx) }()
	t.Cleanup(func() {
		end()
		require.ErrorIs(t, <-ended, context.Canceled)
	})
	for before := int64(-1); store.inbox.Load() != before; { // until Run has begun
		before = store.inbox.Load()
		id, err := trail.Record(troth.WithActor(t.Context(), kim), touch("acme", "17"))
		require.NoError(t, err)
		_, err = trail.Await(t.Context(), "acme", id)
		require.NoError(t, err)
	}
	store.inbox.Store(0)
	return store, db, trail
}

// recordAndProve asks at once for the place and the proof of what it recorded.
func recordAndProve(ctx context.Context, trail *audit.Trail, entry troth.Entry) error {
	id, err := trail.Record(ctx, entry)
	if err != nil {
		return err
	}
	at, err := trail.Await(ctx, entry.Tenant, id)
	if err != nil {
		return err
	}
	if at.Number == 0 {
		return errors.New("an entry without a number")
	}
	_, err = trail.Prove(ctx, entry.Tenant, id)
	return err
}

func TestRecord_PastTheInboxTogether(t *testing.T) {
	store, _, trail := newSingle(t)
	const writers, each = 8, 25
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			ctx := troth.WithActor(t.Context(), kim)
			entry := touch("acme", "17")
			if w%2 == 0 {
				ctx = troth.WithActor(t.Context(), troth.Actor{Kind: troth.Service, ID: fmt.Sprint("job-", w)})
				entry.SubjectID = ""
			}
			for range each {
				if err := recordAndProve(ctx, trail, entry); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	assert.Zero(t, store.inbox.Load())
	report, err := trail.Verify(t.Context(), audit.VerifyParams{})
	require.NoError(t, err)
	require.Len(t, report.Logs, 1)
	assert.GreaterOrEqual(t, report.Logs[0].Size, uint64(1+writers*each))
	kims, services := 0, 0
	for r, err := range trail.Entries(t.Context(), "acme", audit.Query{}) {
		require.NoError(t, err)
		if r.Actor.Kind == troth.Service {
			services++
			assert.True(t, r.Subject.IsZero())
			continue
		}
		kims++
		ps, found, err := trail.Pseudonym(t.Context(), troth.Subject{Tenant: "acme", ID: "17"})
		require.NoError(t, err)
		require.True(t, found)
		assert.Equal(t, ps, r.Subject)
	}
	assert.GreaterOrEqual(t, kims, writers/2*each)
	assert.Equal(t, writers/2*each, services)
}

// What cannot go past the inbox goes by it: what is part of a transaction, has a
// payload, or names somebody for the first time.
func TestRecord_ByTheInbox(t *testing.T) {
	store, db, trail := newSingle(t)
	ctx := troth.WithActor(t.Context(), kim)
	for name, record := range map[string]func() (troth.EntryID, error){
		"in a transaction": func() (id troth.EntryID, err error) {
			err = db.Atomically(ctx, func(ctx context.Context) error {
				id, err = trail.Record(ctx, touch("acme", "17"))
				return err
			})
			return id, err
		},
		"of somebody new": func() (troth.EntryID, error) { return trail.Record(ctx, touch("acme", "18")) },
		"by somebody new": func() (troth.EntryID, error) {
			return trail.Record(troth.WithActor(ctx, troth.Actor{Kind: troth.Person, ID: "lee"}), touch("acme", "17"))
		},
		"with a payload": func() (troth.EntryID, error) {
			return trail.Record(ctx, troth.Entry{
				Act: actLetter, Tenant: "acme", SubjectID: "17",
				Parts: []troth.Part{{Name: "text", Content: troth.Protect([]byte("hello"))}},
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			store.inbox.Store(0)
			id, err := record()
			require.NoError(t, err)
			assert.EqualValues(t, 1, store.inbox.Load())
			_, err = trail.Await(t.Context(), "acme", id)
			require.NoError(t, err)
		})
	}
}

// Evidence does not hang on the log.
func TestRecord_ByTheInboxWhereTheLogTakesNothing(t *testing.T) {
	store, _, trail := newSingle(t)
	store.refuse.Store(true)
	id, err := trail.Record(troth.WithActor(t.Context(), kim), touch("acme", "17"))
	require.NoError(t, err)
	assert.EqualValues(t, 1, store.inbox.Load())
	backlog, err := trail.Backlog(t.Context())
	require.NoError(t, err)
	assert.Equal(t, 1, backlog.Count)
	store.refuse.Store(false)
	_, err = trail.Await(t.Context(), "acme", id)
	require.NoError(t, err)
}

func TestRecord_PastTheInboxHeedsItsContext(t *testing.T) {
	store, _, trail := newSingle(t)
	ctx, cancel := context.WithCancel(troth.WithActor(t.Context(), kim))
	cancel()
	_, err := trail.Record(ctx, touch("acme", "17"))
	require.ErrorIs(t, err, context.Canceled)
	assert.Zero(t, store.inbox.Load())
}

// steps counts what is asked before a step.
type steps struct {
	*single
	heads, taken atomic.Int64
}

func (s *steps) Heads(ctx context.Context) ([]audit.Head, error) {
	s.heads.Add(1)
	return s.single.Heads(ctx)
}

func (s *steps) TakeInbox(ctx context.Context, limit int) ([]audit.InboxRow, error) {
	s.taken.Add(1)
	return s.single.TakeInbox(ctx, limit)
}

// A step behind one of this process asks for nothing; that the log moved meanwhile,
// by another process, shows when the head is to be moved, and nothing is lost.
func TestRecord_PastTheInboxWhileOthersMoveTheLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		s.at = time.Now()
		store := &steps{single: &single{Backend: s.store}}
		trail := s.on(store, audit.WithSigner(s.signer), audit.WithClock(time.Now))
		stop := s.running(trail)
		ctx := troth.WithActor(t.Context(), troth.Actor{Kind: troth.Service, ID: "importer"})
		record := func() audit.Position {
			t.Helper()
			id, err := trail.Record(ctx, touch("acme", ""))
			require.NoError(t, err)
			s.acknowledged = append(s.acknowledged, audit.TenantEntry{Tenant: "acme", ID: id})
			at, err := trail.Await(t.Context(), "acme", id)
			require.NoError(t, err)
			return at
		}
		pass(time.Second)
		record()
		synctest.Wait()
		before := [2]int64{store.heads.Load(), store.taken.Load()}
		for range 50 {
			record()
		}
		asked := [2]int64{store.heads.Load(), store.taken.Load()}
		assert.Equal(t, before, asked, "it asked how the log stands")
		assert.Zero(t, store.inbox.Load())

		for range 10 {
			last := record()
			s.record(3)
			n, err := s.honest.Sequence(t.Context()) // another process
			require.NoError(t, err)
			require.Equal(t, 3, n)
			assert.Equal(t, last.Index+4, record().Index, "behind what the other one added")
		}
		// What this process put into the inbox goes first.
		require.NoError(t, s.db.Atomically(ctx, func(ctx context.Context) error {
			id, err := trail.Record(ctx, touch("acme", ""))
			s.acknowledged = append(s.acknowledged, audit.TenantEntry{Tenant: "acme", ID: id})
			return err
		}))
		at := record()
		waited, err := trail.Await(t.Context(), "acme", s.acknowledged[len(s.acknowledged)-2].ID)
		require.NoError(t, err)
		assert.Less(t, waited.Index, at.Index)
		stop()
		s.check(s.honest)
	})
}
