package rights

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"go.uber.org/zap"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/deadline"
)

// Option changes a default of [New].
type Option func(*options) error

// Shredder destroys the keys of compartments of a person, as a vault does. It works in
// the transaction of ctx.
type Shredder func(ctx context.Context, p troth.Permit, s troth.Subject, cs ...troth.Compartment) error

// HolderKeys returns the public keys that a person registered to sign consents for
// agents with; none if they have none.
type HolderKeys func(ctx context.Context, s troth.Subject) ([]ed25519.PublicKey, error)

type options struct {
	log        *zap.Logger
	now        func() time.Time
	loc        *time.Location
	sealer     troth.Sealer
	enqueuer   troth.Enqueuer
	disposer   troth.Disposer
	unmanaged  string
	shredder   Shredder
	directory  troth.Directory
	notifier   Notifier
	alarms     Alarms
	holderKeys HolderKeys
	sets       []*deadline.Set
	regimes    []string
	remedies   map[string]Remedy
	// appealWindow is how long people have to appeal to the host.
	appealWindow deadline.Period

	controller  string
	evidence    Evidence
	prover      troth.Prover
	sources     []Source
	exports     *Exports
	coolingOff  time.Duration
	sourceTries int
	turnTime    time.Duration
	checkEvery  time.Duration
	answerTime  time.Duration

	proofLife    time.Duration
	codeLife     time.Duration
	tries, codes int
	lapse        time.Duration
	contentsLife time.Duration
	recordMonths int
	poll         time.Duration
}

func defaults() options {
	return options{
		log: zap.NewNop(), now: time.Now, loc: time.UTC,
		sets: deadline.Shipped(), regimes: []string{"gdpr", "uk", "ccpa"},
		proofLife: 30 * 24 * time.Hour, codeLife: 15 * time.Minute, tries: 5, codes: 5,
		lapse: 90 * 24 * time.Hour, contentsLife: 90 * 24 * time.Hour, recordMonths: 24,
		poll: time.Minute, sourceTries: 8, turnTime: turnTime, coolingOff: 72 * time.Hour, checkEvery: 24 * time.Hour, answerTime: 30 * 24 * time.Hour, remedies: map[string]Remedy{}, appealWindow: deadline.Period{Days: 60},
	}
}

// WithLogger sets the logger; the default logs nothing.
func WithLogger(l *zap.Logger) Option {
	return func(o *options) error { o.log = l; return present("logger", l != nil) }
}

// WithClock sets the clock, time.Now by default.
func WithClock(now func() time.Time) Option {
	return func(o *options) error { o.now = now; return present("clock", now != nil) }
}

// WithLocation sets where days begin and end for deadlines: where the duty lies.
// Default UTC.
func WithLocation(loc *time.Location) Option {
	return func(o *options) error { o.loc = loc; return present("location", loc != nil) }
}

// WithSealer sets what seals the personal data of requests. Without it none is taken:
// submissions that hold any are refused.
func WithSealer(s troth.Sealer) Option {
	return func(o *options) error { o.sealer = s; return present("sealer", s != nil) }
}

// WithEnqueuer has what is due enqueued, as works of kind [WorkDue], whose handler is
// [Desk.Do]. Without it [Desk.Run] looks for what is due.
func WithEnqueuer(e troth.Enqueuer) Option {
	return func(o *options) error { o.enqueuer = e; return present("enqueuer", e != nil) }
}

// WithDisposer sets the keeper that is asked before anything is destroyed. Without it, and
// without [Unmanaged], what is over stays.
func WithDisposer(k troth.Disposer) Option {
	return func(o *options) error { o.disposer = k; return present("disposer", k != nil) }
}

// Unmanaged lets the desk destroy without a retention keeper: nobody checks holds.
// ground says why in the host's own words; it is recorded, and must not be about a
// person. A store that a keeper has taken over refuses it.
func Unmanaged(ground string) Option {
	return func(o *options) error {
		o.unmanaged = ground
		return identifierError("ground", troth.Purpose(ground).Validate())
	}
}

// WithShredder has the keys of a request's personal data destroyed with it. Without it the
// data alone goes, and older copies of the database open still.
func WithShredder(s Shredder) Option {
	return func(o *options) error { o.shredder = s; return present("shredder", s != nil) }
}

// WithDirectory sets who knows which addresses are whose, for codes. Without it, or without a
// notifier, [Desk.SendCode] returns [ErrNeeds].
func WithDirectory(dir troth.Directory) Option {
	return func(o *options) error { o.directory = dir; return present("directory", dir != nil) }
}

// WithNotifier sets who writes to people. Without it the host tells them itself what the
// desk would have told.
func WithNotifier(n Notifier) Option {
	return func(o *options) error { o.notifier = n; return present("notifier", n != nil) }
}

// WithAlarms sets who is told of deadlines that come near or pass. Without it the trail
// alone is.
func WithAlarms(a Alarms) Option {
	return func(o *options) error { o.alarms = a; return present("alarms", a != nil) }
}

// WithHolderKeys sets who knows the keys that people sign consents for agents with. Without it
// a mandate with a signature is refused, with [ErrNeeds].
func WithHolderKeys(k HolderKeys) Option {
	return func(o *options) error { o.holderKeys = k; return present("keys of holders", k != nil) }
}

// WithRules replaces the sets of rules that clocks follow; the default are those that
// package deadline ships.
func WithRules(sets ...*deadline.Set) Option {
	return func(o *options) error {
		o.sets = slices.Clone(sets)
		return present("set of rules", len(sets) > 0 && !slices.Contains(sets, nil))
	}
}

// WithRegimes sets the laws that apply to people of whom it is not known where they
// live: all of them are kept, and the earliest clock leads. They are named as the ids
// of rules begin. Default gdpr, uk and ccpa.
func WithRegimes(regimes ...string) Option {
	return func(o *options) error {
		if len(regimes) == 0 || len(regimes) > maxList {
			return errors.New("rights: no regime, or too many")
		}
		o.regimes = slices.Clone(regimes)
		return nil
	}
}

// WithRemedy sets whom people are told to turn to under a law, as the ids of its rules
// begin. Without it they are told in general words.
func WithRemedy(regime string, r Remedy) Option {
	return func(o *options) error {
		for _, s := range []string{r.Authority, r.Court, r.Appeal} {
			if len(s) > maxLine || !utf8.ValidString(s) {
				return errors.New("rights: something of a remedy is too long, or not UTF-8")
			}
		}
		o.remedies[regime] = r
		return nil
	}
}

// WithAppealWindow sets how long people have to appeal to the host, where a law gives
// them an appeal and no time for it. Default 60 days.
func WithAppealWindow(p deadline.Period) Option {
	return func(o *options) error {
		if p.Validate() != nil || p.BusinessDays != 0 || p.Hours != 0 || p.IsZero() {
			return errors.New("rights: the time to appeal is no number of days, months or years")
		}
		o.appealWindow = p
		return nil
	}
}

// WithProofLife sets how long a proof of identity is good for accepting a request.
// Default 30 days, at least a minute.
func WithProofLife(d time.Duration) Option {
	return atLeast("life of proofs", d, time.Minute, func(o *options) { o.proofLife = d })
}

// WithCodes sets how long a code is good, how often one may be tried, and how many may
// be asked for in one request. Default 15 minutes, 5 and 5.
func WithCodes(life time.Duration, tries, codes int) Option {
	return func(o *options) error {
		if life < time.Minute || tries < 1 || tries > 10 || codes < 1 || codes > 20 {
			return errors.New("rights: codes that live less than a minute, or are tried or asked for too often")
		}
		o.codeLife, o.tries, o.codes = life, tries, codes
		return nil
	}
}

// WithLapse sets when a request lapses whose person never says who they are or what
// they mean. Default 90 days, at least a day.
func WithLapse(d time.Duration) Option {
	return atLeast("time to lapse", d, 24*time.Hour, func(o *options) { o.lapse = d })
}

// WithContentsLife sets how long the personal data of a request stays after it was
// closed, for appeals. Default 90 days; zero destroys it at once.
func WithContentsLife(d time.Duration) Option {
	return atLeast("life of contents", d, 0, func(o *options) { o.contentsLife = d })
}

// WithRecordMonths sets how many months the record of a request stays after it was
// closed, without the personal data. Default 24, which is the least (11 CCR §7101).
func WithRecordMonths(n int) Option {
	return func(o *options) error {
		if n < 24 || n > 1200 {
			return errors.New("rights: records are kept for 24 months at least")
		}
		o.recordMonths = n
		return nil
	}
}

func atLeast(what string, d, least time.Duration, set func(*options)) Option {
	return func(o *options) error {
		if d < least {
			return fmt.Errorf("rights: %s is shorter than %v", what, least)
		}
		set(o)
		return nil
	}
}

func present(what string, is bool) error {
	if !is {
		return fmt.Errorf("rights: %s is nil", what)
	}
	return nil
}
