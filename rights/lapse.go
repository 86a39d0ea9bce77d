package rights

import (
	"context"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/canon"
)

const lapseDomain = "troth.rights.lapse/1"

func lapseKey(tenant troth.Tenant, request string) ItemKey {
	return ItemKey{Tenant: tenant, Owner: request, Kind: ItemLapse, ID: "lapse"}
}

// waits reports whether the person is to say something.
func (s State) waits() bool { return s == StateVerifying || s == StateClarifying }

// mayLapse notes when a request lapses that waits for the person.
func (c *change) mayLapse(ctx context.Context, from, to State) error {
	if from == to || !from.waits() && !to.waits() {
		return nil
	}
	key := lapseKey(c.tenant, c.id)
	if _, err := c.d.store.DeleteItem(ctx, key); err != nil {
		return wrap("write lapse", err)
	}
	if !to.waits() {
		return nil
	}
	due := c.now + c.d.opt.lapse.Microseconds()
	return c.d.insertItem(ctx, ItemRow{ItemKey: key, DueAt: due}, canon.AppendDomain(nil, lapseDomain))
}

// lapse ends a request whose person never said who they are or what they mean.
func (d *Desk) lapse(ctx context.Context, key ItemKey) error {
	_, err := d.change(ctx, key.Tenant, key.Owner, func(ctx context.Context, c *change) error {
		row, _, found, err := d.item(ctx, key)
		if err != nil || !found || row.DueAt > c.now || !c.q.state.waits() {
			return err
		}
		events, err := d.events(ctx, c.tenant, c.id, c.q)
		if err != nil {
			return err
		}
		e, err := c.since(events)
		if err != nil {
			return err
		}
		if due := micros(e.RecordedAt) + d.opt.lapse.Microseconds(); due > c.now { // nobody may hurry it by the row
			row.DueAt = due
			return d.putItem(ctx, row, canon.AppendDomain(nil, lapseDomain))
		}
		return c.fire(ctx, WasLapsed, happening{word: "no-answer"})
	})
	return err
}
