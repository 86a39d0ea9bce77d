package unsubscribe

import (
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/trothdev/troth"
)

// Option changes a default of [New].
type Option func(*options) error

type options struct {
	log       *zap.Logger
	now       func() time.Time
	sealer    troth.Sealer
	enqueuer  troth.Enqueuer
	directory troth.Directory
	peers     []troth.Objections
	exactOnly func(troth.Tenant) bool
	linkGrace time.Duration
	undo      time.Duration
}

func defaults() options {
	return options{
		log:       zap.NewNop(),
		now:       time.Now,
		exactOnly: func(troth.Tenant) bool { return false },
		// A link in a message must work for 60 days after it was sent (CASL section
		// 11(2); 30 days in 15 U.S.C. 7704(a)(3)).
		linkGrace: 60 * 24 * time.Hour,
		undo:      15 * time.Minute,
	}
}

// WithLogger sets the logger; the default logs nothing.
func WithLogger(l *zap.Logger) Option {
	return func(o *options) error { o.log = l; return present("logger", l != nil) }
}

// WithClock sets the clock.
func WithClock(now func() time.Time) Option {
	return func(o *options) error { o.now = now; return present("clock", now != nil) }
}

// WithSealer lets events have [Evidence], which is sealed. Without one, evidence is
// refused.
func WithSealer(s troth.Sealer) Option {
	return func(o *options) error { o.sealer = s; return present("sealer", s != nil) }
}

// WithEnqueuer is what later work is enqueued with: telling providers.
// [Registry.Do] does it.
func WithEnqueuer(e troth.Enqueuer) Option {
	return func(o *options) error { o.enqueuer = e; return present("enqueuer", e != nil) }
}

// WithDirectory maps people to addresses and back, which objections of other ledgers
// need.
func WithDirectory(d troth.Directory) Option {
	return func(o *options) error { o.directory = d; return present("directory", d != nil) }
}

// WithObjections adds a ledger that is told of opt-outs, in their transaction, and
// asked by the gate.
func WithObjections(peer troth.Objections) Option {
	return func(o *options) error {
		o.peers = append(o.peers, peer)
		return present("other ledger", peer != nil)
	}
}

// WithExactAddresses switches the rules of mailboxes off for clients who rely on
// tags in addresses: an opt-out of one tag does not stop the others. The registry of
// everything keeps them.
func WithExactAddresses(of func(troth.Tenant) bool) Option {
	return func(o *options) error { o.exactOnly = of; return present("function", of != nil) }
}

// WithLinkGrace sets how long after it was sent a link ends also a consent that is
// newer than it; 60 days by default.
func WithLinkGrace(d time.Duration) Option {
	return func(o *options) error {
		if d < 0 {
			return errors.New("unsubscribe: the grace of links is negative")
		}
		o.linkGrace = d
		return nil
	}
}

// WithUndo sets for how long an opt-out can be taken back by [ByUndo]; a quarter of
// an hour by default.
func WithUndo(d time.Duration) Option {
	return func(o *options) error {
		if d < 0 {
			return errors.New("unsubscribe: the time for undoing is negative")
		}
		o.undo = d
		return nil
	}
}

func present(what string, is bool) error {
	if !is {
		return fmt.Errorf("unsubscribe: %s is nil", what)
	}
	return nil
}
