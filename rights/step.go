package rights

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
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

// stepAt has the request carried on at an instant, in microseconds.
func (c *change) stepAt(ctx context.Context, at int64) error {
	key := stepKey(c.tenant, c.id)
	row, message, found, err := c.d.item(ctx, key)
	if err != nil {
		return err
	}
	if !found {
		return c.d.insertItem(ctx, ItemRow{ItemKey: key, DueAt: max(at, 1)}, canon.AppendDomain(nil, stepDomain))
	}
	row.DueAt = max(at, 1)
	return c.d.putItem(ctx, row, message)
}

// stepEnd has it carried on no more, until something happens.
func (c *change) stepEnd(ctx context.Context) error {
	_, err := c.d.store.DeleteItem(ctx, stepKey(c.tenant, c.id))
	return wrap("end step", err)
}

// proceed has a request that came to a state carried on, where the desk can do that by
// itself. Who is to be erased is entered into the ledger before anything is destroyed.
func (c *change) proceed(ctx context.Context, to State) error {
	switch to {
	case StateAccepted:
		if c.q.right.Effect() == Answers {
			return nil
		}
		return c.stepAt(ctx, c.now)
	case StateExecuting:
		if c.q.right.Effect() == Destroys {
			if err := c.enter(ctx); err != nil {
				return err
			}
		}
		return c.stepAt(ctx, c.now)
	case StateCollecting:
		return c.stepAt(ctx, c.now)
	case StateCoolingOff:
		return c.stepAt(ctx, c.now+c.d.opt.coolingOff.Microseconds())
	default:
		return c.stepEnd(ctx)
	}
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
		q, err := d.read(ctx, key.Tenant, key.Owner)
		if errors.Is(err, ErrNotFound) {
			return nil
		} else if err != nil {
			return err
		}
		var more bool
		switch q.state {
		case StateAccepted:
			more, err = d.beginWork(ctx, key)
		case StateCollecting:
			more, err = d.collect(ctx, key)
		case StateCoolingOff:
			more, err = d.coolOff(ctx, key)
		case StateExecuting:
			more, err = false, d.execute(ctx, key)
		default:
			more, err = d.endSteps(ctx, key)
		}
		if err != nil || !more {
			return err
		}
	}
}

// endSteps forgets the step of a request that somebody moved on meanwhile.
func (d *Desk) endSteps(ctx context.Context, key ItemKey) (more bool, err error) {
	_, err = d.store.DeleteItem(ctx, key)
	return false, wrap("end step", err)
}

// beginWork notes who is to be asked. What needs no identity needs no review either: it is
// done at once.
func (d *Desk) beginWork(ctx context.Context, key ItemKey) (more bool, err error) {
	return true, d.when(ctx, key, StateAccepted, func(ctx context.Context, c *change) error {
		n, err := c.snapshot(ctx)
		if err != nil {
			return err
		}
		sources := happening{word: "sources", ref: strconv.Itoa(n)}
		if c.q.right.Effect() == Changes && c.q.needs() == LevelNone {
			return c.fire(ctx, ExecutionBegan, sources)
		}
		return c.fire(ctx, CollectionBegan, sources)
	})
}

// when changes a request that is still in a state; one that is not is left alone.
func (d *Desk) when(ctx context.Context, key ItemKey, s State, fn func(ctx context.Context, c *change) error) error {
	_, err := d.change(ctx, key.Tenant, key.Owner, func(ctx context.Context, c *change) error {
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
	return &change{d: d, tenant: key.Tenant, id: key.Owner, q: q, now: max(d.micros(), q.clock+1)}, nil
}

// collect asks sources what there is, until none of them names an identifier that the
// others have not been asked with, and notes all of it at once: asking changes nothing, and
// is done again after a crash.
func (d *Desk) collect(ctx context.Context, key ItemKey) (more bool, err error) {
	work, err := d.Work(ctx, key.Tenant, key.Owner)
	if err != nil {
		return false, err
	}
	by, err := d.found(ctx, key.Tenant, key.Owner)
	if err != nil {
		return false, err
	}
	c, err := d.glance(ctx, key, StateCollecting)
	if err != nil || c == nil {
		return false, err
	}
	round := search{c: c, work: work, by: by, asked: map[int]error{}}
	for again := true; again; {
		if again, err = round.ask(ctx); err != nil {
			return false, err
		}
	}
	err = d.when(ctx, key, StateCollecting, func(ctx context.Context, c *change) error {
		more, err = c.collected(ctx, &round, len(by))
		return err
	})
	return more, err
}

// search is one look at all sources of a request.
type search struct {
	c    *change
	work []SourceWork
	by   []plainIdentifier
	// asked are the sources that were, by their place in work, with how that ended.
	asked map[int]error
	pause time.Duration
}

// ask asks those who have not been asked with all that is known; again says that somebody
// named something new.
func (r *search) ask(ctx context.Context) (again bool, err error) {
	d := r.c.d
	for i := range r.work {
		w := &r.work[i]
		s := d.source(w.Source)
		if w.Located && w.asked == uint32(len(r.by)) || s == nil || s.Locator == nil || w.Tries >= d.opt.sourceTries || r.asked[i] != nil {
			continue
		}
		n := len(r.by)
		q := r.c.inquiry(w.Source, r.by)
		there, err := guarded(func() (Located, error) { return s.Locator.Locate(ctx, q) })
		if err == nil {
			r.by, err = merged(r.by, there.Identifiers)
		}
		if ctx.Err() != nil {
			return false, ctx.Err()
		}
		r.asked[i] = err
		if err != nil {
			d.failed(ctx, stepKey(r.c.tenant, r.c.id), w.Source, "locate", err)
			w.Tries++
			r.pause = max(r.pause, pauseAfter(w.Tries))
			continue
		}
		w.Located, w.Found, w.asked, w.Tries = true, there.Records, uint32(n), 0
		again = again || len(r.by) > n
	}
	return again, nil
}

// collected notes what a search came to, which had begun with so many identifiers. more says
// that another process knows of others by now.
func (c *change) collected(ctx context.Context, r *search, began int) (more bool, err error) {
	count, err := c.addFound(ctx, r.by[began:])
	if err != nil {
		return false, err
	}
	done := r.pause == 0 && count == len(r.by)
	for i := range r.work {
		w := &r.work[i]
		_, was := r.asked[i]
		if done && w.Tries > 0 { // what comes is tried as often, whoever could not be found out
			w.Tries, was = 0, true
		}
		if !was {
			continue
		}
		if err := c.putWork(ctx, w); err != nil {
			return false, err
		}
	}
	switch {
	case r.pause > 0:
		return false, c.stepAt(ctx, c.now+r.pause.Microseconds())
	case !done:
		return true, nil
	}
	return false, c.fire(ctx, Collected, happening{})
}

// later has a request carried on after a pause.
func (d *Desk) later(ctx context.Context, key ItemKey, s State, pause time.Duration) error {
	return d.when(ctx, key, s, func(ctx context.Context, c *change) error {
		return c.stepAt(ctx, c.now+pause.Microseconds())
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

// coolOff begins what cannot be taken back when its time has come, and no request of the
// same person is open that wants to see first what would be gone.
func (d *Desk) coolOff(ctx context.Context, key ItemKey) (more bool, err error) {
	var told map[string][]troth.EntryID
	if d.opt.evidence != nil {
		q, err := d.read(ctx, key.Tenant, key.Owner)
		if err != nil {
			return false, err
		}
		if told, err = d.toldOf(ctx, key.Tenant, q.subject); err != nil {
			return false, err
		}
	}
	by, err := d.found(ctx, key.Tenant, key.Owner)
	if err != nil {
		return false, err
	}
	wait := false
	err = d.when(ctx, key, StateCoolingOff, func(ctx context.Context, c *change) error {
		at, err := c.cooledAt(ctx)
		if err != nil {
			return err
		}
		if at > c.now {
			wait = true
			return c.stepAt(ctx, at)
		}
		asked, err := c.seesFirst(ctx)
		if err != nil {
			return err
		}
		if asked {
			wait = true
			return c.stepAt(ctx, c.now+lastPause.Microseconds())
		}
		if d.opt.evidence != nil {
			if err := c.agrees(ctx, told[c.id]); err != nil {
				return err
			}
		}
		c.by = by
		return c.fire(ctx, CooledOff, happening{})
	})
	return !wait, err
}

// cooledAt is when the time to cool off ends, by the approval: the due instant of a row has
// no tag, and may be anybody's.
func (c *change) cooledAt(ctx context.Context) (int64, error) {
	e, err := c.since(ctx)
	if err != nil {
		return 0, err
	}
	if !e.Until.IsZero() {
		return micros(e.Until), nil
	}
	return micros(e.RecordedAt) + c.d.opt.coolingOff.Microseconds(), nil
}

// since is the event by which the request came to its state.
func (c *change) since(ctx context.Context) (Event, error) {
	events, err := c.d.Events(ctx, c.tenant, c.id)
	if err != nil {
		return Event{}, err
	}
	for _, e := range slices.Backward(events) {
		if e.To == c.q.state && e.From != e.To {
			return e, nil
		}
	}
	return Event{}, ErrRecord
}

// seesFirst reports whether the person has an open request to see their data.
func (c *change) seesFirst(ctx context.Context) (bool, error) {
	if c.q.subject == "" {
		return false, nil
	}
	rows, err := c.d.store.RequestsOf(ctx, c.tenant, c.q.subject)
	if err != nil {
		return false, wrap("read requests", err)
	}
	for _, row := range rows {
		if row.ID == c.id {
			continue
		}
		q, err := c.d.openRequest(ctx, row) // what a row says of itself is nobody's word
		if err != nil {
			return false, err
		}
		if q.state.Open() && q.right.Effect() == Discloses {
			return true, nil
		}
	}
	return false, nil
}

// Step carries a request on now, instead of when its turn comes. It is for hosts that do
// not [Desk.Run], and for tests. It returns when there is nothing that can be done
// at once.
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
