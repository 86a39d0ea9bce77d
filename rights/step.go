package rights

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strconv"
	"time"

	"go.uber.org/zap"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/canon"
)

const stepDomain = "troth.rights.step/1"

func stepKey(tenant troth.Tenant, request string) ItemKey {
	return ItemKey{Tenant: tenant, Owner: request, Kind: ItemStep, ID: "step"}
}

// stepAt has the request carried on at an instant, in microseconds; stepEnd no more, until
// something happens. The last that is said in a transaction is written, at its end.
func (c *change) stepAt(at int64) { c.next, c.steps = max(at, 1), true }

func (c *change) stepEnd() { c.next, c.steps = 0, true }

// putStep writes when the request is carried on. One that is not has a step which is never
// due: that is written with the other items, and deleting it would be a statement more.
func (c *change) putStep(ctx context.Context) error {
	row := ItemRow{ItemKey: stepKey(c.tenant, c.id), DueAt: c.next}
	if err := c.putLater(ctx, row, canon.AppendDomain(nil, stepDomain)); err != nil {
		return err
	}
	return c.d.schedule(ctx, row)
}

// proceed has a request that came to a state carried on, where the desk can do that by
// itself. Who is to be erased is entered into the ledger before anything is destroyed.
func (c *change) proceed(ctx context.Context, from, to State) error {
	switch to {
	case StateAccepted:
		if c.q.right.Effect() != Answers {
			c.stepAt(c.now)
		}
	case StateExecuting:
		if c.dueAt == 0 || c.dueAt > c.now { // what is due already is found after a crash
			c.stepAt(c.now)
		}
		if c.q.right.Effect() == Destroys {
			return c.enter(ctx)
		}
	case StateCollecting:
		c.stepAt(c.now)
	case StateCoolingOff:
		c.stepAt(c.now + c.d.opt.coolingOff.Microseconds())
	default:
		if from.steps() {
			c.stepEnd()
		}
	}
	return nil
}

// steps reports whether a request in that state may have a step that is due.
func (s State) steps() bool {
	return s == StateAccepted || s == StateCollecting || s == StateCoolingOff || s == StateExecuting
}

// WithCoolingOff sets how long what cannot be taken back waits once it was approved.
// Default 72 hours; zero waits for nothing.
func WithCoolingOff(d time.Duration) Option {
	return atLeast("time to cool off", d, 0, func(o *options) { o.coolingOff = d })
}

// WithTries sets how often in a row a source may fail before it is left to a person.
// Default 8, with pauses from ten seconds to an hour.
func WithTries(n int) Option {
	return func(o *options) error {
		if n < 1 || n > 1000 {
			return errors.New("rights: sources are tried from once to 1000 times")
		}
		o.sourceTries = n
		return nil
	}
}

// WithChecks sets how often a source is asked again that kept something back, or has not
// confirmed. Default 24 hours, at least a minute.
func WithChecks(every time.Duration) Option {
	return atLeast("time between checks", every, time.Minute, func(o *options) { o.checkEvery = every })
}

// WithAnswerTime sets by when a recipient should have confirmed who does not say so
// itself. Default 30 days.
func WithAnswerTime(d time.Duration) Option {
	return atLeast("time to answer", d, time.Hour, func(o *options) { o.answerTime = d })
}

// A source that failed is tried again after a while, which doubles.
const (
	firstPause = 10 * time.Second
	lastPause  = time.Hour
)

// turnTime is after how long of a transaction no other source begins in it.
const turnTime = 100 * time.Millisecond

func pauseAfter(tries int) time.Duration {
	if tries > 10 {
		return lastPause
	}
	return min(firstPause<<max(tries-1, 0), lastPause)
}

// step carries a request on as far as it goes: a step of work that is repeated after any
// interruption does nothing twice that was done.
func (d *Desk) step(ctx context.Context, key ItemKey) error {
	for {
		b, err := d.beginStep(ctx, key)
		if errors.Is(err, ErrNotFound) {
			return nil
		} else if err != nil {
			return err
		}
		var more bool
		switch b.q.state {
		case StateAccepted, StateCollecting:
			if b.q.atOnce() {
				more, err = d.beginWork(ctx, key)
			} else {
				more, err = d.collect(ctx, key, b)
			}
		case StateCoolingOff:
			more, err = d.coolOff(ctx, key, b)
		case StateExecuting:
			more, err = false, d.execute(ctx, key, b)
		default:
			more, err = d.endSteps(ctx, key)
		}
		if err != nil || !more {
			return err
		}
	}
}

// beginning is what a step begins with.
type beginning struct {
	known
	// items are what the person is found by, the sources and the step itself.
	items  []ItemRow
	events []EventRow
}

// begins are the kinds of those items. What a person was found by goes before what they said.
var begins = []ItemKind{ItemFound, ItemContents, ItemSources, ItemStep}

// beginStep reads what a step begins with.
func (d *Desk) beginStep(ctx context.Context, key ItemKey) (beginning, error) {
	if err := key.Tenant.Validate(); err != nil {
		return beginning{}, err
	}
	f, found, err := d.store.File(ctx, key.Tenant, key.Owner, begins)
	switch {
	case err != nil:
		return beginning{}, wrap("read request", err)
	case !found:
		return beginning{}, ErrNotFound
	}
	q, err := d.openRequest(ctx, f.Request)
	return beginning{known{q, f.Request.Record}, f.Items, f.Events}, err
}

// endSteps forgets the step of a request that somebody moved on meanwhile.
func (d *Desk) endSteps(ctx context.Context, key ItemKey) (more bool, err error) {
	_, err = d.store.DeleteItem(ctx, key)
	return false, wrap("end step", err)
}

// atOnce reports whether a request needs no review: what needs no identity.
func (q *request) atOnce() bool {
	return q.state == StateAccepted && q.right.Effect() == Changes && q.needs() == LevelNone
}

// beginWork notes who is to do what is done at once.
func (d *Desk) beginWork(ctx context.Context, key ItemKey) (more bool, err error) {
	return true, d.when(ctx, key, StateAccepted, func(ctx context.Context, c *change) error {
		work := d.snapshot(c.q.right)
		c.beginWith(work)
		return c.fire(ctx, ExecutionBegan, began(work))
	})
}

// wordSources is the word of an event that says how many sources there are to be.
const wordSources = "sources"

// began says with what work begins.
func began(work []SourceWork) happening {
	return happening{word: wordSources, ref: strconv.Itoa(len(work))}
}

// when changes a request that is still in a state; one that is not is left alone.
func (d *Desk) when(ctx context.Context, key ItemKey, s State, fn func(ctx context.Context, c *change) error) error {
	return d.whenOf(ctx, key, s, nil, fn)
}

// whenOf is when of a request of which is known what it was, nil if that is not.
func (d *Desk) whenOf(ctx context.Context, key ItemKey, s State, was *known, fn func(ctx context.Context, c *change) error) error {
	_, err := d.changeOf(ctx, key.Tenant, key.Owner, was, func(ctx context.Context, c *change) error {
		if c.q.state != s {
			return nil
		}
		return fn(ctx, c)
	})
	return err
}

// glance is a request that is in a state, without a lock: for asking about it, and for
// nothing that is written. nil if it is in another.
func (d *Desk) glance(ctx context.Context, key ItemKey, s State) (*change, error) {
	q, err := d.read(ctx, key.Tenant, key.Owner)
	if err != nil || q.state != s {
		return nil, err
	}
	return d.seen(key, q), nil
}

// seen is a request as it was read.
func (d *Desk) seen(key ItemKey, q *request) *change {
	return &change{d: d, tenant: key.Tenant, id: key.Owner, q: q, now: max(d.micros(), q.clock+1)}
}

// later has a request carried on after a pause.
func (d *Desk) later(ctx context.Context, key ItemKey, s State, pause time.Duration) error {
	return d.when(ctx, key, s, func(_ context.Context, c *change) error {
		c.stepAt(c.now + pause.Microseconds())
		return nil
	})
}

// failed tells the log that a source failed, and not what it said: that may name people.
func (d *Desk) failed(_ context.Context, key ItemKey, source, what string, err error) {
	fields := []zap.Field{
		zap.String("tenant", string(key.Tenant)), zap.String("request", key.Owner), zap.String("source", source),
		zap.String("what", what),
	}
	fields = append(fields, cause(err)...)
	if p, ok := errors.AsType[*panicError](err); ok {
		fields = append(fields, zap.ByteString("stack", p.stack))
	}
	d.log.Warn("rights: a source failed", fields...)
}

// panicError is a source that panicked: what it said may name people.
type panicError struct{ stack []byte }

func (*panicError) Error() string { return "rights: a source panicked" }

// guarded calls a source, whose panic is a failure.
func guarded[T any](call func() (T, error)) (got T, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &panicError{debug.Stack()}
		}
	}()
	return call()
}

// Step carries a request on now, instead of when its turn comes. It is for hosts that do
// not [Desk.Run], and for tests. It returns when there is nothing that can be done
// at once. A source that fails is no error of it: that is in the log, and in the Tries of
// [Desk.Work]. What is left over once all sources are settled is for [Desk.Sweep].
func (d *Desk) Step(ctx context.Context, tenant troth.Tenant, id string) error {
	if err := tenant.Validate(); err != nil {
		return err
	}
	ctx = troth.WithActor(d.tx.Detach(ctx), self)
	if err := d.step(ctx, stepKey(tenant, id)); err != nil {
		return fmt.Errorf("rights: carry on: %w", err)
	}
	return nil
}
