package audit

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/clearance"
	"github.com/trothdev/troth/internal/merkle"
)

// Trail records evidence. It implements troth.Recorder.
type Trail struct {
	store     Backend
	tx        troth.Transactor
	keys      troth.Keys
	sealer    troth.Sealer
	now       func() time.Time
	log       *zap.Logger
	unmanaged string // the ground; empty if permits need a keeper

	// Of the log; signer is nil in a trail that only records and reads.
	signer               Signer
	verifiers            Verifiers
	sinks                []*guardedSink
	witnesses            []WitnessKey
	signEvery, idleEvery time.Duration
	seq                  *sequencer
	trusted              *atomic.Pointer[believed]
	hot                  *merkle.TileCache
}

var _ troth.Recorder = (*Trail)(nil)

// New returns a trail on the store. keys give the keyed hashes by which
// pseudonyms are found, and must stay the same for the life of the store;
// sealer seals the identities behind them. New asks the store one thing, so
// that a schema that is missing shows here and not at the first act.
//
// The sealer is best the vault: it destroys a person's key alone, and has on
// record who opened what. A host without one has keys from storage/keyfile, for
// example, and writes a sealer of a few lines on them, as examples/trailalone
// does; it has nothing to shred then, and no evidence of openings but its own.
//
// A sealer that has a method Transactor must share the store's, else the error
// is troth.ErrNotShared.
func New(ctx context.Context, store Backend, keys troth.Keys, sealer troth.Sealer, opts ...Option) (*Trail, error) {
	if store == nil || keys == nil || sealer == nil {
		return nil, errors.New("audit: store, keys and sealer are required")
	}
	t := &Trail{
		store: store, tx: store.Transactor(), keys: keys, sealer: sealer,
		now: time.Now, log: zap.NewNop(),
		signEvery: signEvery, idleEvery: idleEvery,
		seq: newSequencer(), trusted: new(atomic.Pointer[believed]),
		hot: merkle.NewTileCache(hotTiles),
	}
	for _, opt := range opts {
		if err := opt(t); err != nil {
			return nil, err
		}
	}
	if err := t.trustSelf(); err != nil {
		return nil, err
	}
	if s, ok := sealer.(interface{ Transactor() troth.Transactor }); ok && s.Transactor() != t.tx {
		return nil, troth.ErrNotShared
	}
	if err := t.admit(ctx); err != nil {
		return nil, err
	}
	return t, nil
}

// admit finds out whether the store answers and may be used in this way.
func (t *Trail) admit(ctx context.Context) error {
	if t.unmanaged == "" {
		_, err := t.managed(ctx)
		return err
	}
	return t.tx.Atomically(ctx, func(ctx context.Context) error {
		if err := t.way().Free(ctx); err != nil {
			return err
		}
		_, err := t.Record(troth.WithActor(ctx, self), clearance.Alone(actUnmanaged, t.unmanaged))
		return err
	})
}

// managed reports whether a keeper has taken the store over.
func (t *Trail) managed(ctx context.Context) (bool, error) {
	managed, err := t.store.Managed(ctx)
	if err != nil {
		return false, fmt.Errorf("audit: ask the store: %w", err)
	}
	return managed, nil
}

// Transactor is the one whose transactions Record joins.
func (t *Trail) Transactor() troth.Transactor { return t.tx }

// Backlog tells how many entries of all tenants wait in the inbox, and since
// when. Entries there are durable and not yet tamper-evident.
func (t *Trail) Backlog(ctx context.Context) (Backlog, error) {
	b, err := t.store.Backlog(ctx)
	if err != nil {
		return Backlog{}, fmt.Errorf("audit: backlog: %w", err)
	}
	return b, nil
}

// atomically runs fn in the transaction of ctx, or in one of its own.
func (t *Trail) atomically(ctx context.Context, fn func(ctx context.Context) error) error {
	if t.tx.Scope(ctx) != nil {
		return fn(ctx)
	}
	return t.tx.Atomically(ctx, fn)
}

// trustSelf makes the keys of the signer and of the witnesses ones that the
// trail verifies with.
func (t *Trail) trustSelf() (err error) {
	v := t.verifiers
	for _, k := range t.witnesses {
		if v, err = v.WithWitness(k.String()); err != nil {
			return fmt.Errorf("audit: witness: %w", err)
		}
	}
	if t.signer != nil {
		if v, err = v.With(t.signer.VerifierKey()); err != nil {
			return fmt.Errorf("audit: signer: %w", err)
		}
	}
	t.verifiers = v
	return nil
}

// clone returns a trail on the same store with a sequencer of its own.
func (t *Trail) clone() *Trail {
	c := *t
	c.seq, c.trusted = newSequencer(), new(atomic.Pointer[believed])
	return &c
}
