package rights

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/deadline"
	"github.com/trothdev/troth/internal/clearance"
)

// Config is what a desk cannot do without.
type Config struct {
	Store Backend
	// Recorder keeps the evidence. It must share the store's Transactor.
	Recorder troth.Recorder
	// Keys give the keyed hashes of stored records and codes, and must stay the same
	// for the life of the store.
	Keys troth.Keys
}

// Desk takes requests of people about their data, and sees them through. Make it with
// [New] and drive it with [Desk.Run]. It is safe for concurrent use.
type Desk struct {
	store Backend
	tx    troth.Transactor
	rec   troth.Recorder
	keys  troth.Keys
	opt   options
	log   *zap.Logger
	now   func() time.Time
	rules map[string][]deadline.Rule
	// clocks are all by which requests are held, leading those that can lead.
	clocks, leading clocks
	leads           leads
}

// New returns a desk on the store. It starts no goroutine. It returns
// [troth.ErrNotShared] if its parts do not share a Transactor, and [ErrUnmanaged] if it
// was to destroy without a keeper on a store that has one.
func New(ctx context.Context, c Config, opts ...Option) (*Desk, error) {
	if c.Store == nil || c.Recorder == nil || c.Keys == nil {
		return nil, errors.New("rights: new: store, recorder and keys are required")
	}
	o := defaults()
	for _, opt := range opts {
		if err := opt(&o); err != nil {
			return nil, err
		}
	}
	if o.unmanaged != "" && o.disposer != nil {
		return nil, errors.New("rights: new: both a disposer and none")
	}
	tx := c.Store.Transactor()
	for _, part := range []any{c.Recorder, c.Keys, o.sealer, o.enqueuer, o.disposer} {
		if p, has := part.(interface{ Transactor() troth.Transactor }); has && p.Transactor() != tx {
			return nil, troth.ErrNotShared
		}
	}
	d := &Desk{store: c.Store, tx: tx, rec: c.Recorder, keys: c.Keys, opt: o, log: o.log, now: o.now}
	d.rules = rulesOf(o.sets)
	var err error
	if d.clocks, d.leading, err = clocksOf(d.rules); err != nil {
		return nil, fmt.Errorf("rights: new: %w", err)
	}
	for _, r := range o.regimes {
		if len(d.rules[r]) == 0 {
			return nil, fmt.Errorf("rights: new: no set has rules of regime %q", r)
		}
	}
	if err = d.begin(ctx); err != nil {
		return nil, err
	}
	return d, nil
}

// begin records that nobody keeps watch over destroying, if that is so.
func (d *Desk) begin(ctx context.Context) error {
	if d.tx.Scope(ctx) != nil {
		return errors.New("rights: new: not inside a transaction")
	}
	if d.opt.unmanaged == "" {
		return nil
	}
	return d.tx.Atomically(ctx, func(ctx context.Context) error {
		if err := d.way().Free(ctx); err != nil {
			return err
		}
		_, err := d.record(troth.WithActor(ctx, self), clearance.Alone(actUnmanaged, d.opt.unmanaged))
		return err
	})
}

// managed reports whether a keeper has taken the store over.
func (d *Desk) managed(ctx context.Context) (bool, error) {
	managed, err := d.store.Managed(ctx)
	return managed, wrap("ask the store", err)
}

// micros is the desk's clock as it is stored.
func (d *Desk) micros() int64 { return d.now().UnixMicro() }

// Transactor is the one whose transactions the desk joins.
func (d *Desk) Transactor() troth.Transactor { return d.tx }
