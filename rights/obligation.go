package rights

import (
	"context"
	"time"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/canon"
)

// ObligationKind is what is left to do.
type ObligationKind string

// The kinds of obligations.
const (
	// DeferredErasure: something is held back by a legal hold or a duty to keep it, and
	// goes when that ends.
	DeferredErasure ObligationKind = "deferred-erasure"
	// KeptUntil: something is kept for a time that the law sets, and ends with it.
	KeptUntil ObligationKind = "kept-until"
	// BackupExpiry: copies outside of live systems go at an instant.
	BackupExpiry ObligationKind = "backup-expiry"
	// RecipientAnswer: a recipient was told, and has not acknowledged (Article 19).
	RecipientAnswer ObligationKind = "recipient-answer"
	// ManualTask: a person has to do something in a system that no program reaches.
	ManualTask ObligationKind = "manual-task"
	// LiftingNotice: the person is to be told before a restriction is lifted (Article
	// 18(3)).
	LiftingNotice ObligationKind = "lifting-notice"
	// RefusalReview: a refusal is to be looked at again.
	RefusalReview ObligationKind = "refusal-review"
)

var obligationKinds = []ObligationKind{
	DeferredErasure, KeptUntil, BackupExpiry, RecipientAnswer, ManualTask, LiftingNotice, RefusalReview,
}

// ObligationKinds returns every kind.
func ObligationKinds() []ObligationKind { return append([]ObligationKind(nil), obligationKinds...) }

// Obligation is what a request leaves to be done. It stays when the request is closed,
// and goes on alarming; the personal data of the request stays as long as one is open.
type Obligation struct {
	// ID tells it from the request's others.
	ID   string
	Kind ObligationKind
	// Ref is what it is about: a source, a recipient, a refusal. It is not about a
	// person.
	Ref string
	// DueAt is when it must be done, or looked at again; OpenedAt is when it arose.
	DueAt, OpenedAt time.Time
}

const obligationDomain = "troth.rights.obligation/1"

func (o *Obligation) encode() []byte {
	dst := canon.AppendDomain(nil, obligationDomain)
	dst = canon.AppendText(dst, o.Kind)
	dst = canon.AppendText(dst, o.Ref)
	dst = canon.AppendInt(dst, micros(o.DueAt))
	return canon.AppendInt(dst, micros(o.OpenedAt))
}

func parseObligation(id string, b []byte) (o Obligation, err error) {
	r := reader{Walker: canon.Walk(b, obligationDomain)}
	o = Obligation{ID: id, Kind: ObligationKind(r.text()), Ref: r.text(), DueAt: instant(r.Int()), OpenedAt: instant(r.Int())}
	if !r.done() {
		return Obligation{}, ErrRecord
	}
	return o, nil
}

func obligationKey(tenant troth.Tenant, request, id string) ItemKey {
	return ItemKey{Tenant: tenant, Owner: request, Kind: ItemObligation, ID: id}
}

// oblige opens an obligation, or moves one that is open to another due instant; one that
// is open as it is stays.
func (c *change) oblige(ctx context.Context, o Obligation) error {
	o.OpenedAt = instant(c.now)
	key := obligationKey(c.tenant, c.id, o.ID)
	row, message, found, err := c.d.item(ctx, key)
	if err != nil {
		return err
	}
	if found {
		before, err := parseObligation(o.ID, message)
		if err != nil {
			return err
		}
		if before.Kind == o.Kind && before.Ref == o.Ref && micros(before.DueAt) == micros(o.DueAt) {
			return nil
		}
		o.OpenedAt, row.DueAt = before.OpenedAt, micros(o.DueAt)
		if err := c.d.putItem(ctx, row, o.encode()); err != nil {
			return err
		}
	} else if err := c.d.insertItem(ctx, ItemRow{ItemKey: key, DueAt: micros(o.DueAt)}, o.encode()); err != nil {
		return err
	}
	return c.fire(ctx, ObligationOpened, happening{word: string(o.Kind), ref: o.ID, until: micros(o.DueAt)})
}

// discharge closes an obligation; word says how it ended. That it is closed already is
// no error.
func (c *change) discharge(ctx context.Context, id, word string) error {
	deleted, err := c.d.store.DeleteItem(ctx, obligationKey(c.tenant, c.id, id))
	if err != nil || !deleted {
		return wrap("close obligation", err)
	}
	return c.fire(ctx, ObligationClosed, happening{word: word, ref: id})
}

// Obligations returns what a request has left to be done, ordered by id.
func (d *Desk) Obligations(ctx context.Context, tenant troth.Tenant, id string) ([]Obligation, error) {
	if err := tenant.Validate(); err != nil {
		return nil, err
	}
	var all []Obligation
	err := d.items(ctx, ItemQuery{Tenant: tenant, Owner: id, Kind: ItemObligation}, func(row ItemRow, message []byte) error {
		o, err := parseObligation(row.ID, message)
		all = append(all, o)
		return err
	})
	return all, err
}

// pageSize is how many items are read at once.
const pageSize = 200

// items reads all items of an owner and kind.
func (d *Desk) items(ctx context.Context, q ItemQuery, each func(row ItemRow, message []byte) error) error {
	q.Limit = pageSize
	for {
		rows, err := d.store.Items(ctx, q)
		if err != nil {
			return wrap("read "+string(q.Kind), err)
		}
		for _, row := range rows {
			message, err := d.open(ctx, itemPlace(row.ItemKey), row.Record)
			if err != nil {
				return err
			}
			if err := each(row, message); err != nil {
				return err
			}
		}
		if len(rows) < q.Limit {
			return nil
		}
		q.After = rows[len(rows)-1].ID
	}
}

// overdue tells of an obligation whose instant has come, once for each.
func (d *Desk) overdue(ctx context.Context, key ItemKey) error {
	_, err := d.change(ctx, key.Tenant, key.Owner, func(ctx context.Context, c *change) error {
		row, message, found, err := d.item(ctx, key)
		if err != nil || !found || row.DueAt == 0 || row.DueAt > c.now {
			return err
		}
		o, err := parseObligation(key.ID, message)
		if err != nil {
			return err
		}
		row.DueAt = 0
		if err := d.putItem(ctx, row, message); err != nil {
			return err
		}
		return c.alarm(ctx, Alarm{Obligation: o.Kind, Stage: Late, DueAt: o.DueAt})
	})
	return err
}
