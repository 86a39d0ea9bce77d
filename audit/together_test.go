package audit_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
	"github.com/trothdev/troth/storage/faultstore"
)

// batching is a store that takes many rows of the inbox at once, and counts.
type batching struct {
	audit.Backend
	tx           troth.Transactor
	plan         *faultstore.Plan
	alone, calls atomic.Int64
	rows         atomic.Int64
	// looks are how often one was looked for alone, links how often many.
	looks, links atomic.Int64
}

func (s *batching) Transactor() troth.Transactor { return s.tx }

func (s *batching) Append(ctx context.Context, row audit.InboxRow) (bool, error) {
	s.alone.Add(1)
	return s.Backend.Append(ctx, row)
}

func (s *batching) Pseudonym(ctx context.Context, name audit.PseudonymName) (audit.PseudonymRow, bool, error) {
	s.looks.Add(1)
	return s.Backend.Pseudonym(ctx, name)
}

func (s *batching) Links(ctx context.Context, names []audit.PseudonymName) ([]audit.PseudonymLink, error) {
	return faultstore.Do(ctx, s.plan, "Links", func() ([]audit.PseudonymLink, error) {
		s.links.Add(1)
		links := make([]audit.PseudonymLink, len(names))
		for i, name := range names {
			row, found, err := s.Backend.Pseudonym(ctx, name)
			if err != nil {
				return nil, err
			}
			links[i] = audit.PseudonymLink{Found: found, Pseudonym: row.Pseudonym, Tag: row.Tag}
		}
		return links, nil
	})
}

func (s *batching) AppendAll(ctx context.Context, rows []audit.InboxRow) (int, error) {
	return faultstore.Do(ctx, s.plan, "AppendAll", func() (int, error) {
		s.calls.Add(1)
		s.rows.Add(int64(len(rows)))
		for i, row := range rows {
			if appended, err := s.Backend.Append(ctx, row); err != nil || !appended {
				return i, err
			}
		}
		return len(rows), nil
	})
}

// newBatching returns a trail on a store that takes many rows, which knows kim and
// the subject 17 of acme.
func newBatching(t *testing.T) (*site, *batching, *audit.Trail) {
	t.Helper()
	s := newSite(t)
	store := &batching{Backend: s.store, tx: s.tx, plan: s.plan}
	trail := s.on(store, audit.WithSigner(s.signer))
	_, err := trail.Record(troth.WithActor(t.Context(), kim), touch("acme", "17"))
	require.NoError(t, err)
	store.alone.Store(0)
	store.links.Store(0)
	store.looks.Store(0)
	return s, store, trail
}

// recordTogether records all of them at once.
func (s *site) recordTogether(trail *audit.Trail, entries []troth.Entry, ctxs []context.Context) []error {
	s.Helper()
	errs := make([]error, len(entries))
	var wg sync.WaitGroup
	for i, e := range entries {
		wg.Go(func() {
			id, err := trail.Record(ctxs[i], e)
			if errs[i] = err; err == nil {
				s.mu.Lock()
				s.acknowledged = append(s.acknowledged, audit.TenantEntry{Tenant: e.Tenant, ID: id})
				s.mu.Unlock()
			}
		})
	}
	wg.Wait()
	return errs
}

func TestRecord_TogetherIntoTheInbox(t *testing.T) { synctest.Test(t, testTogether) }

func testTogether(t *testing.T) {
	s, store, trail := newBatching(t)
	const n = 200
	entries, ctxs := make([]troth.Entry, n), make([]context.Context, n)
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	importer := troth.WithActor(t.Context(), troth.Actor{Kind: troth.Service, ID: "importer"})
	gone := troth.WithActor(cancelled, kim)
	for i := range n {
		entry, ctx := touch("acme", "17"), troth.WithActor(t.Context(), kim)
		switch i % 20 {
		case 3:
			entry.SubjectID = fmt.Sprint("new-", i) // known to nobody
		case 5:
			entry, ctx = touch("globex", ""), importer
		case 7:
			ctx = gone
		}
		entries[i], ctxs[i] = entry, ctx
	}
	// Somebody writes meanwhile: two lead companies that wait for that, and all
	// others are in a third.
	writing, release := make(chan struct{}), make(chan struct{})
	go func() {
		_ = s.db.Atomically(t.Context(), func(context.Context) error {
			close(writing)
			<-release
			return nil
		})
	}()
	<-writing
	go func() {
		synctest.Wait()
		close(release)
	}()
	for i, err := range s.recordTogether(trail, entries, ctxs) {
		if i%20 == 7 {
			require.ErrorIs(t, err, context.Canceled)
		} else {
			require.NoError(t, err)
		}
	}
	assert.Equal(t, int64(n/20), store.alone.Load(), "those about new people")
	assert.Equal(t, int64(n-2*n/20), store.rows.Load())
	assert.LessOrEqual(t, store.calls.Load(), int64(3))
	assert.LessOrEqual(t, store.links.Load(), int64(3), "all people of a company in one go")
	assert.LessOrEqual(t, store.looks.Load(), int64(4*n/20), "and alone only those who are new, with who acts")
	s.drain(s.honest)
	s.check(s.honest)
	assert.Len(t, s.acknowledged, n-n/20)
}

func TestRecord_InATransactionIsNotShared(t *testing.T) {
	s, store, trail := newBatching(t)
	require.ErrorIs(t, s.tx.Atomically(troth.WithActor(t.Context(), kim), func(ctx context.Context) error {
		_, err := trail.Record(ctx, touch("acme", "17"))
		require.NoError(t, err)
		return errBroken
	}), errBroken)
	assert.Zero(t, store.calls.Load())
	assert.Equal(t, 1, s.backlog(), "the one before")
}

// TestRecord_TogetherIsStoredOrFails breaks every call of a company.
func TestRecord_TogetherIsStoredOrFails(t *testing.T) {
	dry, _, trail := newBatching(t)
	before := len(dry.plan.Calls())
	entries := []troth.Entry{touch("acme", "17")}
	require.NoError(t, dry.recordTogether(trail, entries, []context.Context{troth.WithActor(t.Context(), kim)})[0])
	calls := dry.plan.Calls()[before:]
	require.Len(t, calls, 4, "begin, one statement for the people and one for the entries, commit")
	for i := range faultstore.Each(calls, faultstore.Faults()...) {
		t.Run(fmt.Sprintf("%s %d %s", i.Method, i.Nth, i.Fault), func(t *testing.T) {
			s, _, trail := newBatching(t)
			s.plan.Add(i)
			ctx, cancel := s.plan.Context(troth.WithActor(t.Context(), kim))
			defer cancel()
			const n = 5
			entries, ctxs := make([]troth.Entry, n), make([]context.Context, n)
			for i := range n {
				entries[i], ctxs[i] = touch("acme", "17"), ctx
			}
			errs := s.recordTogether(trail, entries, ctxs)
			require.Equal(t, 1, s.plan.Injected())
			failed := 0
			for _, err := range errs {
				if err != nil {
					failed++
				}
			}
			stored := s.backlog() - 1
			require.GreaterOrEqual(t, stored, n-failed)
			if i.Method != faultstore.Commit {
				require.Equal(t, n-failed, stored, "an entry that failed is there")
			}
			s.drain(s.honest)
			s.check(s.honest)
		})
	}
}
