package rights

import (
	"bytes"
	"context"
	"slices"

	"github.com/trothdev/troth"
)

// coolOff begins what cannot be taken back when its time has come, and no request of the
// same person is open that wants to see first what would be gone. If the request is not any
// more what it was when the step began, and when the trail was asked, there is more to do.
func (d *Desk) coolOff(ctx context.Context, key ItemKey, b beginning) (more bool, err error) {
	var told map[string][]troth.EntryID
	if d.opt.evidence != nil {
		if told, err = d.toldOf(ctx, key.Tenant, b.q.subject); err != nil {
			return false, err
		}
	}
	events, err := d.eventsOf(ctx, key, b.q, b.events)
	if err != nil {
		return false, err
	}
	v, err := d.visit(ctx, key, b, events)
	if err != nil {
		return false, err
	}
	waits, fell := true, false
	begin := func(ctx context.Context, c *change) error {
		waits, fell = true, false
		if more = !bytes.Equal(c.record, b.record); more {
			return nil
		}
		if wait, err := c.mustWait(ctx, events, told[c.id]); err != nil || wait {
			return err
		}
		waits, c.by, c.dueAt = false, v.by, v.dueAt
		if err := c.fire(ctx, CooledOff, happening{}); err != nil || v.apart {
			return err
		}
		fell, v.q, v.last = true, c.q, c
		return v.turn(ctx, c)
	}
	err = d.whenOf(ctx, key, StateCoolingOff, &b.known, begin)
	if err != nil && fell && ctx.Err() == nil {
		v.undone(ctx, err)
		err = d.when(ctx, key, StateCoolingOff, begin)
	}
	if err != nil || waits {
		return more, err
	}
	return false, v.execute(ctx)
}

// mustWait reports whether what cannot be taken back has to wait, and until when in its
// step.
func (c *change) mustWait(ctx context.Context, events []Event, told []troth.EntryID) (bool, error) {
	e, err := c.since(events)
	if err != nil {
		return false, err
	}
	if at := c.cooledAt(&e); at > c.now {
		c.stepAt(at)
		return true, nil
	}
	asked, err := c.seesFirst(ctx)
	if err != nil {
		return false, err
	}
	if asked {
		c.stepAt(c.now + lastPause.Microseconds())
		return true, nil
	}
	if c.d.opt.evidence != nil {
		return false, c.agrees(events, told)
	}
	return false, nil
}

// cooledAt is when the time to cool off ends, by the approval: the due instant of a row has
// no tag, and may be anybody's.
func (c *change) cooledAt(approved *Event) int64 {
	if !approved.Until.IsZero() {
		return micros(approved.Until)
	}
	return micros(approved.RecordedAt) + c.d.opt.coolingOff.Microseconds()
}

// since is the event by which the request came to its state.
func (c *change) since(events []Event) (Event, error) {
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
