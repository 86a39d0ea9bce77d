package rights

import (
	"context"
	"errors"
	"time"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/canon"
)

// ItemWake is that a source has more to say of a request than when it was asked last.
const ItemWake ItemKind = "wake"

const wakeDomain = "troth.rights.wake/1"

// wakeAgain is when a request is looked at again that a source has something to say of while
// it is being asked: what it answers may be older.
const wakeAgain = time.Minute

// Wake says that a source has more to say of a request than when it was asked last: a
// retention keeper has destroyed what it could not before, a processor has called back. In the
// caller's transaction, or one of its own, it only notes that, and waits for nobody; then Run
// or [Desk.Sweep] asks the source as it would have done at its next check. What that source
// does not wait for is not changed by it; nor is a request that there is none of.
func (d *Desk) Wake(ctx context.Context, tenant troth.Tenant, id, source string) error {
	if err := errors.Join(tenant.Validate(), checkID("request", id), checkID("source", source)); err != nil {
		return err
	}
	if err := within(ctx, tenant); err != nil {
		return err
	}
	row := ItemRow{ItemKey: ItemKey{Tenant: tenant, Owner: id, Kind: ItemWake, ID: source}, DueAt: d.micros()}
	return d.tx.Atomically(ctx, func(ctx context.Context) error {
		err := d.insertItem(ctx, row, canon.AppendDomain(nil, wakeDomain))
		if errors.Is(err, ErrConflict) {
			return nil // somebody said so already
		}
		return err
	})
}

// wake has a source asked again now, if it waits to be.
func (d *Desk) wake(ctx context.Context, key ItemKey) error {
	_, err := d.change(ctx, key.Tenant, key.Owner, func(ctx context.Context, c *change) error {
		row, message, found, err := d.item(ctx, key)
		if err != nil || !found || row.DueAt > c.now {
			return err
		}
		w, err := c.work(ctx, key.ID)
		if err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
		if err == nil && !w.settled() && c.q.state.Open() {
			row.DueAt = c.now + wakeAgain.Microseconds()
			return d.putItem(ctx, row, message)
		}
		if _, err := d.store.DeleteItem(ctx, key); err != nil {
			return wrap("wake", err)
		}
		if _, waits, err := d.store.Item(ctx, checkKey(c.tenant, c.id, key.ID)); err != nil || !waits {
			return wrap("read check", err)
		}
		return c.checkAt(ctx, key.ID, c.now)
	})
	if errors.Is(err, ErrNotFound) { // the record is gone, or never was
		_, err = d.store.DeleteItem(ctx, key)
		return wrap("wake", err)
	}
	return err
}
