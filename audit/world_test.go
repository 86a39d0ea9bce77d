package audit_test

import (
	"bytes"
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
	"github.com/trothdev/troth/audit/audittest"
	"github.com/trothdev/troth/storage/memory"
	"github.com/trothdev/troth/storage/memory/auditmem"
)

// actTouch is the act of these tests.
var actTouch = &troth.Act{
	Name: "test.touch", Version: 2, Doc: "Something was touched.",
	Fields: []troth.Field{
		{Name: "class", Kind: troth.WordFact, Doc: "what"},
		{Name: "n", Kind: troth.CountFact, Optional: true, Doc: "how much"},
	},
}

func touch(tenant troth.Tenant, subject string) troth.Entry {
	return troth.Entry{
		Act: actTouch, Tenant: tenant, SubjectID: subject, Purpose: "support-case",
		Facts: troth.Facts{"class": troth.Word("orders"), "n": troth.Count(3)},
	}
}

var kim = troth.Actor{Kind: troth.Person, ID: "kim"}

// world is a trail on memory with everything that it stands on.
type world struct {
	*testing.T
	db     *memory.DB
	store  *watched
	keys   troth.Keys
	sealer *audittest.Sealer
	trail  *audit.Trail
	signer audit.Signer // nil if the world has no log
	at     time.Time

	// what toLog has moved
	size    uint64
	numbers map[troth.Tenant]uint64
	prev    map[troth.Tenant][32]byte
}

func newWorld(t *testing.T, opts ...audit.Option) *world {
	t.Helper()
	w := &world{
		T: t, db: memory.Open(), keys: audittest.NewKeys(), sealer: audittest.NewSealer(),
		at:      time.Date(2026, 11, 22, 10, 0, 0, 123_456_789, time.FixedZone("CET", 3600)),
		numbers: make(map[troth.Tenant]uint64), prev: make(map[troth.Tenant][32]byte),
	}
	w.store = &watched{Backend: auditmem.New(w.db)}
	w.trail = w.another(opts...)
	return w
}

// another returns one more trail on the same store, as another process has it.
func (w *world) another(opts ...audit.Option) *audit.Trail {
	w.Helper()
	opts = append([]audit.Option{audit.WithClock(func() time.Time { return w.at })}, opts...)
	trail, err := audit.New(w.Context(), w.store, w.keys, w.sealer, opts...)
	require.NoError(w, err)
	return trail
}

// as returns a context in which a acts.
func (w *world) as(a troth.Actor) context.Context { return troth.WithActor(w.Context(), a) }

func (w *world) record(ctx context.Context, e troth.Entry) troth.EntryID {
	w.Helper()
	id, err := w.trail.Record(ctx, e)
	require.NoError(w, err)
	return id
}

// records returns the tenant's entries in the order of their ids.
func (w *world) records(tenant troth.Tenant) (all []audit.Record) {
	w.Helper()
	for r, err := range w.trail.Entries(w.Context(), tenant, audit.Query{}) {
		require.NoError(w, err)
		all = append(all, r)
	}
	return all
}

// the returns the entry with that id.
func (w *world) the(tenant troth.Tenant, id troth.EntryID) audit.Record {
	w.Helper()
	for _, r := range w.records(tenant) {
		if r.ID == id {
			return r
		}
	}
	w.Fatalf("no entry %s", id)
	return audit.Record{}
}

// aboutSubject records that kim touched the person and returns the pseudonym.
func (w *world) aboutSubject(ctx context.Context, tenant troth.Tenant, subject string) audit.Pseudonym {
	w.Helper()
	return w.the(tenant, w.record(ctx, touch(tenant, subject))).Subject
}

// tick makes later ids sort later: those of one millisecond are in no order.
func (w *world) tick() { w.at = w.at.Add(time.Millisecond) }

func contains(haystack []byte, needles ...string) bool {
	for _, n := range needles {
		if bytes.Contains(haystack, []byte(n)) {
			return true
		}
	}
	return false
}

// watched remembers what was ever inserted as a pseudonym, and counts look-ups.
type watched struct {
	audit.Backend
	mu      sync.Mutex
	rows    []audit.PseudonymRow
	lookups int
}

func (s *watched) InsertPseudonym(ctx context.Context, row audit.PseudonymRow) (bool, error) {
	s.mu.Lock()
	s.rows = append(s.rows, row)
	s.mu.Unlock()
	return s.Backend.InsertPseudonym(ctx, row)
}

func (s *watched) Pseudonym(ctx context.Context, name audit.PseudonymName) (audit.PseudonymRow, bool, error) {
	s.mu.Lock()
	s.lookups++
	s.mu.Unlock()
	return s.Backend.Pseudonym(ctx, name)
}
