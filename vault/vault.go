package vault

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/tink-crypto/tink-go/v2/tink"
	"go.uber.org/zap"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/clearance"
)

// KEK is the key-encryption key under which tenants' roots lie: a key in a KMS,
// through one of tink's KMS modules, or a local file, see [OpenKEKFile]. It
// must bind the associated data that it is given.
type KEK = tink.AEADWithContext

// Config is what a vault cannot do without.
type Config struct {
	Store Backend
	KEK   KEK
	// KEKs gives the key-encryption keys of tenants that bring their own, see
	// [Vault.MoveTenant]. Without it no tenant can.
	KEKs KEKResolver
	// Recorder keeps the evidence. It must share the store's Transactor.
	Recorder troth.Recorder
	// Epochs holds the keys of epochs. Without it tenants' roots lie directly
	// under the key-encryption key, and erasures reach no further than backups
	// expire, see [Vault.Horizon].
	Epochs EpochStore
	// Evidence reads what Recorder kept. Without it [Vault.Reconcile] has
	// nothing to compare with.
	Evidence Evidence
	// Journal is optional: a list of erasures outside the database, without which
	// a restore brings back what was shredded since, see [Journal]. A store that
	// was once kept with one is not opened without.
	Journal Journal
}

// Vault seals, opens and shreds. Make it with [Open], drive it with [Vault.Run],
// and end it with [Vault.Close]. It is safe for concurrent use.
type Vault struct {
	store Backend
	tx    troth.Transactor
	kek   KEK
	keks  keks
	// epochs is nil where there are none.
	epochs EpochStore
	rec    troth.Recorder
	// evidence is nil where there is none to read.
	evidence Evidence
	// journal is nil for a vault without one.
	journal Journal
	opt     options
	log     *zap.Logger
	now     func() time.Time
	// Ages are measured on the monotonic clock, from start on; tests have one
	// of their own.
	start    time.Time
	fakeMono func() int64
	// ringAfter sets a flag after a time; tests ring at once.
	ringAfter func(before *time.Timer, d time.Duration, flag *atomic.Bool) *time.Timer

	cache    *cache
	roots    *rootCache
	derived  derivedKeys
	fence    fence
	pendings pendings
	windows  windows
	pace     pace
	// unscrubbed says that keys died since the store was last scrubbed, see
	// [Scrubber].
	unscrubbed atomic.Bool
	// closing forbids new windows; the trail may still seal what it needs in
	// order to record the old ones. closed forbids everything.
	closing, closed atomic.Bool
	// behind refuses everything until a replay: the journal tells of erasures
	// that the store may not know of.
	behind atomic.Bool
	// owed is what a replay has left to do; nil if nothing.
	owed atomic.Pointer[owed]
	// pumping holds a token while somebody pumps.
	pumping chan struct{}
}

var (
	_ troth.Sealer = (*Vault)(nil)
	_ troth.Keys   = (*Vault)(nil)
)

// Open returns a vault on the store. It starts no goroutine. It returns
// [troth.ErrNotShared] if store and recorder do not share a Transactor,
// [ErrUnmanaged] if it was to work without a keeper on a store that has one, and
// [ErrNoEpochs] if the store has epochs and the Config no EpochStore. With an
// EpochStore and no epoch yet it opens the first one.
//
// With a journal it reads what that tells behind the last line that the store
// followed. It returns a *[JournalAheadError] if the store does not know of an
// erasure there, which is a store that was restored; [ErrJournal] if the journal
// cannot be read, is another store's, lacks what it acknowledged
// ([ErrJournalLost]) or was not given ([ErrNoJournal]).
func Open(ctx context.Context, c Config, opts ...Option) (*Vault, error) {
	if c.Store == nil || c.KEK == nil || c.Recorder == nil {
		return nil, fmt.Errorf("vault: open: store, key-encryption key and recorder are required")
	}
	if c.Recorder.Transactor() != c.Store.Transactor() {
		return nil, troth.ErrNotShared
	}
	o := defaults()
	for _, opt := range opts {
		if err := opt(&o); err != nil {
			return nil, err
		}
	}
	start := time.Now()
	v := &Vault{
		store: c.Store,
		tx:    c.Store.Transactor(),
		kek:   c.KEK,
		keks:  keks{resolver: c.KEKs},
		rec:   c.Recorder,

		epochs:   c.Epochs,
		evidence: c.Evidence,

		opt:   o,
		log:   o.log,
		now:   neverNever(o.now),
		start: start,

		ringAfter: ringAfter,

		cache: newCache(o.cacheKeys),
		roots: newRootCache(o.cacheRoots),

		journal: c.Journal, pumping: make(chan struct{}, 1),
	}
	if err := v.begin(ctx); err != nil {
		return nil, err
	}
	return v, nil
}

// begin reads the fence for the first time, with an empty cache, and records
// that nobody keeps watch over shredding if that is so.
func (v *Vault) begin(ctx context.Context) error {
	if o := v.tx.Scope(ctx); o != nil {
		return fmt.Errorf("vault: open: not inside a transaction")
	}
	v.fence.Init(v.opt.fenceAge)
	v.fence.position.Store(-1)
	v.unscrubbed.Store(true) // a process that died may have left something
	if err := v.checkFence(ctx); err != nil {
		return err
	}
	if v.replays() {
		return v.beginReplay(ctx)
	}
	// A key-encryption key that is not this store's shows here, before anything
	// is done with it, if there is anything to tell it by.
	if _, err := v.root(ctx, rootName{tenant: troth.Platform, lineage: IndexLineage, epoch: newest}); err != nil {
		return err
	}
	if err := v.beginEpochs(ctx); err != nil {
		return err
	}
	if err := v.beginJournal(ctx); err != nil {
		return err
	}
	return v.beginUnmanaged(ctx)
}

// beginUnmanaged records that nobody keeps watch over shredding, if that is so.
func (v *Vault) beginUnmanaged(ctx context.Context) error {
	if v.opt.unmanaged == "" {
		return nil
	}
	return v.tx.Atomically(ctx, func(ctx context.Context) error {
		managed, err := v.store.Managed(ctx)
		if err != nil {
			return fmt.Errorf("vault: open: %w", err)
		}
		if managed {
			return ErrUnmanaged
		}
		return v.record(troth.WithActor(ctx, self), clearance.Alone(actUnmanaged, v.opt.unmanaged))
	})
}

// mono is the monotonic clock in nanoseconds.
func (v *Vault) mono() int64 {
	if v.fakeMono != nil {
		return v.fakeMono()
	}
	return int64(time.Since(v.start))
}

// neverNever keeps what happens in the first microsecond of 1970, where machines
// begin that lost their clock, from being taken for what never happened.
func neverNever(now func() time.Time) func() time.Time {
	return func() time.Time {
		at := now()
		if at.UnixMicro() == 0 {
			return time.UnixMicro(1)
		}
		return at
	}
}

// micros is the service's clock as it is stored; never 0, which is never.
func (v *Vault) micros() int64 { return v.now().UnixMicro() }

// Transactor is the one whose transactions the vault joins.
func (v *Vault) Transactor() troth.Transactor { return v.tx }

// CloseWindows ends the windows of this process and records their counts now,
// before somebody reads the trail. The next opening begins a new one.
func (v *Vault) CloseWindows(ctx context.Context) error {
	return v.closeWindows(v.tx.Detach(ctx), func(*window) bool { return true })
}

// Close records the counts of all opening windows and refuses further work with
// [ErrClosed]. It leaves the store open. After an error it can be called again.
func (v *Vault) Close(ctx context.Context) error {
	v.closing.Store(true)
	if err := v.CloseWindows(ctx); err != nil {
		return err
	}
	v.closed.Store(true)
	v.fence.stop(ctx)
	return nil
}
