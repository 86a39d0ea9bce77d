package unsubscribe_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/seamtest"
	"github.com/trothdev/troth/storage/memory"
	"github.com/trothdev/troth/storage/memory/unsubscribemem"
	"github.com/trothdev/troth/unsubscribe"
)

const (
	regAcme   troth.Tenant = "acme"
	regGlobex troth.Tenant = "globex"
	regAda                 = "ada@example.org"
)

// regWorld is a registry on memory with doubles around it.
type regWorld struct {
	*testing.T
	ctx       context.Context
	db        *memory.DB
	store     unsubscribe.Backend
	clock     *seamtest.Clock
	keys      seamtest.Keys
	sealer    *seamtest.Sealer
	trail     *seamtest.Recorder
	queue     *seamtest.Queue
	directory *regDirectory
	r         *unsubscribe.Registry
}

func newRegWorld(t *testing.T, opts ...unsubscribe.Option) *regWorld {
	t.Helper()
	db := memory.Open(memory.WithWaitBound(2 * time.Second))
	w := &regWorld{
		T: t, db: db, store: unsubscribemem.New(db), clock: seamtest.NewClock(time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)),
		keys: seamtest.Keys{Only: troth.Platform}, sealer: seamtest.NewSealer(), trail: seamtest.NewRecorder(db), queue: seamtest.NewQueue(db),
		directory: &regDirectory{},
	}
	w.ctx = troth.WithActor(t.Context(), troth.Actor{Kind: troth.Service, ID: "shop"})
	w.r = w.open(opts...)
	return w
}

// open makes another registry on the same store, as another process has it.
func (w *regWorld) open(opts ...unsubscribe.Option) *unsubscribe.Registry {
	w.Helper()
	all := append([]unsubscribe.Option{
		unsubscribe.WithClock(w.clock.Now), unsubscribe.WithSealer(w.sealer), unsubscribe.WithEnqueuer(w.queue),
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
