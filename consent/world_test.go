package consent_test

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/consent"
	"github.com/trothdev/troth/deadline"
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

// clock is a clock that stands until it is moved.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func newClock() *clock { return &clock{at: time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) move(d time.Duration) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
	return c.at
}

// world is a ledger on memory with doubles around it.
type world struct {
	*testing.T
	ctx    context.Context
	db     *memory.DB
	store  consent.Backend
	clock  *clock
	keys   keys
	sealer *sealer
	trail  *recorder
	queue  *queue
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
		T: t, db: db, store: store, clock: newClock(), keys: newKeys(), sealer: &sealer{keys: newKeys()},
		trail: &recorder{tx: store.Transactor()}, queue: &queue{tx: store.Transactor()},
	}
	w.ctx = troth.WithActor(t.Context(), troth.Actor{Kind: troth.Service, ID: "shop"})
	w.ledger = w.open(opts...)
	return w
}

// open makes another ledger on the same store, as another process has it.
func (w *world) open(opts ...consent.Option) *consent.Ledger {
	w.Helper()
	all := append([]consent.Option{
		consent.WithClock(w.clock.now), consent.WithSealer(w.sealer), consent.WithEnqueuer(w.queue),
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

// keys are random keys that live as long as the value.
type keys struct{ master []byte }

func newKeys() keys {
	k := keys{make([]byte, 32)}
	_, _ = rand.Read(k.master)
	return k
}

func (k keys) key(ref troth.KeyRef) []byte {
	text := fmt.Append(nil, ref.Tenant, "\x00", ref.Use, "\x00", ref.ID)
	h := hmac.New(sha256.New, k.master)
	h.Write(text)
	return h.Sum(nil)
}

func (k keys) MAC(_ context.Context, ref troth.KeyRef, message []byte) ([32]byte, error) {
	if err := ref.Validate(); err != nil {
		return [32]byte{}, err
	}
	h := hmac.New(sha256.New, k.key(ref))
	h.Write(message)
	return [32]byte(h.Sum(nil)), nil
}

func (k keys) AEAD(_ context.Context, ref troth.KeyRef) (cipher.AEAD, error) {
	if err := ref.Validate(); err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(k.key(ref))
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// sealer seals under keys that can be shredded.
type sealer struct {
	keys     keys
	mu       sync.Mutex
	shredded map[string]bool
	opened   []troth.Purpose
}

type goneError struct{ error }

func (goneError) Shredded() bool { return true }

func (s *sealer) key(ctx context.Context, at troth.Context) (cipher.AEAD, []byte, error) {
	if err := at.Validate(); err != nil {
		return nil, nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	name := at.Subject.ID + "\x00" + string(at.Compartment)
	if s.shredded[name] {
		return nil, nil, goneError{errors.New("shredded")}
	}
	place := fmt.Appendf(nil, "%q", []string{string(at.Subject.Tenant), at.Subject.ID, string(at.Compartment), at.Cell.Table, at.Cell.Column, at.Cell.Row})
	key, err := s.keys.AEAD(ctx, troth.KeyRef{Tenant: at.Subject.Tenant, Use: "test.seal", ID: at.Subject.ID + "/" + string(at.Compartment)})
	return key, place, err
}

func (s *sealer) Seal(ctx context.Context, dst []byte, at troth.Context, plaintext []byte) ([]byte, error) {
	key, place, err := s.key(ctx, at)
	if err != nil {
		return nil, err
	}
	return key.Seal(dst, nil, plaintext, place), nil
}

func (s *sealer) Open(ctx context.Context, dst []byte, at troth.Context, p troth.Purpose, sealed []byte) ([]byte, error) {
	key, place, err := s.key(ctx, at)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	s.opened = append(s.opened, p)
	s.mu.Unlock()
	return key.Open(dst, nil, sealed, place)
}

func (s *sealer) shred(_ context.Context, _ troth.Permit, who troth.Subject, cs ...troth.Compartment) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.shredded == nil {
		s.shredded = map[string]bool{}
	}
	for _, c := range cs {
		s.shredded[who.ID+"\x00"+string(c)] = true
	}
	return nil
}

// recorder keeps entries whose transactions were not rolled back.
type recorder struct {
	tx   troth.Transactor
	mu   sync.Mutex
	kept []recorded
	fail error
}

type recorded struct {
	troth.Entry
	ID    troth.EntryID
	scope *troth.Scope
}

func (r *recorder) Transactor() troth.Transactor { return r.tx }

func (r *recorder) Record(ctx context.Context, e troth.Entry) (troth.EntryID, error) {
	if _, err := troth.ActorFrom(ctx); err != nil {
		return troth.EntryID{}, err
	}
	if err := e.Validate(); err != nil {
		return troth.EntryID{}, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.fail != nil {
		return troth.EntryID{}, r.fail
	}
	id := troth.NewEntryID(time.Now())
	r.kept = append(r.kept, recorded{e, id, r.tx.Scope(ctx)})
	return id, nil
}

// of returns the entries of an act.
func (r *recorder) of(act string) []recorded {
	r.mu.Lock()
	defer r.mu.Unlock()
	var of []recorded
	for _, k := range r.kept {
		if k.Act.Name == act && (k.scope == nil || k.scope.State() != troth.ScopeRolledBack) {
			of = append(of, k)
		}
	}
	return of
}

// queue is an enqueuer that lets tests do the work.
type queue struct {
	tx   troth.Transactor
	mu   sync.Mutex
	work []queued
	fail error
}

type queued struct {
	troth.Work
	scope *troth.Scope
}

func (q *queue) Transactor() troth.Transactor { return q.tx }

func (q *queue) Enqueue(ctx context.Context, w troth.Work) (string, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.fail != nil {
		return "", q.fail
	}
	for _, old := range q.work {
		if old.Tenant == w.Tenant && old.Kind == w.Kind && old.Key == w.Key && !old.undone() {
			return w.Key, nil
		}
	}
	q.work = append(q.work, queued{w, q.tx.Scope(ctx)})
	return w.Key, nil
}

func (w *queued) undone() bool { return w.scope != nil && w.scope.State() == troth.ScopeRolledBack }

// pending returns work of a kind; all if it is empty.
func (q *queue) pending(kind string) []troth.Work {
	q.mu.Lock()
	defer q.mu.Unlock()
	var all []troth.Work
	for _, w := range q.work {
		if !w.undone() && (kind == "" || w.Kind == kind) {
			all = append(all, w.Work)
		}
	}
	return all
}

// drain does all work that was enqueued since the last time, also what it leads to.
func (w *world) drain() {
	w.Helper()
	for ; w.done < len(w.queue.pending("")); w.done++ {
		outcome, err := w.ledger.Do(w.ctx, w.queue.pending("")[w.done])
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
