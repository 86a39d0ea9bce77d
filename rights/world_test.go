package rights_test

import (
	"context"
	"iter"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/seamtest"
	"github.com/trothdev/troth/rights"
	"github.com/trothdev/troth/storage/memory"
	"github.com/trothdev/troth/storage/memory/rightsmem"
)

const (
	acme   troth.Tenant = "acme"
	globex troth.Tenant = "globex"
)

var ada = troth.Subject{Tenant: acme, ID: "c-17"}

// canary is personal, and must be found nowhere but under seal.
const canary = "ada.canary@example.org"

// keys are of everybody, and the same for every desk.
type keys = seamtest.Keys

// newSealer has keys of its own.
func newSealer() troth.Sealer { return seamtest.NewSealer() }

// trail is a recorder that the desk can read.
type trail struct{ *seamtest.Recorder }

// Told is the trail as the desk reads it.
func (r trail) Told(_ context.Context, tenant troth.Tenant, subjectID, act string) iter.Seq2[rights.TrailEntry, error] {
	return func(yield func(rights.TrailEntry, error) bool) {
		for _, k := range r.Of(act) {
			if k.Tenant != tenant || subjectID != "" && k.SubjectID != subjectID {
				continue
			}
			if !yield(rights.TrailEntry{ID: k.ID, Facts: k.Facts}, nil) {
				return
			}
		}
	}
}

// events are the entries of events of a kind.
func (r trail) events(k rights.Kind) (of []troth.Entry) {
	for _, e := range r.Of("rights.event") {
		if e.Facts["event"].Text() == string(k) {
			of = append(of, e.Entry)
		}
	}
	return of
}

// post is a notifier that keeps what it is given.
type post struct {
	mu   sync.Mutex
	sent []rights.Message
	fail error
}

func (p *post) Notify(_ context.Context, m rights.Message) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.fail != nil {
		return p.fail
	}
	p.sent = append(p.sent, m)
	return nil
}

func (p *post) of(k rights.MessageKind) (of []rights.Message) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, m := range p.sent {
		if m.Kind == k {
			of = append(of, m)
		}
	}
	return of
}

// bells keeps alarms.
type bells struct {
	mu   sync.Mutex
	rung []rights.Alarm
	fail error
}

func (b *bells) Alarm(_ context.Context, a rights.Alarm) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fail != nil {
		return b.fail
	}
	b.rung = append(b.rung, a)
	return nil
}

func (b *bells) stages() (all []rights.Stage) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, a := range b.rung {
		all = append(all, a.Stage)
	}
	return all
}

// book is a directory of one person per address.
type book map[string][]troth.Subject

func (b book) Addresses(context.Context, troth.Subject) ([]troth.Address, error) { return nil, nil }

func (b book) Subjects(_ context.Context, _ troth.Tenant, a troth.Address) ([]troth.Subject, error) {
	value, err := a.Value.Reveal("test")
	return b[value], err
}

// world is a desk on memory with doubles around it.
type world struct {
	testing.TB
	ctx    context.Context
	db     *memory.DB
	store  rights.Backend
	clock  *seamtest.Clock
	sealer *seamtest.Sealer
	trail  trail
	post   *post
	bells  *bells
	desk   *rights.Desk
}

func newWorld(t testing.TB, opts ...rights.Option) *world {
	t.Helper()
	db := memory.Open(memory.WithWaitBound(2 * time.Second))
	w := &world{
		TB: t, db: db, store: rightsmem.New(db), clock: seamtest.NewClock(time.Date(2026, 3, 5, 10, 0, 0, 123_456_000, time.UTC)),
		sealer: seamtest.NewSealer(), trail: trail{seamtest.NewRecorder(db)}, post: &post{}, bells: &bells{},
	}
	w.ctx = troth.WithActor(t.Context(), troth.Actor{Kind: troth.Service, ID: "shop"})
	w.desk = w.open(opts...)
	return w
}

// open makes another desk on the same store, as another process has it.
func (w *world) open(opts ...rights.Option) *rights.Desk {
	w.Helper()
	return w.openOn(w.store, opts...)
}

// openOn makes a desk on a store around the same rows.
func (w *world) openOn(store rights.Backend, opts ...rights.Option) *rights.Desk {
	w.Helper()
	all := append([]rights.Option{
		rights.WithClock(w.clock.Now), rights.WithSealer(w.sealer), rights.WithNotifier(w.post), rights.WithAlarms(w.bells),
		rights.WithShredder(w.sealer.Shred), rights.Unmanaged("test"), rights.WithRegimes("gdpr"),
		rights.WithDirectory(book{canary: {ada}}),
	}, opts...)
	d, err := rights.New(w.Context(), rights.Config{Store: store, Recorder: w.trail, Keys: keys{}}, all...)
	require.NoError(w, err)
	return d
}

// contents are the personal data of requests here.
func contents() rights.Contents {
	return rights.Contents{
		Name: troth.Protect("Ada Canary"), Channel: "email", Address: troth.Protect(canary), Text: troth.Protect("Please, " + canary),
		Identifiers: []rights.Identifier{{Kind: "email", Value: troth.Protect(canary)}},
	}
}

// submit takes in a request of Ada's, who is logged in.
func (w *world) submit(right rights.Right, change ...func(s *rights.Submission)) rights.Request {
	w.Helper()
	s := rights.Submission{Tenant: acme, Right: right, Via: rights.ViaAccount, SubjectID: ada.ID, Contents: contents()}
	if right == rights.Appeal {
		s.Of = w.submit(rights.Access).ID
	}
	for _, c := range change {
		c(&s)
	}
	r, err := w.desk.Submit(w.ctx, s)
	require.NoError(w, err)
	return r
}

func (w *world) get(id string) rights.Request {
	w.Helper()
	r, err := w.desk.Request(w.ctx, acme, id)
	require.NoError(w, err)
	return r
}

// prove has Ada log in again.
func (w *world) prove(id string) rights.Proof {
	w.Helper()
	p, err := w.desk.Attest(w.ctx, rights.Attestation{
		Tenant: acme, Request: id, SubjectID: ada.ID, Method: rights.ByReauthentication,
	})
	require.NoError(w, err)
	return p
}

// accepted is a request that was proven and accepted.
func (w *world) accepted(right rights.Right, change ...func(s *rights.Submission)) rights.Request {
	w.Helper()
	r := w.submit(right, change...)
	r, err := w.desk.Accept(w.ctx, acme, r.ID, w.prove(r.ID))
	require.NoError(w, err)
	return r
}

// fire has events happen that execution raises.
func (w *world) fire(id string, kinds ...rights.Kind) rights.Request {
	w.Helper()
	var r rights.Request
	for _, k := range kinds {
		var err error
		r, err = w.desk.Fire(w.ctx, acme, id, k)
		require.NoError(w, err)
	}
	return r
}

func (w *world) sweep() {
	w.Helper()
	require.NoError(w, w.desk.Sweep(w.ctx))
}

// kinds are the events of a request.
func (w *world) kinds(id string) (all []rights.Kind) {
	w.Helper()
	events, err := w.desk.Events(w.ctx, acme, id)
	require.NoError(w, err)
	for _, e := range events {
		all = append(all, e.Kind)
	}
	return all
}
