package task

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
	log        *zap.Logger
	now        func() time.Time
	unmanaged  string
	slots      int
	lease      time.Duration
	poll       time.Duration
	drain      time.Duration
	keep       time.Duration
	alarms     Alarms
	dispatcher troth.Dispatcher
	observe    func(Attempt)
}

func defaults() options {
	return options{
		log: zap.NewNop(), now: time.Now, slots: 16, lease: 30 * time.Second, poll: time.Second,
		drain: 30 * time.Second, keep: 30 * 24 * time.Hour, alarms: noAlarms{}, observe: func(Attempt) {},
	}
}

// WithLogger sets the logger; the default logs nothing. No payload, key or text
// of a handler's error is logged.
func WithLogger(l *zap.Logger) Option {
	return func(o *options) error {
		if l == nil {
			return errors.New("task: logger is nil")
		}
		o.log = l
		return nil
	}
}

// WithClock sets the clock of what is recorded. Leases and what is due go by the
// database's clock, whatever this one does.
func WithClock(now func() time.Time) Option {
	return func(o *options) error {
		if now == nil {
			return errors.New("task: clock is nil")
		}
		o.now = now
		return nil
	}
}

// Unmanaged lets the engine destroy payloads and forget finished tasks without a
// retention keeper. The ground, in the host's words, is recorded each time such
// an engine is made. It is refused for ever on a store that a keeper has taken
// over.
func Unmanaged(ground string) Option {
	return func(o *options) error {
		err := troth.Purpose(ground).Validate()
		if bad, ok := errors.AsType[*troth.IdentifierError](err); ok {
			return &troth.IdentifierError{Kind: "ground", Reason: bad.Reason}
		}
		o.unmanaged = ground
		return err
	}
}

// WithConcurrency sets how many handlers run at once in this process. Default 16.
// One that goes on after its lease has ended no longer counts, so that handlers that
// hang do not stop the others; its work is not begun beside it in the same process.
func WithConcurrency(n int) Option {
	return func(o *options) error {
		if n < 1 {
			return errors.New("task: concurrency is less than 1")
		}
		o.slots = n
		return nil
	}
}

// WithLease sets how long a claim lasts unless it is extended, which the engine
// does three times as often. It is also how long the task of a process that died
// waits. Default 30 s, at least 100 ms.
func WithLease(d time.Duration) Option {
	return atLeast("lease", d, 100*time.Millisecond, func(o *options) { o.lease = d })
}

// WithPoll sets how often an idle engine looks for work, and every engine at the
// clock. Default 1 s, at least 1 ms.
func WithPoll(d time.Duration) Option {
	return atLeast("poll", d, time.Millisecond, func(o *options) { o.poll = d })
}

// WithDrain sets how long handlers may go on when Run is told to end, before
// their contexts end too. Default 30 s.
func WithDrain(d time.Duration) Option {
	return atLeast("drain", d, 0, func(o *options) { o.drain = d })
}

// WithKeep sets for how long finished tasks are remembered, and with them their
// keys. Default 30 days, at least a minute.
func WithKeep(d time.Duration) Option {
	return atLeast("keep", d, time.Minute, func(o *options) { o.keep = d })
}

// WithAlarms sets who is told of deadlines. Whether or not, alarms are on the
// trail.
func WithAlarms(a Alarms) Option {
	return func(o *options) error {
		if a == nil {
			return errors.New("task: alarms are nil")
		}
		o.alarms = a
		return nil
	}
}

// WithDispatcher leaves it to a queue of the host's to start tasks: each that is
// due is dispatched in the transaction that makes it so, the queue calls
// [Engine.RunOne], and [Engine.Run] does the rest. A reference that the queue loses
// starts nothing: alarms tell of its deadline, and an engine without a dispatcher on
// the same store runs it, as it runs everything that is due.
func WithDispatcher(d troth.Dispatcher) Option {
	return func(o *options) error {
		if d == nil {
			return errors.New("task: dispatcher is nil")
		}
		o.dispatcher = d
		return nil
	}
}

// WithObserver sets a function that is told of every attempt. It is called by
// the goroutine that made it, and gets the handler's own error, which may hold
// anything.
func WithObserver(f func(Attempt)) Option {
	return func(o *options) error {
		if f == nil {
			return errors.New("task: observer is nil")
		}
		o.observe = f
		return nil
	}
}

func atLeast(what string, d, least time.Duration, set func(*options)) Option {
	return func(o *options) error {
		if d < least {
			return fmt.Errorf("task: %s is shorter than %v", what, least)
		}
		set(o)
		return nil
	}
}

// Alarms is told when a deadline comes near or has passed.
type Alarms interface {
	// Alarm is called inside the transaction that puts the alarm on the trail,
	// once for each stage of a task that is still open, in one process. What it
	// does to the same database commits with it; anything else it should enqueue.
	// An error undoes both, and the alarm comes again a minute later.
	Alarm(ctx context.Context, n Notice) error
}

type noAlarms struct{}

func (noAlarms) Alarm(context.Context, Notice) error { return nil }

// Attempt is what the observer is told.
type Attempt struct {
	Ref     troth.WorkRef
	Kind    string
	Attempt int
	// To is the state that the attempt led to; Delayed is another try later.
	To   State
	Took time.Duration
	// Err is what the handler returned; nil if it succeeded.
	Err error
}
