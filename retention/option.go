package retention

import (
	"context"
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
	types     map[string]Registration
	disposals map[string]DisposalRule
	counsel   string
	officer   string
	desk      string
	keys      troth.Keys
	keptIn    Outside
	evidence  Evidence
	review    func(ctx context.Context, hold Hold) error
	batch     int
	poll      time.Duration
	swept     func(Swept)
	erased    func(ctx context.Context, tenant troth.Tenant, request string) error
	lease     time.Duration
	tasks     troth.Enqueuer
	copies    map[string]Connector
	custodian string
	certify   time.Duration
	lookout   Lookout
	prover    troth.Prover

	operator   string
	ceilings   map[string]Ceiling
	unapproved bool
	planLife   time.Duration
}

func defaults() options {
	return options{
		log: zap.NewNop(), now: time.Now,
		types: map[string]Registration{}, disposals: ownDisposals(), copies: map[string]Connector{}, custodian: "custodian",
		counsel: "counsel", officer: "dpo", desk: "privacy", batch: 200, poll: time.Minute,
		lease: 5 * time.Minute,

		operator: "operator", ceilings: map[string]Ceiling{}, planLife: 7 * 24 * time.Hour,
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

// WithRecords registers a record type. Every type needs a class in the policy.
func WithRecords(recordType string, r Registration) Option {
	return func(o *options) error {
		if _, twice := o.types[recordType]; twice {
			return errors.New("retention: a record type is registered twice")
		}
		o.types[recordType] = r
		if r.Handler == nil {
			return present("handler", false)
		}
		return checkName("record type", recordType)
	}
}

// WithDisposal says what disposals of a kind are about, for holds; see
// [Keeper.Dispose]. What it leaves out of a kind of this module's own packages stays
// as it is.
func WithDisposal(kind string, r DisposalRule) Option {
	return func(o *options) error {
		known := o.disposals[kind]
		if r.Subject == nil {
			r.Subject = known.Subject
		}
		if r.Permit == nil {
			r.Permit = known.Permit
		}
		o.disposals[kind] = r
		return checkName("kind of disposal", kind)
	}
}

// WithCounsel names the role of those who place and release holds; "counsel" by
// default.
func WithCounsel(role string) Option {
	return func(o *options) error { o.counsel = role; return checkName("role", role) }
}

// WithOfficer names the role of the data-protection officer, who activates policies;
// "dpo" by default.
func WithOfficer(role string) Option {
	return func(o *options) error { o.officer = role; return checkName("role", role) }
}

// WithDesk names the role of those who grant erasures; "privacy" by default.
func WithDesk(role string) Option {
	return func(o *options) error { o.desk = role; return checkName("role", role) }
}

// WithBatch sets how many records one transaction of a sweep takes at most; 200 by
// default.
func WithBatch(records int) Option {
	return func(o *options) error {
		if o.batch = records; records < 1 {
			return errors.New("retention: a batch has less than one record")
		}
		return nil
	}
}

// WithPoll sets how long [Keeper.Run] waits between sweeps; a minute by default.
func WithPoll(d time.Duration) Option {
	return func(o *options) error {
		if o.poll = d; d <= 0 {
			return errors.New("retention: the poll is not positive")
		}
		return nil
	}
}

// WithLease sets how long a process may stand still in a sweep before others take its
// work over, by the database's clock; five minutes by default. A handler that takes
// longer for one record has failed.
func WithLease(d time.Duration) Option {
	return func(o *options) error {
		if o.lease = d; d < time.Second {
			return errors.New("retention: the lease is shorter than a second")
		}
		return nil
	}
}

// WithSwept has every sweep of [Keeper.Run] reported.
func WithSwept(report func(Swept)) Option {
	return func(o *options) error { o.swept = report; return present("report", report != nil) }
}

// WithErased has told be called in each transaction that destroys something of a granted
// erasure, or finds that nothing of it is left: so whoever granted it need not ask again and
// again. An error of it undoes what the transaction did. It must not wait for whoever may be
// waiting for the keeper.
func WithErased(told func(ctx context.Context, tenant troth.Tenant, request string) error) Option {
	return func(o *options) error { o.erased = told; return present("who is told of erasures", told != nil) }
}

func present(what string, is bool) error {
	if !is {
		return fmt.Errorf("retention: %s is nil", what)
	}
	return nil
}

// checkName checks an identifier of the host's as the root package checks purposes.
func checkName(kind, id string) error {
	err := troth.Purpose(id).Validate()
	if bad, ok := errors.AsType[*troth.IdentifierError](err); ok {
		return &troth.IdentifierError{Kind: kind, Reason: bad.Reason}
	}
	return err
}
