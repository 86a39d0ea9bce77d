package unsubscribe

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/deadline"
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

	purposes   map[string]troth.Purpose
	providers  []provider
	rules      func(troth.Tenant) []deadline.Rule
	alarm      func(Alarm)
	disposer   troth.Disposer
	unmanaged  string
	shredder   Shredder
	feedKept   time.Duration
	sweepEvery time.Duration
}

// defaultRules are those that hold where the host names none.
var defaultRules = sync.OnceValue(func() []deadline.Rule {
	rules, err := Rules(DefaultRule)
	if err != nil {
		panic(err) // it is shipped with the module
	}
	return rules
})

func defaults() options {
	return options{
		log:       zap.NewNop(),
		now:       time.Now,
		exactOnly: func(troth.Tenant) bool { return false },
		// A link in a message must work for 60 days after it was sent (CASL section
		// 11(2); 30 days in 15 U.S.C. 7704(a)(3)).
		linkGrace: 60 * 24 * time.Hour,
		undo:      15 * time.Minute,

		purposes:   map[string]troth.Purpose{},
		rules:      func(troth.Tenant) []deadline.Rule { return defaultRules() },
		feedKept:   7 * 24 * time.Hour,
		sweepEvery: time.Minute,
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
// need. What it gives that cannot be read as an address of its channel, such as a
// national telephone number, is passed over: see [Normalise].
func WithDirectory(d troth.Directory) Option {
	return func(o *options) error { o.directory = d; return present("directory", d != nil) }
}

// WithObjections adds a ledger that is told of opt-outs, in their transaction, and
// asked by the gate about marketing. Of a recipient of whom nobody tells who it is the
// gate lets nobody through, unless every ledger has a method
//
//	Concerns(ctx context.Context, tenant troth.Tenant, p troth.Purpose) (bool, error)
//
// by which it says that it keeps nothing about the purpose of the list.
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

// WithListPurpose says for which purpose messages of a list are sent, as consent
// ledgers call it. For other lists it is a purpose of the same name.
func WithListPurpose(list string, p troth.Purpose) Option {
	return func(o *options) error {
		if err := checkName("list", list); err != nil {
			return err
		}
		o.purposes[list] = p
		return p.Validate()
	}
}

// WithDisposer sets what gives leave to destroy, see [Registry.Erase]: a retention
// keeper.
func WithDisposer(d troth.Disposer) Option {
	return func(o *options) error { o.disposer = d; return present("disposer", d != nil) }
}

// Unmanaged lets the registry destroy what it must without a retention keeper:
// nobody checks holds and legal minima. The ground, in the host's words, is recorded
// as evidence each time such a registry is made. It is refused for ever on a store
// that a keeper has taken over.
func Unmanaged(ground string) Option {
	return func(o *options) error { o.unmanaged = ground; return checkName("ground", ground) }
}

// Shredder destroys a person's keys of some compartments, with a permit: a vault
// does, by a function of three lines.
type Shredder func(ctx context.Context, p troth.Permit, s troth.Subject, cs ...troth.Compartment) error

// WithShredder has the keys of evidence destroyed that has a key of its own, when
// that is erased. That of people whom the host knows dies with their vault.
func WithShredder(s Shredder) Option {
	return func(o *options) error { o.shredder = s; return present("shredder", s != nil) }
}

// WithFeedKept sets for how long the feed is kept; 7 days by default. Whoever was
// away for longer reads all entries again.
func WithFeedKept(d time.Duration) Option {
	return func(o *options) error {
		if d < time.Minute {
			return errors.New("unsubscribe: the feed is kept for less than a minute")
		}
		o.feedKept = d
		return nil
	}
}

func present(what string, is bool) error {
	if !is {
		return fmt.Errorf("unsubscribe: %s is nil", what)
	}
	return nil
}
