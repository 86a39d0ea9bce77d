package unsubscribe

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"

	"github.com/trothdev/troth"
)

// EvidenceCompartment holds sealed evidence, which goes when a person is erased.
const EvidenceCompartment troth.Compartment = "unsubscribe"

// Config is what a registry cannot do without.
type Config struct {
	Store Backend
	// Recorder keeps the evidence. It must share the store's Transactor.
	Recorder troth.Recorder
	// Keys give the keys of addresses and links, all of the platform tenant. They
	// must stay the same for the life of the store.
	Keys troth.Keys
}

// Registry keeps opt-outs and decides by them. Make it with [New]. It is safe for
// concurrent use.
type Registry struct {
	store Backend
	tx    troth.Transactor
	rec   troth.Recorder
	keys  troth.Keys
	opt   options
	log   *zap.Logger
	now   func() time.Time

	watchers watchers
}

// New returns a registry on the store. It starts no goroutine. It returns
// [troth.ErrNotShared] if its parts do not share a Transactor.
func New(_ context.Context, c Config, opts ...Option) (*Registry, error) {
	if c.Store == nil || c.Recorder == nil || c.Keys == nil {
		return nil, errors.New("unsubscribe: new: store, recorder and keys are required")
	}
	o := defaults()
	for _, opt := range opts {
		if err := opt(&o); err != nil {
			return nil, err
		}
	}
	tx := c.Store.Transactor()
	for _, part := range []any{c.Recorder, c.Keys, o.sealer, o.enqueuer} {
		if p, has := part.(interface{ Transactor() troth.Transactor }); has && p.Transactor() != tx {
			return nil, troth.ErrNotShared
		}
	}
	r := &Registry{store: c.Store, tx: tx, rec: c.Recorder, keys: c.Keys, opt: o, log: o.log, now: o.now}
	return r, nil
}

// Transactor is the one whose transactions the registry joins.
func (r *Registry) Transactor() troth.Transactor { return r.tx }

// micros is the registry's clock as it is stored.
func (r *Registry) micros() int64 { return r.now().UnixMicro() }
