package unsubscribe_test

import (
	"context"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/storage/memory"
	"github.com/trothdev/troth/storage/memory/unsubscribemem"
	"github.com/trothdev/troth/unsubscribe"
)

// gateKeys are keys of a test.
type gateKeys struct{ secret string }

func (k gateKeys) MAC(_ context.Context, ref troth.KeyRef, message []byte) ([32]byte, error) {
	h := hmac.New(sha256.New, []byte(k.secret+string(ref.Tenant)+ref.Use+ref.ID))
	h.Write(message)
	return [32]byte(h.Sum(nil)), nil
}

func (gateKeys) AEAD(context.Context, troth.KeyRef) (cipher.AEAD, error) {
	return nil, errors.New("not of this test")
}

var errGateStore = errors.New("database is down")

// gateStore fails, or counts, as a test likes.
type gateStore struct {
	unsubscribe.Backend
	down, gap             atomic.Bool
	follows, pages, reads atomic.Int64
	// prefixes are how often prefixes were asked for, keys how many keys were looked up.
	prefixes, keys atomic.Int64
	// crowded makes ranges of prefixes as full as they may be, but for the sample.
	crowded, blind atomic.Bool
	// hang makes looks wait until it is closed, or their context ends.
	hang atomic.Pointer[chan struct{}]
	// after is called after rows were read.
	after atomic.Pointer[func()]
}

func (s *gateStore) Follow(ctx context.Context, after int64, limit int) (unsubscribe.Followed, error) {
	s.follows.Add(1)
	if s.down.Load() {
		return unsubscribe.Followed{}, errGateStore
	}
	if hang := s.hang.Load(); hang != nil {
		select {
		case <-*hang:
		case <-ctx.Done():
			return unsubscribe.Followed{}, ctx.Err()
		}
	}
	f, err := s.Backend.Follow(ctx, after, limit)
	f.Gap = f.Gap || s.gap.Load() && after >= 0
	return f, err
}

func (s *gateStore) Entries(ctx context.Context, tenant troth.Tenant, keys []unsubscribe.Key) ([]unsubscribe.EntryRow, error) {
	s.reads.Add(1)
	s.keys.Add(int64(len(keys)))
	if s.down.Load() {
		return nil, errGateStore
	}
	rows, err := s.Backend.Entries(ctx, tenant, keys)
	if fn := s.after.Load(); fn != nil {
		(*fn)()
	}
	return rows, err
}

func (s *gateStore) Prefixes(ctx context.Context, tenant troth.Tenant, r unsubscribe.PrefixRange) ([]uint64, error) {
	n := s.prefixes.Add(1)
	if s.down.Load() || s.blind.Load() {
		return nil, errGateStore
	}
	if s.crowded.Load() && n > 2 {
		return make([]uint64, r.Limit), nil
	}
	return s.Backend.Prefixes(ctx, tenant, r)
}

func (s *gateStore) EntriesAfter(ctx context.Context, after unsubscribe.Cursor, limit int) ([]unsubscribe.EntryRow, error) {
	s.pages.Add(1)
	if s.down.Load() {
		return nil, errGateStore
	}
	return s.Backend.EntriesAfter(ctx, after, limit)
}

// gateWorld is one store, on which a test makes registries as processes would have.
type gateWorld struct {
	t     testing.TB
	ctx   context.Context
	db    *memory.DB
	store unsubscribe.Backend
}

func newGateWorld(t testing.TB) *gateWorld {
	t.Helper()
	db := memory.Open()
	return &gateWorld{
		t: t, db: db, store: unsubscribemem.New(db),
		ctx: troth.WithActor(t.Context(), troth.Actor{Kind: troth.Service, ID: "mailer"}),
	}
}

// gateProcess is what one process has.
type gateProcess struct {
	*gateWorld
	*unsubscribe.Registry
	gate  *unsubscribe.Gate
	store *gateStore
	clock atomic.Int64
}

func (w *gateWorld) process(opts []unsubscribe.Option, gateOpts ...unsubscribe.GateOption) *gateProcess {
	w.t.Helper()
	p := &gateProcess{gateWorld: w, store: &gateStore{Backend: w.store}}
	var err error
	p.Registry, err = unsubscribe.New(w.ctx, unsubscribe.Config{
		Store: p.store, Recorder: troth.UnsafeNoEvidence(w.db), Keys: gateKeys{"of a test"},
	}, opts...)
	require.NoError(w.t, err)
	p.gate, err = unsubscribe.NewGate(p.Registry, gateOpts...)
	require.NoError(w.t, err)
	p.clock.Store(int64(time.Hour))
	p.gate.SetMono(p.clock.Load)
	return p
}

func (w *gateWorld) loaded(opts ...unsubscribe.GateOption) *gateProcess {
	w.t.Helper()
	p := w.process(nil, opts...)
	require.NoError(w.t, p.gate.Load(w.ctx))
	return p
}

const (
	gateAcme  troth.Tenant = "acme"
	gateOther troth.Tenant = "other"
)

var gateLetter = unsubscribe.Campaign{Tenant: gateAcme, List: "letter", Channel: unsubscribe.Email, Class: unsubscribe.Marketing}

func (p *gateProcess) optOut(address string, scope unsubscribe.Scope) unsubscribe.Event {
	p.t.Helper()
	e, err := p.OptOut(p.ctx, gateOut(address, scope))
	require.NoError(p.t, err)
	return e
}

func gateOut(address string, scope unsubscribe.Scope) unsubscribe.OptOutParams {
	o := unsubscribe.OptOutParams{
		Tenant: gateAcme, Channel: unsubscribe.Email, Address: troth.Protect(address), Scope: scope, Method: unsubscribe.ByPage,
	}
	if scope == unsubscribe.List {
		o.List = gateLetter.List
	}
	return o
}

func (p *gateProcess) ask(address string) unsubscribe.Decision {
	p.t.Helper()
	v, err := p.gate.Ask(p.ctx, gateLetter, gateTo(address))
	require.NoError(p.t, err)
	return v.Decision
}

func gateTo(address string) unsubscribe.Recipient {
	return unsubscribe.Recipient{Address: troth.Protect(address)}
}
