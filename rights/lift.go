package rights

import (
	"context"
	"errors"
	"time"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/canon"
)

// ItemLifting is that a restriction is going to end, and when.
const ItemLifting ItemKind = "lifting"

const liftingDomain = "troth.rights.lifting/1"

// Lifting is the decision that a restriction ends.
type Lifting struct {
	Tenant  troth.Tenant
	Request string
	// Ground is why, a word of the host's such as "accuracy-verified". It is not about a
	// person.
	Ground string
	// At is when it ends at the earliest; zero is as soon as the person was told.
	At time.Time
	// ToldAt is when the host told the person that it ends. Zero leaves telling them to
	// the desk.
	ToldAt time.Time
}

// Lifted is why a restriction ends, and when the person was told that it does.
type Lifted struct {
	Ground string
	ToldAt time.Time
}

// lifting is what is kept of a decision to lift.
type lifting struct {
	ground   string
	at, told int64
}

func (l *lifting) encode() []byte {
	dst := canon.AppendText(canon.AppendDomain(nil, liftingDomain), l.ground)
	return canon.AppendInt(canon.AppendInt(dst, l.at), l.told)
}

func parseLifting(b []byte) (l lifting, err error) {
	r := reader{Walker: canon.Walk(b, liftingDomain)}
	l = lifting{ground: r.text(), at: r.Int(), told: r.Int()}
	if !r.done() {
		return lifting{}, ErrRecord
	}
	return l, nil
}

func liftingKey(tenant troth.Tenant, request string) ItemKey {
	return ItemKey{Tenant: tenant, Owner: request, Kind: ItemLifting, ID: "lifting"}
}

// liftingNotice is the obligation to tell the person.
const liftingNotice = "lifting-notice"

// noticeTime is by when somebody is to be told who is told at once.
const noticeTime = 24 * time.Hour

// Lift decides that the restriction of a request ends. The person is told first (GDPR
// Article 18(3)), by the desk, or by the host, see [Lifting.ToldAt]; until they were, nothing
// ends, and that they must be is an obligation of the request. Then [Desk.Run] has every
// source lift what it restricted for this request, and no other restriction.
//
// Deciding the same again changes nothing; something else is [ErrConflict]. A request that
// restricts nothing is a *[StateError].
func (d *Desk) Lift(ctx context.Context, l Lifting) (Request, error) {
	if err := checkID("ground", l.Ground); err != nil {
		return Request{}, err
	}
	return d.change(ctx, l.Tenant, l.Request, func(ctx context.Context, c *change) error {
		since, restricts, err := c.restrictedSince(ctx)
		if err != nil {
			return err
		}
		if !restricts {
			return &StateError{State: c.q.state, Event: RestrictionLifted}
		}
		told := micros(l.ToldAt)
		if told > c.now || told != 0 && told < since {
			return ErrFuture
		}
		return c.decideLifting(ctx, lifting{l.Ground, micros(l.At), told})
	})
}

// restrictedSince is when the last source began to restrict what the request asked for;
// false if none does.
func (c *change) restrictedSince(ctx context.Context) (at int64, restricts bool, err error) {
	s, err := c.sources(ctx)
	if err != nil {
		return 0, false, err
	}
	for i := range s.all {
		if s.all[i].Method == Restricted {
			at, restricts = max(at, micros(s.all[i].At)), true
		}
	}
	return at, restricts && !c.running(), nil
}

// running reports whether the request is still being carried out.
func (c *change) running() bool { return c.q.state.Open() && c.q.state != StateDelivering }

func (c *change) decideLifting(ctx context.Context, l lifting) error {
	key := liftingKey(c.tenant, c.id)
	_, message, found, err := c.d.item(ctx, key)
	if err != nil {
		return err
	}
	if found {
		before, err := parseLifting(message)
		switch {
		case err != nil:
			return err
		case before.ground != l.ground || before.at != l.at:
			return ErrConflict
		case before.told == 0 && l.told != 0:
			return c.toldOfLifting(ctx, l.told)
		}
		return nil
	}
	if err := c.d.insertItem(ctx, ItemRow{ItemKey: key}, (&lifting{ground: l.ground, at: l.at}).encode()); err != nil {
		return err
	}
	due := l.at
	if due == 0 {
		due = c.now + noticeTime.Microseconds()
	}
	if err := c.oblige(ctx, Obligation{ID: liftingNotice, Kind: LiftingNotice, Ref: "lifting", DueAt: instant(due)}); err != nil {
		return err
	}
	if l.told != 0 {
		return c.toldOfLifting(ctx, l.told)
	}
	told, err := c.write(ctx, draft{
		kind: MessageLifting, then: LiftingAnnounced, word: l.ground,
		Text: liftingText(c.q.language, c.id, instant(l.at), c.d.opt.loc),
	})
	if err == nil && !told {
		err = needs("WithNotifier and an address, or ToldAt, to tell that a restriction ends")
	}
	return err
}

// toldOfLifting notes that the person knows that the restriction ends. It may, from now on,
// and not before.
func (c *change) toldOfLifting(ctx context.Context, at int64) error {
	row, message, found, err := c.d.item(ctx, liftingKey(c.tenant, c.id))
	if err != nil || !found {
		return err
	}
	l, err := parseLifting(message)
	if err != nil || l.told != 0 {
		return err
	}
	l.told, row.DueAt = at, max(l.at, at+1)
	if err := c.d.putItem(ctx, row, l.encode()); err != nil {
		return err
	}
	if err := c.fire(ctx, LiftingAnnounced, happening{at: at, word: l.ground, until: row.DueAt}); err != nil {
		return err
	}
	return c.discharge(ctx, liftingNotice, "told")
}

var errLifting = errors.New("rights: a source did not lift a restriction, will try again")

// lift has the sources lift what they restricted, once the person was told and the time
// has come. It does not believe the row's due instant, which has no tag.
func (d *Desk) lift(ctx context.Context, key ItemKey) error {
	_, message, found, err := d.item(ctx, key)
	if err != nil || !found {
		return err
	}
	l, err := parseLifting(message)
	if err != nil || l.told == 0 || max(l.at, l.told) > d.micros() {
		return err
	}
	work, err := d.Work(ctx, key.Tenant, key.Owner)
	if err != nil {
		return err
	}
	by, err := d.found(ctx, key.Tenant, key.Owner)
	if err != nil && !errors.Is(err, ErrGone) {
		return err
	}
	var failed error
	for i := range work {
		w := &work[i]
		if w.Method != Restricted {
			continue
		}
		if err := d.liftOne(ctx, key, w.Source, l, by); err != nil {
			if ctx.Err() != nil {
				return err
			}
			d.failed(ctx, key, w.Source, "lift", err)
			failed = errLifting
		}
	}
	if failed != nil {
		return failed
	}
	_, err = d.change(ctx, key.Tenant, key.Owner, func(ctx context.Context, c *change) error {
		if _, left, err := c.restrictedSince(ctx); err != nil || left {
			return err
		}
		_, err := d.store.DeleteItem(ctx, key)
		return wrap("end lifting", err)
	})
	return err
}

// liftOne has one source lift, and notes it in the same transaction, but for what is
// elsewhere.
func (d *Desk) liftOne(ctx context.Context, key ItemKey, source string, l lifting, by []plainIdentifier) error {
	s := d.source(source)
	if s == nil || s.Restrictor == nil {
		return needs("a source that lifts what it restricted")
	}
	call := func(ctx context.Context, c *change) error {
		_, err := guarded(func() (struct{}, error) {
			return struct{}{}, s.Restrictor.Lift(ctx, c.inquiry(source, by), Lifted{l.ground, instant(l.told)})
		})
		return err
	}
	if s.Order == Remote {
		_, at, err := d.lookAt(ctx, ItemKey{Tenant: key.Tenant, Owner: key.Owner, ID: source})
		if err != nil {
			return err
		}
		if err := call(ctx, at); err != nil {
			return err
		}
	}
	_, err := d.change(ctx, key.Tenant, key.Owner, func(ctx context.Context, c *change) error {
		w, err := c.work(ctx, source)
		if err != nil || w.Method != Restricted {
			return err // another process has done it
		}
		if s.Order != Remote {
			if err := call(ctx, c); err != nil {
				return err
			}
		}
		w.Method, w.Kept, w.Outcome = Unrestricted, nil, Done // what was kept back or not confirmed was the restricting
		if err := c.putWork(ctx, &w); err != nil {
			return err
		}
		if err := c.leave(ctx, &w, true); err != nil {
			return err
		}
		return c.fire(ctx, RestrictionLifted, happening{word: l.ground, ref: source})
	})
	return err
}
