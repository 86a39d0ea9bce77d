package unsubscribe

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/clearance"
)

// EvidenceCompartment holds sealed evidence, which goes when a person is erased.
const EvidenceCompartment troth.Compartment = "unsubscribe"

// Config is what a registry cannot do without.
type Config struct {
	Store Backend
	// Recorder keeps the evidence. It must share the store's Transactor.
	Recorder troth.Recorder
	// Keys give the keys of addresses and links, all of the platform tenant: a vault
	// does, or storage/keyfile without one. They must stay the same for the life of
	// the store.
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
func New(ctx context.Context, c Config, opts ...Option) (*Registry, error) {
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
	if len(o.providers) > 0 && o.enqueuer == nil {
		return nil, needs("WithEnqueuer, for providers")
	}
	for _, part := range []any{c.Recorder, c.Keys, o.sealer, o.enqueuer, o.disposer} {
		if p, has := part.(interface{ Transactor() troth.Transactor }); has && p.Transactor() != tx {
			return nil, troth.ErrNotShared
		}
	}
	r := &Registry{store: c.Store, tx: tx, rec: c.Recorder, keys: c.Keys, opt: o, log: o.log, now: o.now}
	if o.unmanaged != "" && o.disposer != nil {
		return nil, errors.New("unsubscribe: new: both a disposer and none")
	}
	if err := r.begin(ctx); err != nil {
		return nil, err
	}
	return r, nil
}

// begin looks at the store, and records that nobody keeps watch over destroying if
// that is so.
func (r *Registry) begin(ctx context.Context) error {
	if r.tx.Scope(ctx) != nil {
		return errors.New("unsubscribe: new: not inside a transaction")
	}
	if _, err := r.store.Epoch(ctx, troth.Platform); err != nil {
		return fmt.Errorf("unsubscribe: new: %w", err)
	}
	if r.opt.unmanaged == "" {
		return nil
	}
	return r.tx.Atomically(ctx, func(ctx context.Context) error {
		if err := r.way().Free(ctx); err != nil {
			return err
		}
		return r.record(troth.WithActor(ctx, self), clearance.Alone(actUnmanaged, r.opt.unmanaged))
	})
}

// Transactor is the one whose transactions the registry joins.
func (r *Registry) Transactor() troth.Transactor { return r.tx }

// micros is the registry's clock as it is stored.
func (r *Registry) micros() int64 { return r.now().UnixMicro() }
