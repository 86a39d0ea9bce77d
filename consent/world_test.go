package consent_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/consent"
	"github.com/trothdev/troth/deadline"
	"github.com/trothdev/troth/internal/seamtest"
	"github.com/trothdev/troth/storage/memory"
	"github.com/trothdev/troth/storage/memory/consentmem"
)

const (
	acme    troth.Tenant  = "acme"
	globex  troth.Tenant  = "globex"
	letter  troth.Purpose = "newsletter"
	stats   troth.Purpose = "statistics"
	orders  troth.Purpose = "order-fulfilment"
	reasons troth.Purpose = "court"
)

func subject(id string) troth.Subject { return troth.Subject{Tenant: acme, ID: id} }

var ada = subject("c-17")

// dawn is where clocks stand first.
var dawn = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

// newKeys are keys of everybody.
func newKeys() troth.Keys { return seamtest.Keys{} }

// world is a ledger on memory with doubles around it.
type world struct {
	*testing.T
	ctx    context.Context
	db     *memory.DB
	store  consent.Backend
	clock  *seamtest.Clock
	keys   seamtest.Keys
	sealer *seamtest.Sealer
	trail  *seamtest.Recorder
	queue  *seamtest.Queue
	ledger *consent.Ledger
	forms  int
	done   int // how much of the work
}

func newWorld(t *testing.T, opts ...consent.Option) *world {
	t.Helper()
	db := memory.Open(memory.WithWaitBound(2 * time.Second))
	return worldOn(t, consentmem.New(db), db, opts...)
}

func worldOn(t *testing.T, store consent.Backend, db *memory.DB, opts ...consent.Option) *world {
	t.Helper()
	w := &world{
		T: t, db: db, store: store, clock: seamtest.NewClock(dawn), sealer: seamtest.NewSealer(),
		trail: seamtest.NewRecorder(store.Transactor()), queue: seamtest.NewQueue(store.Transactor()),
	}
	w.ctx = troth.WithActor(t.Context(), troth.Actor{Kind: troth.Service, ID: "shop"})
	w.ledger = w.open(opts...)
	return w
}

// open makes another ledger on the same store, as another process has it.
func (w *world) open(opts ...consent.Option) *consent.Ledger {
	w.Helper()
	all := append([]consent.Option{
		consent.WithClock(w.clock.Now), consent.WithSealer(w.sealer), consent.WithEnqueuer(w.queue),
		consent.WithController(consent.Controller{Name: "Acme Ltd", Contact: "privacy@acme.example"}),
	}, opts...)
	l, err := consent.New(w.Context(), consent.Config{Store: w.store, Recorder: w.trail, Keys: w.keys}, all...)
	require.NoError(w, err)
	return l
}

func (w *world) publish(t consent.Terms) consent.Terms {
	w.Helper()
	t.Tenant = cmpTenant(t.Tenant)
	if t.Title == "" {
		t.Title = "What we do"
	}
	if t.Basis == "" {
		t.Basis = consent.Consent
	}
	stored, err := w.ledger.Publish(w.ctx, t)
	require.NoError(w, err)
	return stored
}

func cmpTenant(t troth.Tenant) troth.Tenant {
	if t == "" {
		return acme
	}
	return t
}

// form makes a form with one choice.
func (w *world) form(who troth.Subject, p troth.Purpose, k consent.Kind) consent.Form {
	w.forms++
	return consent.Form{
		ID: fmt.Sprintf("form-%d", w.forms), Subject: who, Method: consent.ByCheckbox, Channel: consent.OnWeb,
		Choices: []consent.Choice{{Purpose: p, Kind: k}},
	}
}

// say records one choice.
func (w *world) say(who troth.Subject, p troth.Purpose, k consent.Kind) consent.Event {
	w.Helper()
	return w.sayForm(w.form(who, p, k))
}

func (w *world) sayForm(f consent.Form) consent.Event {
	w.Helper()
	events, err := w.ledger.Record(w.ctx, f)
	require.NoError(w, err)
	require.Len(w, events, len(f.Choices))
	return events[0]
}

func (w *world) check(who troth.Subject, p troth.Purpose) consent.Decision {
	w.Helper()
	d, err := w.ledger.Check(w.ctx, who, p, time.Time{})
	require.NoError(w, err)
	require.Equal(w, d.Reason.Allows(), d.Allowed)
	return d
}

// denied demands a reason to deny, allowed one to allow.
func (w *world) wants(who troth.Subject, p troth.Purpose, r consent.Reason) consent.Decision {
	w.Helper()
	d := w.check(who, p)
	require.Equal(w, r, d.Reason, "%v", d)
	return d
}

// drain does all work that was enqueued since the last time, also what it leads to.
func (w *world) drain() {
	w.Helper()
	for ; w.done < len(w.queue.Pending("")); w.done++ {
		outcome, err := w.ledger.Do(w.ctx, w.queue.Pending("")[w.done])
		require.NoError(w, err)
		require.Equal(w, troth.Completed, outcome)
	}
}

// peer is another ledger of objections.
type peer struct {
	mu      sync.Mutex
	told    []troth.Objection
	objects map[troth.Subject]bool
	fail    error
}

func (p *peer) Objected(_ context.Context, qs []troth.ObjectionQuery) ([]troth.ObjectionAnswer, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.fail != nil {
		return nil, p.fail
	}
	answers := make([]troth.ObjectionAnswer, len(qs))
	for i, q := range qs {
		if p.objects[q.Subject] {
			answers[i] = troth.ObjectionAnswer{Objected: true, Reason: "opted-out", OriginID: "opt-out-1"}
		}
	}
	return answers, nil
}

func (p *peer) Object(_ context.Context, o troth.Objection) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.fail != nil {
		return p.fail
	}
	p.told = append(p.told, o)
	return nil
}

// years is a period.
func years(n int) deadline.Period { return deadline.Period{Years: n} }
