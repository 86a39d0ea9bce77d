package unsubscribe_test

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/storage/memory"
	"github.com/trothdev/troth/storage/memory/unsubscribemem"
	"github.com/trothdev/troth/unsubscribe"
)

const (
	regAcme   troth.Tenant = "acme"
	regGlobex troth.Tenant = "globex"
	regAda                 = "ada@example.org"
)

// regClock is a clock that stands until it is moved.
type regClock struct {
	mu sync.Mutex
	at time.Time
}

func newRegClock() *regClock { return &regClock{at: time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)} }

func (c *regClock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *regClock) move(d time.Duration) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
	return c.at
}

// regWorld is a registry on memory with doubles around it.
type regWorld struct {
	*testing.T
	ctx       context.Context
	db        *memory.DB
	store     unsubscribe.Backend
	clock     *regClock
	keys      regKeys
	sealer    *regSealer
	trail     *regRecorder
	queue     *regQueue
	directory *regDirectory
	r         *unsubscribe.Registry
}

func newRegWorld(t *testing.T, opts ...unsubscribe.Option) *regWorld {
	t.Helper()
	db := memory.Open(memory.WithWaitBound(2 * time.Second))
	w := &regWorld{
		T: t, db: db, store: unsubscribemem.New(db), clock: newRegClock(), sealer: &regSealer{shredded: map[string]bool{}},
		trail: &regRecorder{tx: db}, queue: &regQueue{tx: db}, directory: &regDirectory{},
	}
	w.ctx = troth.WithActor(t.Context(), troth.Actor{Kind: troth.Service, ID: "shop"})
	w.r = w.open(opts...)
	return w
}

// open makes another registry on the same store, as another process has it.
func (w *regWorld) open(opts ...unsubscribe.Option) *unsubscribe.Registry {
	w.Helper()
	all := append([]unsubscribe.Option{
		unsubscribe.WithClock(w.clock.now), unsubscribe.WithSealer(w.sealer), unsubscribe.WithEnqueuer(w.queue),
	}, opts...)
	r, err := unsubscribe.New(w.Context(), unsubscribe.Config{Store: w.store, Recorder: w.trail, Keys: w.keys}, all...)
	require.NoError(w, err)
	return r
}

func regOut(address string, scope unsubscribe.Scope) unsubscribe.OptOutParams {
	p := unsubscribe.OptOutParams{
		Tenant: regAcme, Channel: unsubscribe.Email, Address: troth.Protect(address), Scope: scope, Method: unsubscribe.ByPage,
	}
	if scope == unsubscribe.List {
		p.List = "letter"
	}
	return p
}

func regIn(address string, scope unsubscribe.Scope) unsubscribe.OptInParams {
	out := regOut(address, scope)
	return unsubscribe.OptInParams{
		Tenant: out.Tenant, Channel: out.Channel, Address: out.Address, Scope: scope, List: out.List,
		Method: unsubscribe.ByConfirmation, Reference: "consent-1",
	}
}

func (w *regWorld) optOut(address string, scope unsubscribe.Scope) unsubscribe.Event {
	w.Helper()
	e, err := w.r.OptOut(w.ctx, regOut(address, scope))
	require.NoError(w, err)
	return e
}

func (w *regWorld) optIn(address string, scope unsubscribe.Scope) unsubscribe.Event {
	w.Helper()
	e, err := w.r.OptIn(w.ctx, regIn(address, scope))
	require.NoError(w, err)
	return e
}

func regLetter(tenant troth.Tenant) unsubscribe.Campaign {
	return unsubscribe.Campaign{Tenant: tenant, List: "letter", Channel: unsubscribe.Email, Class: unsubscribe.Marketing}
}

func (w *regWorld) check(c unsubscribe.Campaign, address string) unsubscribe.Decision {
	w.Helper()
	d, err := w.r.Check(w.ctx, c, troth.Protect(address))
	require.NoError(w, err)
	return d
}

// wants demands a reason for Acme's letter.
func (w *regWorld) wants(reason unsubscribe.Reason, address string) unsubscribe.Decision {
	w.Helper()
	d := w.check(regLetter(regAcme), address)
	require.Equal(w, reason, d.Reason, "%v", d)
	require.Equal(w, reason == unsubscribe.ReasonClear, d.Send, "%v", d)
	return d
}

// regKeys are keys of the platform and of nobody else: every other tenant's are
// destroyed.
type regKeys struct{}

var errRegDestroyed = errors.New("the tenant's keys are destroyed")

func (regKeys) key(ref troth.KeyRef) ([]byte, error) {
	if err := ref.Validate(); err != nil {
		return nil, err
	}
	if ref.Tenant != troth.Platform {
		return nil, errRegDestroyed
	}
	sum := sha256.Sum256([]byte(string(ref.Tenant) + "\x00" + ref.Use + "\x00" + ref.ID))
	return sum[:], nil
}

func (k regKeys) MAC(_ context.Context, ref troth.KeyRef, message []byte) ([32]byte, error) {
	key, err := k.key(ref)
	if err != nil {
		return [32]byte{}, err
	}
	h := hmac.New(sha256.New, key)
	h.Write(message)
	return [32]byte(h.Sum(nil)), nil
}

func (k regKeys) AEAD(_ context.Context, ref troth.KeyRef) (cipher.AEAD, error) {
	key, err := k.key(ref)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// regSealer seals under keys that can be shredded.
type regSealer struct {
	mu       sync.Mutex
	shredded map[string]bool
}

type regGoneError struct{ error }

func (regGoneError) Shredded() bool { return true }

func (s *regSealer) aead(at troth.Context) (cipher.AEAD, []byte, error) {
	if err := at.Validate(); err != nil {
		return nil, nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.shredded[at.Subject.ID] {
		return nil, nil, regGoneError{errors.New("shredded")}
	}
	sum := sha256.Sum256([]byte(at.Subject.ID))
	block, err := aes.NewCipher(sum[:])
	if err != nil {
		return nil, nil, err
	}
	a, err := cipher.NewGCMWithRandomNonce(block)
	return a, fmt.Appendf(nil, "%q", []string{string(at.Subject.Tenant), at.Subject.ID, at.Cell.Table, at.Cell.Column, at.Cell.Row}), err
}

func (s *regSealer) Seal(_ context.Context, dst []byte, at troth.Context, plaintext []byte) ([]byte, error) {
	a, place, err := s.aead(at)
	if err != nil {
		return nil, err
	}
	return a.Seal(dst, nil, plaintext, place), nil
}

func (s *regSealer) Open(_ context.Context, dst []byte, at troth.Context, _ troth.Purpose, sealed []byte) ([]byte, error) {
	a, place, err := s.aead(at)
	if err != nil {
		return nil, err
	}
	return a.Open(dst, nil, sealed, place)
}

func (s *regSealer) shred(_ context.Context, _ troth.Permit, who troth.Subject, _ ...troth.Compartment) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shredded[who.ID] = true
	return nil
}

// regRecorder keeps entries whose transactions were not rolled back.
type regRecorder struct {
	tx   troth.Transactor
	mu   sync.Mutex
	kept []regRecorded
	fail error
}

type regRecorded struct {
	troth.Entry
	scope *troth.Scope
}

func (r *regRecorder) Transactor() troth.Transactor { return r.tx }

func (r *regRecorder) Record(ctx context.Context, e troth.Entry) (troth.EntryID, error) {
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
	r.kept = append(r.kept, regRecorded{e, r.tx.Scope(ctx)})
	return troth.NewEntryID(time.Now()), nil
}

// of returns the entries of an act.
func (r *regRecorder) of(act string) []troth.Entry {
	r.mu.Lock()
	defer r.mu.Unlock()
	var of []troth.Entry
	for _, k := range r.kept {
		if k.Act.Name == act && (k.scope == nil || k.scope.State() != troth.ScopeRolledBack) {
			of = append(of, k.Entry)
		}
	}
	return of
}

// regQueue is an enqueuer that lets tests do the work.
type regQueue struct {
	tx   troth.Transactor
	mu   sync.Mutex
	work []regQueued
	fail error
}

type regQueued struct {
	troth.Work
	scope *troth.Scope
}

func (q *regQueue) Transactor() troth.Transactor { return q.tx }

func (q *regQueue) Enqueue(ctx context.Context, w troth.Work) (string, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.fail != nil {
		return "", q.fail
	}
	q.work = append(q.work, regQueued{w, q.tx.Scope(ctx)})
	return w.Key, nil
}

func (q *regQueue) pending() []troth.Work {
	q.mu.Lock()
	defer q.mu.Unlock()
	var all []troth.Work
	for _, w := range q.work {
		if w.scope == nil || w.scope.State() != troth.ScopeRolledBack {
			all = append(all, w.Work)
		}
	}
	return all
}

// regJob is an attempt at work.
func regJob(w troth.Work, attempt int) troth.Job {
	return troth.Job{
		Ref: troth.WorkRef{Tenant: w.Tenant, ID: w.Key}, Kind: w.Kind, Key: w.Key, Payload: w.Payload, Attempt: attempt,
		EffectKey: "effect-" + w.Key, Deadline: w.Deadline,
	}
}

// regDirectory knows people by their addresses.
type regDirectory struct {
	mu    sync.Mutex
	known []regContact
	fail  error
}

type regContact struct {
	who     troth.Subject
	channel unsubscribe.Channel
	address string
}

func (d *regDirectory) add(who troth.Subject, address string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.known = append(d.known, regContact{who, unsubscribe.Email, address})
}

func (d *regDirectory) Addresses(_ context.Context, s troth.Subject) (all []troth.Address, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, c := range d.known {
		if c.who == s {
			all = append(all, troth.Address{Channel: string(c.channel), Value: troth.Protect(c.address)})
		}
	}
	return all, d.fail
}

func (d *regDirectory) Subjects(_ context.Context, tenant troth.Tenant, a troth.Address) (all []troth.Subject, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	address, err := a.Value.Reveal("test")
	if err != nil {
		return nil, err
	}
	for _, c := range d.known {
		if c.who.Tenant == tenant && string(c.channel) == a.Channel && c.address == address {
			all = append(all, c.who)
		}
	}
	return all, d.fail
}

// regPeer is another ledger of objections.
type regPeer struct {
	mu   sync.Mutex
	told []troth.Objection
	fail error
}

func (*regPeer) Objected(_ context.Context, qs []troth.ObjectionQuery) ([]troth.ObjectionAnswer, error) {
	return make([]troth.ObjectionAnswer, len(qs)), nil
}

func (p *regPeer) Object(_ context.Context, o troth.Objection) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.fail != nil {
		return p.fail
	}
	p.told = append(p.told, o)
	return nil
}
