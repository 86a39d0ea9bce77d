package rights

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/canon"
	"github.com/trothdev/troth/internal/clearance"
)

// Kinds of what the desk destroys, by [troth.DisposalRef]; ID is the request's.
const (
	// DisposeContents is the personal data of a closed request, with its keys.
	DisposeContents = "rights.contents"
	// DisposeRecord is the record of a request, with its events.
	DisposeRecord = "rights.record"
)

// PermitFor names in a permit what a disposal is of: a permit that a keeper mints for the
// desk's disposals is for this. Contents are named by their keys, as a vault names them,
// so that the permit is good for [WithShredder] too.
func PermitFor(ref troth.DisposalRef) troth.PermitRef {
	if ref.Kind == DisposeContents {
		s := RequestSubject(ref.Tenant, ref.ID)
		return troth.PermitRef{Tenant: string(s.Tenant), Subject: s.ID, Compartment: string(Compartment)}
	}
	return troth.PermitRef{Tenant: string(ref.Tenant), Record: ref.Kind + "/" + ref.ID}
}

// Grounds of what the desk destroys.
const (
	groundClosed = "request-closed"
	groundPeriod = "period-over"
)

const endDomain = "troth.rights.end/1"

func endKey(tenant troth.Tenant, request, what string) ItemKey {
	return ItemKey{Tenant: tenant, Owner: request, Kind: ItemEnd, ID: what}
}

// keepUntil notes when the personal data, and the record, of a request that became final
// are to be destroyed.
func (c *change) keepUntil(ctx context.Context) error {
	for what, at := range c.ends() {
		if err := c.d.insertItem(ctx, ItemRow{ItemKey: endKey(c.tenant, c.id, what), DueAt: max(at, 1)}, canon.AppendDomain(nil, endDomain)); err != nil {
			return err
		}
	}
	return nil
}

// ends are the instants of the ends of a closed request.
func (c *change) ends() map[string]int64 {
	record := time.UnixMicro(c.q.closedAt).UTC().AddDate(0, c.d.opt.recordMonths, 0)
	return map[string]int64{"contents": c.q.closedAt + c.d.opt.contentsLife.Microseconds(), "record": micros(record)}
}

// early reports whether an end has not come, whatever its row says, and puts it off.
func (d *Desk) early(ctx context.Context, key ItemKey) (early bool, err error) {
	_, err = d.change(ctx, key.Tenant, key.Owner, func(ctx context.Context, c *change) error {
		at := c.ends()[key.ID]
		if early = !c.q.state.Final() || at > d.micros(); !early {
			return nil
		}
		row, _, found, err := d.item(ctx, key)
		if err != nil || !found {
			return err
		}
		row.DueAt = max(at, d.micros()+1)
		return d.putItem(ctx, row, canon.AppendDomain(nil, endDomain))
	})
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	return early, err
}

// dispose destroys with leave: the keeper's, or, where there is none and the host said
// so, without.
func (d *Desk) dispose(ctx context.Context, ref troth.DisposalRef, ground string, destroy func(ctx context.Context, p troth.Permit) error) error {
	return d.way().Dispose(ctx, ref, PermitFor(ref), ground, destroy)
}

// way is how the desk gets leave.
func (d *Desk) way() *clearance.Way {
	return &clearance.Way{
		Tx: d.tx, Keeper: d.opt.disposer, Ground: d.opt.unmanaged, Managed: d.managed,
		ErrManaged: ErrUnmanaged, ErrNone: needs("WithDisposer, or Unmanaged, to destroy"),
		ErrAlone: fmt.Errorf("%w: no keeper minted it, and the desk was made without rights.Unmanaged", troth.ErrNotPermitted),
	}
}

// end destroys what a closed request has left, if its time has come.
func (d *Desk) end(ctx context.Context, key ItemKey) error {
	row, found, err := d.store.Item(ctx, key)
	if err != nil || !found || row.DueAt > d.micros() {
		return wrap("read end", err)
	}
	if early, err := d.early(ctx, key); err != nil || early {
		return err
	}
	// An obligation may need what there is: it is asked again on another day.
	kept, err := d.keeps(ctx, key)
	if err != nil {
		return err
	}
	if kept {
		return d.putOff(ctx, key, 24*time.Hour)
	}
	ref := troth.DisposalRef{Tenant: key.Tenant, Kind: DisposeContents, ID: key.Owner}
	if key.ID == "contents" {
		return d.dispose(ctx, ref, groundClosed, func(ctx context.Context, p troth.Permit) error {
			return d.destroyContents(ctx, key, p)
		})
	}
	ref.Kind = DisposeRecord
	return d.dispose(ctx, ref, groundPeriod, func(ctx context.Context, p troth.Permit) error {
		return d.destroyRecord(ctx, key, p)
	})
}

// keeps reports whether what is open keeps the contents, or the record, from their end: an
// obligation, or a restriction, of whose end the person must be told.
func (d *Desk) keeps(ctx context.Context, key ItemKey) (bool, error) {
	open, err := d.Obligations(ctx, key.Tenant, key.Owner)
	if err != nil {
		return false, err
	}
	if slices.ContainsFunc(open, func(o Obligation) bool { return key.ID != "contents" || o.Kind.needsContents() }) {
		return true, nil
	}
	work, err := d.Work(ctx, key.Tenant, key.Owner)
	return slices.ContainsFunc(work, func(w SourceWork) bool { return w.Method == Restricted }), err
}

// sealedKinds are the kinds of items that hold personal data.
var sealedKinds = []ItemKind{ItemContents, ItemMessage, ItemCode, ItemFound, ItemTicket, ItemAnswer}

func (d *Desk) destroyContents(ctx context.Context, key ItemKey, p troth.Permit) error {
	_, err := d.change(ctx, key.Tenant, key.Owner, func(ctx context.Context, c *change) error {
		deleted, err := d.store.DeleteItem(ctx, key)
		if err != nil || !deleted {
			return wrap("end contents", err)
		}
		if kept, err := d.keeps(ctx, key); err != nil || kept {
			return errors.Join(err, troth.ErrPending) // one was opened meanwhile
		}
		for _, kind := range sealedKinds {
			if err := d.dropAll(ctx, c.tenant, c.id, kind); err != nil {
				return err
			}
		}
		if d.opt.shredder != nil && d.opt.sealer != nil {
			if err := d.opt.shredder(ctx, p, RequestSubject(c.tenant, c.id), Compartment); err != nil {
				return fmt.Errorf("rights: shred contents: %w", err)
			}
		}
		if err := c.disposed(ctx, p, "contents"); err != nil {
			return err
		}
		c.q.reachable = false
		return c.fire(ctx, ContentsDestroyed, happening{})
	})
	return err
}

func (c *change) disposed(ctx context.Context, p troth.Permit, what string) error {
	_, err := c.d.record(ctx, troth.Entry{
		Act: actDispose, Tenant: c.tenant, SubjectID: c.q.subject,
		Facts: clearance.Facts(p, troth.Facts{"request": troth.ID(c.id), "what": troth.Word(what)}),
	})
	return err
}

// dropAll removes the items of a request and kind.
func (d *Desk) dropAll(ctx context.Context, tenant troth.Tenant, request string, kind ItemKind) error {
	for {
		rows, err := d.store.Items(ctx, ItemQuery{Tenant: tenant, Owner: request, Kind: kind, Limit: pageSize})
		if err != nil {
			return wrap("read "+string(kind), err)
		}
		for _, row := range rows {
			if _, err := d.store.DeleteItem(ctx, row.ItemKey); err != nil {
				return wrap("drop "+string(kind), err)
			}
		}
		if len(rows) < pageSize {
			return nil
		}
	}
}

func (d *Desk) destroyRecord(ctx context.Context, key ItemKey, p troth.Permit) error {
	_, err := d.change(ctx, key.Tenant, key.Owner, func(ctx context.Context, c *change) error {
		if _, left, err := d.store.Item(ctx, endKey(c.tenant, c.id, "contents")); err != nil || left {
			return errors.Join(wrap("read end", err), troth.ErrPending) // personal data first, with its keys
		}
		if err := c.disposed(ctx, p, "record"); err != nil {
			return err
		}
		_, err := d.store.DeleteRequest(ctx, c.tenant, c.id)
		return wrap("destroy record", err)
	})
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	return err
}
