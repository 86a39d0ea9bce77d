package rights

import (
	"context"
	"time"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/canon"
)

// Stage is how near a deadline is.
type Stage string

// The stages.
const (
	// Half: half of the time between receipt and deadline has passed.
	Half Stage = "half"
	// Most: 80 % of it have.
	Most Stage = "most"
	// Late: the deadline has passed.
	Late Stage = "late"
)

// Alarm tells of a deadline that comes near or has passed.
type Alarm struct {
	Tenant  troth.Tenant
	Request string
	Right   Right
	State   State
	Owner   string
	// Obligation is the kind of obligation that is due; empty for the request's own
	// clock, of which Rule is the leading rule.
	Obligation ObligationKind
	Rule       string
	Stage      Stage
	// DueAt is the end of the clock, by its strict reading; At is now. Both are UTC.
	DueAt, At time.Time
}

// Alarms is who is told. Alarm is called in the transaction that records the alarm; an
// error undoes it, and it is told again later.
type Alarms interface {
	Alarm(ctx context.Context, a Alarm) error
}

// alarmError is a failure of the host's alarm: what the host says may name a person, and
// is for who unwraps it.
type alarmError struct{ err error }

func (*alarmError) Error() string { return "rights: the host's alarm failed" }

func (e *alarmError) Unwrap() error { return e.err }

const alarmDomain = "troth.rights.alarm/1"

func alarmKey(tenant troth.Tenant, request string) ItemKey {
	return ItemKey{Tenant: tenant, Owner: request, Kind: ItemAlarm, ID: "clock"}
}

// alarmAt sets when the request's clock is looked at; 0 is not again.
func (c *change) alarmAt(ctx context.Context, at int64) error {
	key := alarmKey(c.tenant, c.id)
	row, message, found, err := c.d.item(ctx, key)
	if err != nil {
		return err
	}
	switch {
	case !found && at == 0:
		return nil
	case !found:
		return c.d.insertItem(ctx, ItemRow{ItemKey: key, DueAt: at}, canon.AppendDomain(nil, alarmDomain))
	case at == 0:
		_, err := c.d.store.DeleteItem(ctx, key)
		return wrap("end alarm", err)
	case row.DueAt == at:
		return nil
	}
	row.DueAt = at
	return c.d.putItem(ctx, row, message)
}

// ring tells of the clock of a request, if it is due.
func (d *Desk) ring(ctx context.Context, key ItemKey) error {
	_, err := d.change(ctx, key.Tenant, key.Owner, func(ctx context.Context, c *change) error {
		row, _, found, err := d.item(ctx, key)
		if err != nil || !found || row.DueAt > c.now {
			return err // it was put off, or told by another process
		}
		stage := reached(c.q, c.now)
		if stage <= int(c.q.stage) || c.q.state.Final() {
			return c.alarmAt(ctx, nextStage(c.q))
		}
		c.q.stage = uint32(stage)
		return c.alarm(ctx, Alarm{Rule: c.q.rule, Stage: stages[stage], DueAt: instant(c.q.dueAt)})
	})
	return err
}

// alarm puts an alarm on the trail and tells the host.
func (c *change) alarm(ctx context.Context, a Alarm) error {
	ref := a.Rule
	if ref == "" {
		ref = string(a.Obligation)
	}
	if err := c.fire(ctx, Alarmed, happening{word: string(a.Stage), ref: ref, until: micros(a.DueAt)}); err != nil {
		return err
	}
	if c.d.opt.alarms == nil {
		return nil
	}
	a.Tenant, a.Request, a.Right, a.State, a.Owner = c.tenant, c.id, c.q.right, c.q.state, c.q.owner
	a.At = instant(c.now)
	if err := c.d.opt.alarms.Alarm(ctx, a); err != nil {
		return &alarmError{err}
	}
	return nil
}
