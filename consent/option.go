package consent

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/deadline"
)

// Option changes a default of [New].
type Option func(*options) error

type options struct {
	log        *zap.Logger
	now        func() time.Time // nil is time.Now
	sealer     troth.Sealer
	enqueuer   troth.Enqueuer
	prover     troth.Prover
	disposer   troth.Disposer
	unmanaged  string
	shredder   Shredder
	peers      []troth.Objections
	notifier   Notifier
	processors []processor
	controller Controller
	ages       *AgeTable

	feedAge time.Duration
	cached  int

	proof      deadline.Period
	proofBasis string

	requestLife time.Duration
	sends       int
	sendEvery   time.Duration
}

func defaults() options {
	return options{
		log:         zap.NewNop(),
		ages:        ShippedAges(),
		feedAge:     5 * time.Second,
		cached:      50_000,
		proof:       deadline.Period{Years: 3},
		proofBasis:  "limitation-period",
		requestLife: 7 * 24 * time.Hour,
		sends:       3,
		sendEvery:   time.Minute,
	}
}

// WithLogger sets the logger; the default logs nothing.
func WithLogger(l *zap.Logger) Option {
	return func(o *options) error {
		if l == nil {
			return errors.New("consent: logger is nil")
		}
		o.log = l
		return nil
	}
}

// WithClock sets the clock of stored times. Ages are measured on the monotonic
// clock, whatever this one does.
func WithClock(now func() time.Time) Option {
	return func(o *options) error {
		if now == nil {
			return errors.New("consent: clock is nil")
		}
		o.now = now
		return nil
	}
}

// WithSealer lets events have [Evidence], which is sealed under the person's own
// keys. If the sealer has a method Transactor it must share the store's.
func WithSealer(s troth.Sealer) Option {
	return func(o *options) error { o.sealer = s; return present("sealer", s != nil) }
}

// WithEnqueuer makes the ledger enqueue what must happen later: telling
// processors of a withdrawal, asking people again. [Ledger.Do] does that work.
func WithEnqueuer(e troth.Enqueuer) Option {
	return func(o *options) error { o.enqueuer = e; return present("enqueuer", e != nil) }
}

// WithProver lets receipts carry their proof, see [Ledger.ProveReceipt].
func WithProver(p troth.Prover) Option {
	return func(o *options) error { o.prover = p; return present("prover", p != nil) }
}

// WithDisposer sets what gives leave to destroy, see [Ledger.Erase]: a retention
// keeper.
func WithDisposer(d troth.Disposer) Option {
	return func(o *options) error { o.disposer = d; return present("disposer", d != nil) }
}

// Unmanaged lets the ledger destroy what it must without a retention keeper:
// nobody checks holds and legal minima. The ground, in the host's words, is
// recorded as evidence each time such a ledger is made. It is refused for ever on
// a store that a keeper has taken over.
func Unmanaged(ground string) Option {
	return func(o *options) error {
		if err := troth.Purpose(ground).Validate(); err != nil {
			return identifierError("ground", err)
		}
		o.unmanaged = ground
		return nil
	}
}

// Shredder destroys a person's keys of some compartments, with a permit: a vault
// does, by a function of three lines, see the package comment.
type Shredder func(ctx context.Context, p troth.Permit, s troth.Subject, cs ...troth.Compartment) error

// WithShredder makes [Ledger.Erase] destroy the keys of [ContentCompartment], and
// the end of the limitation period those of [ProofCompartment]. Without one the
// sealed bytes are deleted, and whoever has an old copy of them and the keys can
// read them.
func WithShredder(s Shredder) Option {
	return func(o *options) error { o.shredder = s; return present("shredder", s != nil) }
}

// WithObjections adds a ledger of opt-outs: it is told of every withdrawal from
// and objection to direct marketing, in the same transaction, and asked before
// direct marketing is allowed, or what requires it. It must be safe for concurrent
// use: batches ask about several pages at once. It takes no objection of ours amiss
// for one of its own, and returns nil for what it was told before. What one such
// ledger told is not told to another.
func WithObjections(peer troth.Objections) Option {
	return func(o *options) error {
		o.peers = append(o.peers, peer)
		return present("ledger of objections", peer != nil)
	}
}

// WithNotifier sets who asks and tells people.
func WithNotifier(n Notifier) Option {
	return func(o *options) error { o.notifier = n; return present("notifier", n != nil) }
}

// WithProcessor registers somebody who must be told of every withdrawal, refusal
// of what was granted, and objection about the purposes; about all if there are
// none. The name is recorded and must not be about a person.
func WithProcessor(name string, p Processor, purposes ...troth.Purpose) Option {
	return func(o *options) error {
		if err := checkID("processor", name, 100); err != nil {
			return err
		}
		for _, other := range o.processors {
			if other.name == name {
				return fmt.Errorf("consent: processor %q is registered twice", name)
			}
		}
		o.processors = append(o.processors, processor{name, p, purposes})
		return present("processor", p != nil)
	}
}

// WithController sets who answers for the processing, as receipts say it.
func WithController(c Controller) Option {
	return func(o *options) error {
		if !validText(c.Name) || !validText(c.Contact) {
			return errors.New("consent: controller without name or contact")
		}
		for _, s := range []string{c.Address, c.ID, c.Jurisdiction, c.Withdraw} {
			if s != "" && !validText(s) {
				return errors.New("consent: something of the controller is too long or not plain text")
			}
		}
		o.controller = c
		return nil
	}
}

// WithAges replaces the age limits that are shipped, see [ShippedAges].
func WithAges(t *AgeTable) Option {
	return func(o *options) error { o.ages = t; return present("table of ages", t != nil) }
}

// WithFeedAge bounds for how long this process may allow what another one has
// recorded a no to: after at most d it has learnt of it or refuses. Default 5 s,
// at least 10 ms. A shorter bound asks the store more often.
func WithFeedAge(d time.Duration) Option {
	return atLeast("feed age", d, 10*time.Millisecond, func(o *options) { o.feedAge = d })
}

// WithCache bounds the number of people whose states are kept in memory; one with
// a few purposes takes about 2 KiB. Default 50,000; fewer than 8 keep none.
func WithCache(people int) Option {
	return func(o *options) error {
		if people < 0 {
			return errors.New("consent: cache of fewer than no people")
		}
		o.cached = people
		return nil
	}
}

// WithProofPeriod sets for how long the proof of an erased person's consent is
// kept, and on which basis, a word of the host's such as "bgb-195-199". Default 3
// years, "limitation-period".
func WithProofPeriod(p deadline.Period, basis string) Option {
	return func(o *options) error {
		if p.Validate() != nil || p.BusinessDays != 0 {
			return errors.New("consent: the proof's period is not one of calendar or clock")
		}
		if err := troth.Purpose(basis).Validate(); err != nil {
			return identifierError("basis", err)
		}
		o.proof, o.proofBasis = p, basis
		return nil
	}
}

// WithConfirmation sets how long a request can be confirmed, how often its
// confirmation may be sent, and how long to wait between two. Default 7 days, 3
// times, 1 min.
func WithConfirmation(life time.Duration, sends int, every time.Duration) Option {
	return func(o *options) error {
		if life < time.Minute || sends < 1 || every < 0 {
			return errors.New("consent: a confirmation that lives less than a minute or is never sent")
		}
		o.requestLife, o.sends, o.sendEvery = life, sends, every
		return nil
	}
}

func atLeast(what string, d, least time.Duration, set func(*options)) Option {
	return func(o *options) error {
		if d < least {
			return fmt.Errorf("consent: %s is shorter than %v", what, least)
		}
		set(o)
		return nil
	}
}

func present(what string, is bool) error {
	if !is {
		return fmt.Errorf("consent: %s is nil", what)
	}
	return nil
}
