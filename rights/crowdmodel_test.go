package rights_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/rights"
)

// rumour is a source that says whatever chance has it say, and keeps what of that stayed.
type rumour struct {
	name   string
	order  rights.Order
	model  *crowdModel
	said   []said
	remote uint64
}

type said struct {
	scope   *troth.Scope
	records uint64
}

// report is what it says this time; right or not.
func (r *rumour) report(ctx context.Context) (rights.Report, error) {
	m := r.model
	if r.order == rights.Remote {
		m.meddle() // nothing is locked while it is asked
	}
	n := uint64(1 + m.r.IntN(5))
	rep := rights.Report{Outcome: rights.Done, Method: rights.Deleted, Records: n, Asked: []string{"subject"}}
	switch m.r.IntN(m.calm) {
	case 0:
		return rep, errDown
	case 1:
		panic("it holds " + canary)
	case 2:
		return rights.Report{Outcome: rights.Done, Records: 7}, nil // that cannot be
	case 3, 4:
		rep.More = true
	case 5:
		rep = rights.Report{Outcome: rights.NothingFound, Asked: rep.Asked}
	case 6, 7:
		rep.Outcome = rights.Retained
		rep.Kept = []rights.Kept{{Basis: rights.LegalClaims, Records: 2, Review: m.clock.Now().Add(time.Duration(1+m.r.IntN(100)) * time.Hour)}}
	case 8:
		rep.Outcome = rights.Pending
	case 9:
		rep = rights.Report{Outcome: rights.Unsupported}
	}
	if r.order == rights.Remote {
		r.remote += rep.Records
		rep.Records = r.remote
	}
	if rep.Records == 0 && r.remote > 0 && rep.Outcome == rights.NothingFound {
		rep = rights.Report{Outcome: rights.Done, Method: rights.Deleted, Records: r.remote}
	}
	r.said = append(r.said, said{m.db.Scope(ctx), rep.Records})
	return rep, nil
}

func (r *rumour) Erase(ctx context.Context, _ rights.Inquiry) (rights.Report, error) {
	return r.report(ctx)
}

func (r *rumour) Restrict(ctx context.Context, _ rights.Inquiry) (rights.Report, error) {
	return r.report(ctx)
}

func (r *rumour) Lift(context.Context, rights.Inquiry, rights.Lifted) error { return nil }

// stayed is how many records it dealt with in transactions that were not undone.
func (r *rumour) stayed() (n uint64) {
	for _, s := range r.said {
		if s.scope.State() != troth.ScopeRolledBack && s.scope.Outermost().State() != troth.ScopeRolledBack {
			n += s.records
		}
	}
	return n
}

// crowdModel is two processes that carry one request out, each with what sources are registered
// with it at the moment.
type crowdModel struct {
	*world
	r     *rand.Rand
	pool  []*rumour
	desks [2]*rights.Desk
	id    string
	// first are the sources that were registered when the work began, byHand what people said.
	first  []rights.SourceWork
	byHand map[string]uint64
	at     int
	depth  int
	// calm is how seldom something does not go as it should; some requests are fulfilled.
	calm int
}

// restart is another process, with other sources registered, in another order, under other titles.
func (m *crowdModel) restart(n int) {
	m.Helper()
	tx := &meddled{Transactor: m.db, model: m}
	opts := []rights.Option{
		rights.WithCoolingOff(time.Hour), rights.WithController("Acme Ltd."), rights.WithEvidence(m.trail), rights.WithTries(2),
		rights.WithClock(m.clock.Now), rights.WithSealer(m.sealer), rights.WithNotifier(m.post), rights.WithAlarms(m.bells),
		rights.WithShredder(m.sealer.Shred), rights.Unmanaged("test"), rights.WithRegimes("gdpr"),
	}
	version := fmt.Sprint(m.r.IntN(100))
	for _, i := range m.r.Perm(len(m.pool)) {
		s := m.pool[i]
		if m.r.IntN(m.calm) == 0 {
			continue
		}
		source := rights.Source{Name: s.name, Order: s.order, Title: "Title " + version, Policy: "v" + version}
		if m.r.IntN(m.calm) > 0 {
			source.Eraser, source.Restrictor = s, s
		}
		opts = append(opts, rights.WithSource(source))
	}
	d, err := rights.New(m.Context(), rights.Config{Store: storeOn{m.store, tx}, Recorder: sharedTrail{m.trail, tx}, Keys: keys{}}, opts...)
	require.NoError(m, err)
	m.desks[n] = d
}

// meddled is a transactor before whose transactions the other process may do something.
type meddled struct {
	troth.Transactor
	model *crowdModel
}

func (t *meddled) Atomically(ctx context.Context, fn func(ctx context.Context) error) error {
	if t.Scope(ctx) == nil {
		t.model.meddle()
	}
	return t.Transactor.Atomically(ctx, fn)
}

func (m *crowdModel) meddle() {
	if m.depth == 0 || m.depth > 2 || m.r.IntN(8) > 0 {
		return
	}
	m.act(1 - m.at)
}

// act has one of the processes do something.
func (m *crowdModel) act(n int) {
	was := m.at
	m.at = n
	m.depth++
	defer func() { m.at = was; m.depth-- }()
	name := m.pool[m.r.IntN(len(m.pool))].name
	d := m.desks[n]
	var err error
	switch m.r.IntN(12) {
	case 0, 1, 2, 3:
		err = d.Step(m.ctx, acme, m.id)
	case 4, 5:
		err = d.Sweep(m.ctx)
	case 6:
		err = d.Wake(m.ctx, acme, m.id, name)
	case 7:
		rep := rights.Report{Outcome: rights.Done, Method: rights.Deleted, Records: 1, Asked: []string{"subject"}, Ref: "ticket-1"}
		if err = d.Settle(m.ctx, acme, m.id, name, rep); err == nil {
			m.byHand[name]++
		}
	case 8:
		_, err = d.Approve(m.ctx, acme, m.id)
	case 9:
		if m.r.IntN(3) == 0 {
			_, err = d.Deliver(m.ctx, acme, m.id, time.Time{})
		}
	case 10:
		m.restart(n)
	case 11:
		m.clock.Move(time.Duration(m.r.IntN(30*60)) * time.Minute)
	}
	_, state := errors.AsType[*rights.StateError](err)
	require.True(m, err == nil || state || errors.Is(err, rights.ErrNotFound), "%+v", err)
}

// check demands what holds of a request at any time.
func (m *crowdModel) check() {
	m.Helper()
	r := m.get(m.id)
	story(m.world, r)
	events, err := m.desk.Events(m.ctx, acme, m.id)
	require.NoError(m, err)
	for _, e := range events {
		require.True(m, e.From == e.To || slices.ContainsFunc(rights.Transitions(), func(t rights.Transition) bool {
			return t.From == e.From && t.To == e.To && t.Event == e.Kind
		}), "%s from %s to %s", e.Kind, e.From, e.To)
	}
	work, err := m.desk.Work(m.ctx, acme, m.id)
	require.NoError(m, err)
	if m.first == nil && len(work) > 0 {
		m.first = work
	}
	require.Len(m, work, len(m.first))
	open, err := m.desk.Obligations(m.ctx, acme, m.id)
	require.NoError(m, err)
	left := map[string]rights.ObligationKind{}
	for _, o := range open {
		left[o.Ref] = o.Kind
	}
	evidence := m.evidence()
	for i, w := range work {
		f := m.first[i]
		require.Equal(m, []any{f.Source, f.Title, f.Policy, f.Order, f.Able}, []any{w.Source, w.Title, w.Policy, w.Order, w.Able})
		require.Equal(m, evidence[w.Source], w.Evidence, "%s has the evidence of what it said last", w.Source)
		require.Equal(m, w.Outcome == "", w.Evidence.IsZero())
		require.Equal(m, map[rights.Outcome]rights.ObligationKind{
			rights.Failed: rights.ManualTask, rights.Pending: rights.RecipientAnswer, rights.Retained: rights.DeferredErasure,
		}[w.Outcome], left[w.Source], "%s is %s", w.Source, w.Outcome)
		m.counted(w)
		if r.State == rights.StateDelivering || r.State.Final() {
			require.NotEmpty(m, w.Outcome, w.Source)
		}
	}
	if r.State == rights.StateFulfilled {
		require.Zero(m, r.Left)
		require.Equal(m, len(work), r.Done)
	}
	m.clock.Move(time.Millisecond)
	require.NoError(m, m.desk.Reconcile(m.ctx, acme))
}

// counted demands that what a source did is counted once.
func (m *crowdModel) counted(w rights.SourceWork) {
	m.Helper()
	i := slices.IndexFunc(m.pool, func(r *rumour) bool { return r.name == w.Source })
	if r := m.pool[i]; r.order == rights.Remote {
		require.LessOrEqual(m, w.Records, max(r.remote, 1), w.Source)
	} else {
		require.Equal(m, r.stayed()+m.byHand[w.Source], w.Records, w.Source)
	}
}

// evidence is the entry of what each source said last.
func (m *crowdModel) evidence() map[string]troth.EntryID {
	last := map[string]troth.EntryID{}
	for _, e := range m.trail.Of("rights.source") {
		last[e.Facts["source"].Text()] = e.ID
	}
	return last
}

// TestModel_ManySources: two processes carry one request out while sources say whatever they like,
// come and go, and people settle some by hand: whatever the order, nothing is lost, made up or
// counted twice.
func TestModel_ManySources(t *testing.T) {
	t.Logf("-seed %d", *seed)
	requests := 8
	if os.Getenv("TROTH_LONG") != "" {
		requests = 500
	}
	ends := map[rights.State]int{}
	for n := range requests {
		m := &crowdModel{world: newWorld(t), r: rand.New(rand.NewPCG(*seed, uint64(n))), byHand: map[string]uint64{}, calm: 16}
		if n%4 == 0 {
			m.calm = 2000
		}
		m.desk = m.open(rights.WithEvidence(m.trail))
		for i := range 14 {
			m.pool = append(m.pool, &rumour{name: fmt.Sprintf("source-%02d", i), order: rights.Orders()[m.r.IntN(4)], model: m})
		}
		m.id = m.accepted([]rights.Right{rights.Erase, rights.Restrict}[n%2]).ID
		m.restart(0)
		m.restart(1)
		for range 80 {
			m.act(m.r.IntN(2))
			m.check()
		}
		ends[m.get(m.id).State]++
	}
	t.Log(ends)
	require.Greater(t, ends[rights.StateFulfilled]+ends[rights.StatePartiallyFulfilled]+ends[rights.StateDelivering], requests/2)
}
