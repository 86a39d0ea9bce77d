package consent

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/clearance"
)

// Compartments of sealed evidence.
const (
	// ContentCompartment holds what must go when a person is erased: addresses,
	// free text, who a guardian is.
	ContentCompartment troth.Compartment = "consent"
	// ProofCompartment holds what proves a choice and outlives the person's
	// erasure for the limitation period: the cut address, the browser, the page.
	ProofCompartment troth.Compartment = "consent-proof"
)

// Config is what a ledger cannot do without.
type Config struct {
	Store Backend
	// Recorder keeps the evidence. It must share the store's Transactor.
	Recorder troth.Recorder
	// Keys give the keyed hashes of stored records and tokens, and must stay the
	// same for the life of the store.
	Keys troth.Keys
}

// Controller is who decides why and how personal data is processed (GDPR Article
// 4(7)).
type Controller struct {
	Name string
	// Contact is an address, a telephone number or a page.
	Contact string
	// The rest may be empty. Receipts claim to conform to their schema only if all of
	// it is there: Address is the postal one, ID a number in a register or the like,
	// Jurisdiction whose law applies, a country's code of two letters as a rule, and
	// Withdraw where people take consent back, such as a page.
	Address, ID, Jurisdiction, Withdraw string
}

// Ledger keeps what was asked, shown, given and withdrawn, and decides by it.
// Make it with [New] and drive it with [Ledger.Run]. It is safe for concurrent
// use.
type Ledger struct {
	store Backend
	tx    troth.Transactor
	rec   troth.Recorder
	keys  troth.Keys
	opt   options
	log   *zap.Logger
	now   func() time.Time
	// Ages are measured on the monotonic clock, from start on.
	start time.Time

	tenants  tenants
	cache    *cache
	feed     feed
	pendings pendings
}

var _ troth.Objections = (*Ledger)(nil)

// New returns a ledger on the store. It starts no goroutine. It returns
// [troth.ErrNotShared] if its parts do not share a Transactor, and [ErrUnmanaged]
// if it was to destroy without a keeper on a store that has one.
func New(ctx context.Context, c Config, opts ...Option) (*Ledger, error) {
	if c.Store == nil || c.Recorder == nil || c.Keys == nil {
		return nil, errors.New("consent: new: store, recorder and keys are required")
	}
	o := defaults()
	for _, opt := range opts {
		if err := opt(&o); err != nil {
			return nil, err
		}
	}
	if o.unmanaged != "" && o.disposer != nil {
		return nil, errors.New("consent: new: both a disposer and none")
	}
	tx := c.Store.Transactor()
	for _, part := range []any{c.Recorder, c.Keys, o.sealer, o.enqueuer, o.disposer} {
		if p, has := part.(interface{ Transactor() troth.Transactor }); has && p.Transactor() != tx {
			return nil, troth.ErrNotShared
		}
	}
	l := &Ledger{
		store: c.Store, tx: tx, rec: c.Recorder, keys: c.Keys,
		opt: o, log: o.log, now: o.now, start: time.Now(),
		cache: newCache(o.cached),
	}
	if l.now == nil {
		l.now = time.Now
	}
	if err := l.begin(ctx); err != nil {
		return nil, err
	}
	return l, nil
}

// begin looks at the feed for the first time, which also shows whether the store
// answers, and records that nobody keeps watch over destroying if that is so.
func (l *Ledger) begin(ctx context.Context) error {
	if l.tx.Scope(ctx) != nil {
		return errors.New("consent: new: not inside a transaction")
	}
	l.feed.Init(l.opt.feedAge)
	l.feed.position.Store(-1)
	if err := l.checkFeed(ctx); err != nil {
		return err
	}
	if l.opt.unmanaged == "" {
		return nil
	}
	return l.tx.Atomically(ctx, func(ctx context.Context) error {
		if err := l.way().Free(ctx); err != nil {
			return err
		}
		_, err := l.record(troth.WithActor(ctx, self), clearance.Alone(actUnmanaged, l.opt.unmanaged))
		return err
	})
}

// managed reports whether a keeper has taken the store over.
func (l *Ledger) managed(ctx context.Context) (bool, error) {
	managed, err := l.store.Managed(ctx)
	if err != nil {
		return false, fmt.Errorf("consent: ask the store: %w", err)
	}
	return managed, nil
}

// mono is the monotonic clock in nanoseconds.
func (l *Ledger) mono() int64 { return int64(time.Since(l.start)) }

// clocks are both clocks: where they are the machine's own it is asked once.
func (l *Ledger) clocks() (wall, mono int64) {
	if l.opt.now == nil {
		now := time.Now()
		return now.UnixMicro(), int64(now.Sub(l.start))
	}
	return l.micros(), l.mono()
}

// micros is the ledger's clock as it is stored.
func (l *Ledger) micros() int64 { return l.now().UnixMicro() }

// Transactor is the one whose transactions the ledger joins.
func (l *Ledger) Transactor() troth.Transactor { return l.tx }
