package audit_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
	"github.com/trothdev/troth/audit/audittest"
	"github.com/trothdev/troth/storage/faultstore"
	"github.com/trothdev/troth/storage/faultstore/auditfault"
	"github.com/trothdev/troth/storage/memory"
	"github.com/trothdev/troth/storage/memory/auditmem"
)

// notes is a sink that remembers all that it was given.
type notes struct {
	mu  sync.Mutex
	all [][]byte
	// latest is what the sink says that it holds: nothing, if nil.
	latest []byte
}

func (s *notes) Put(_ context.Context, note []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = append(s.all, slices.Clone(note))
	return nil
}

func (s *notes) Latest(context.Context) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.latest, nil
}

func (s *notes) seen() [][]byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.all)
}

// site is a store with a log, which trails on it may break under a plan.
type site struct {
	*testing.T
	db     *memory.DB
	store  *auditmem.Store
	plan   *faultstore.Plan
	tx     troth.Transactor
	keys   troth.Keys
	sealer *audittest.Sealer
	signer audit.SigningKey
	next   audit.SigningKey // who signs afterwards, where that is another
	sink   *notes
	at     time.Time
	// honest is a trail without faults.
	honest *audit.Trail
	mu     sync.Mutex // for what several goroutines acknowledge, and the clock that they read
	// acknowledged are the entries whose Record returned.
	acknowledged []audit.TenantEntry
}

func newKeyOf(t testing.TB, origin string) audit.SigningKey {
	t.Helper()
	key, err := audit.GenerateSigningKey(origin)
	require.NoError(t, err)
	return key
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{
		T: t, db: memory.Open(), plan: faultstore.NewPlan(), keys: audittest.NewKeys(), sealer: audittest.NewSealer(),
		signer: newKeyOf(t, origin), sink: &notes{}, at: time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC),
	}
	s.store = auditmem.New(s.db)
	s.tx = faultstore.Transactor(s.db, s.plan)
	s.honest = s.on(s.store, audit.WithSigner(s.signer))
	return s
}

func (s *site) clock() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.at
}

func (s *site) on(store audit.Backend, opts ...audit.Option) *audit.Trail {
	s.Helper()
	opts = append([]audit.Option{
		audit.WithClock(s.clock), audit.WithSink(s.sink),
	}, opts...)
	trail, err := audit.New(s.Context(), store, s.keys, s.sealer, opts...)
	require.NoError(s, err)
	return trail
}

// faulty returns a trail under the plan.
func (s *site) faulty(opts ...audit.Option) *audit.Trail {
	s.Helper()
	return s.on(auditfault.New(s.store, s.tx, s.plan), opts...)
}

var crashTenants = []troth.Tenant{"acme", "globex", "initech"}

func (s *site) record(n int) {
	s.Helper()
	ctx := troth.WithActor(s.Context(), troth.Actor{Kind: troth.Service, ID: "importer"})
	for range n {
		s.mu.Lock()
		s.at = s.at.Add(time.Millisecond)
		s.mu.Unlock()
		e := touch(crashTenants[len(s.acknowledged)%3], "")
		id, err := s.honest.Record(ctx, e)
		require.NoError(s, err)
		s.acknowledged = append(s.acknowledged, audit.TenantEntry{Tenant: e.Tenant, ID: id})
	}
}

func (s *site) drain(trail *audit.Trail) {
	s.Helper()
	for {
		n, err := trail.Sequence(s.Context())
		require.NoError(s, err)
		if n == 0 {
			return
		}
	}
}

func (s *site) sign(trail *audit.Trail) []byte {
	s.Helper()
	note, err := trail.Checkpoint(s.Context())
	require.NoError(s, err)
	return note
}

// check demands that everything acknowledged is in the log once, that nothing
// waits, that the store verifies, and that no checkpoint that anybody saw is
// contradicted. reader must have all keys.
func (s *site) check(reader *audit.Trail, further ...[]byte) audit.Report {
	s.Helper()
	places := make(map[audit.TenantEntry]audit.Position)
	tenants := append([]troth.Tenant{troth.Platform}, crashTenants...)
	for _, tenant := range tenants {
		for r, err := range reader.Entries(s.Context(), tenant, audit.Query{}) {
			require.NoError(s, err)
			e := audit.TenantEntry{Tenant: tenant, ID: r.ID}
			if _, twice := places[e]; twice || r.Pending {
				s.Fatalf("entry %s is there twice or waits", r.ID)
			}
			places[e] = r.Position
		}
	}
	for _, e := range s.acknowledged {
		if _, found := places[e]; !found {
			s.Fatalf("acknowledged entry %s is lost", e.ID)
		}
	}
	r, err := reader.Verify(s.Context(), audit.VerifyParams{})
	require.NoError(s, err)
	require.Zero(s, r.Backlog.Count)
	total := uint64(0)
	for _, l := range r.Logs {
		total += l.Size
	}
	require.Equal(s, uint64(len(places)), total)
	for _, note := range append(s.sink.seen(), further...) {
		_, err := reader.Verify(s.Context(), audit.VerifyParams{Trusted: note})
		require.NoError(s, err, "a checkpoint that was seen is contradicted")
	}
	return r
}

// operation is something that moves or signs the log, by its writes.
type operation struct {
	name string
	// prepare makes what the operation needs, without faults.
	prepare func(s *site)
	run     func(ctx context.Context, s *site, trail *audit.Trail) error
	opts    func(s *site) []audit.Option
}

func signing(s *site) []audit.Option { return []audit.Option{audit.WithSigner(s.signer)} }

// begun has a log, something signed, and entries that wait.
func begun(s *site) { s.begin(12) }

// beforeTheTile has more of it: the next step fills a tile.
func beforeTheTile(s *site) { s.begin(250) }

func (s *site) begin(n int) {
	s.record(n)
	s.drain(s.honest)
	s.sign(s.honest)
	s.record(9)
}

func sequenceOnce(ctx context.Context, _ *site, trail *audit.Trail) error {
	_, err := trail.Sequence(ctx)
	return err
}

func checkpointOnce(ctx context.Context, _ *site, trail *audit.Trail) error {
	_, err := trail.Checkpoint(ctx)
	return err
}

var operations = []operation{
	{"open the log", func(s *site) { s.record(3) }, sequenceOnce, signing},
	{"sequence", beforeTheTile, sequenceOnce, signing},
	{"sequence among forgeries", func(s *site) {
		begun(s)
		s.forge()
	}, sequenceOnce, signing},
	{"sign", begun, checkpointOnce, signing},
	{"open and sign", func(s *site) { s.record(1) }, checkpointOnce, signing},
	{"sequence and sign", begun, func(ctx context.Context, s *site, trail *audit.Trail) error {
		if err := sequenceOnce(ctx, s, trail); err != nil {
			return err
		}
		return checkpointOnce(ctx, s, trail)
	}, signing},
	{"await", begun, func(ctx context.Context, s *site, trail *audit.Trail) error {
		last := s.acknowledged[len(s.acknowledged)-1]
		_, err := trail.Await(ctx, last.Tenant, last.ID)
		return err
	}, signing},
}

// TestTrail_NothingIsLostAtAnyFault breaks every call that moving and signing
// the log makes, in every way, and goes on with the same trail and with a new
// one, as after a crash.
func TestTrail_NothingIsLostAtAnyFault(t *testing.T) {
	for _, op := range operations {
		t.Run(op.name, func(t *testing.T) {
			t.Parallel()
			eachOf(t, op)
		})
	}
}

// eachOf breaks every call of one operation in every way, and goes on by turns with
// the same trail and with a new one; the long form tries both each time.
func eachOf(t *testing.T, op operation) {
	t.Helper()
	dry := newSite(t)
	op.prepare(dry)
	trail := dry.faulty(op.opts(dry)...)
	before := len(dry.plan.Calls())
	require.NoError(t, op.run(t.Context(), dry, trail))
	calls := dry.plan.Calls()[before:]
	require.Greater(t, len(calls), 4)
	n := -1
	for i := range faultstore.Each(calls, faultstore.Faults()...) {
		if n++; n%slowdown != 0 {
			continue
		}
		for _, fresh := range []bool{false, true} {
			if turn := n + n/len(faultstore.Faults()); !long && fresh == (turn%2 == 0) {
				continue
			}
			t.Run(fmt.Sprintf("%s %d %s, fresh %t", i.Method, i.Nth, i.Fault, fresh), func(t *testing.T) {
				breakAndGoOn(t, op, i, fresh)
			})
		}
	}
}

func breakAndGoOn(t *testing.T, op operation, i faultstore.Injection, fresh bool) {
	s := newSite(t)
	op.prepare(s)
	trail := s.faulty(op.opts(s)...)
	s.plan.Add(i)
	ctx, cancel := s.plan.Context(t.Context())
	defer cancel()
	_ = op.run(ctx, s, trail) // judged by what it left
	require.Equal(t, 1, s.plan.Injected())
	require.False(t, s.db.Writing())
	if fresh {
		trail = s.faulty(op.opts(s)...)
	}
	s.record(2)
	require.NoError(t, op.run(t.Context(), s, trail), "retry")
	s.drain(trail)
	first := s.sign(trail)
	s.record(1)
	last := s.on(s.store, op.opts(s)...) // as another process
	s.drain(last)
	s.check(last, first, s.sign(last))
}
