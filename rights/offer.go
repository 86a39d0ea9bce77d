package rights

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/canon"
	"github.com/trothdev/troth/rights/export"
)

// ItemTicket is the right to fetch an export once; what closes the archive is sealed.
const ItemTicket ItemKind = "ticket"

const ticketDomain = "troth.rights.ticket/1"

// Bounds of the life of a ticket.
const (
	ticketLife = 7 * 24 * time.Hour
	maxLife    = 30 * 24 * time.Hour
)

// Offer lets a person fetch an export once.
type Offer struct {
	Tenant  troth.Tenant
	Request string
	// Proof is who asks for it; it must be good enough for the right still.
	Proof Proof
	// Keys are public keys of age that the person gave, Passphrase one of their own. If
	// there is neither, a passphrase is made.
	Keys       []string
	Passphrase troth.Sensitive[string]
	// Life is how long it can be fetched: zero is 7 days, 30 are the most.
	Life time.Duration
}

// Offered is an offer that was made.
type Offered struct {
	// Token fetches it, see [Desk.Fetch].
	Token troth.Sensitive[string]
	// Passphrase opens it, if one was made. It is to be handed out on another way.
	Passphrase troth.Sensitive[string]
	// ExpiresAt is the first instant at which it is over, UTC.
	ExpiresAt time.Time
}

// locking is what closes an archive, as it is sealed.
type locking struct {
	Keys       []string `json:"keys,omitempty"`
	Passphrase string   `json:"passphrase,omitempty"`
	Made       bool     `json:"made,omitempty"`
}

func (l *locking) lock() (export.Lock, error) {
	switch {
	case len(l.Keys) > 0:
		return export.LockTo(l.Keys...)
	case l.Made:
		return export.LockWithFresh(troth.Protect(l.Passphrase))
	}
	return export.LockWithPassphrase(troth.Protect(l.Passphrase))
}

// Offer lets a person fetch an export once, with a token that is good for a while. An
// offer before that one is over with it: whoever lost a download on the way has
// another made. The request must have been approved, and not been delivered.
func (d *Desk) Offer(ctx context.Context, o Offer) (Offered, error) {
	var none Offered
	if d.opt.exports == nil || d.opt.controller == "" || d.opt.sealer == nil {
		return none, needs("WithExports, WithController and WithSealer, to offer exports")
	}
	if o.Life == 0 {
		o.Life = ticketLife
	}
	if o.Life < 0 || o.Life > maxLife || len(o.Keys) > maxList {
		return none, ErrTooMuch
	}
	chosen, err := o.Passphrase.Reveal(sealingPurpose)
	if err != nil {
		return none, err
	}
	if len(chosen) > maxLine || chosen != "" && len(o.Keys) > 0 {
		return none, export.ErrKey
	}
	l := locking{Keys: o.Keys, Passphrase: chosen}
	var made troth.Sensitive[string]
	if chosen == "" && len(o.Keys) == 0 {
		if _, made, err = export.FreshPassphrase(); err != nil {
			return none, err
		}
		if l.Passphrase, err = made.Reveal(sealingPurpose); err != nil {
			return none, err
		}
		l.Made = true
	}
	if _, err := l.lock(); err != nil {
		return none, err
	}
	var token troth.Sensitive[string]
	var ticket export.Ticket
	_, err = d.change(ctx, o.Tenant, o.Request, func(ctx context.Context, c *change) error {
		if c.q.state != StateDelivering || c.q.right.Effect() != Discloses {
			return &StateError{State: c.q.state, Event: Disclosing}
		}
		if c.q.agent != nil && !c.q.agent.good(c.q.right, c.now) {
			return ErrUnproven
		}
		if err := c.check(ctx, o.Proof, c.q.needs()); err != nil {
			return err
		}
		if ticket, token, err = export.MintTicket(o.Tenant, d.now(), o.Life); err != nil {
			return err
		}
		return c.offer(ctx, ticket, l)
	})
	if err != nil {
		return none, err
	}
	return Offered{Token: token, Passphrase: made, ExpiresAt: instant(micros(ticket.Expires))}, nil
}

// offer keeps a ticket, instead of the one before.
func (c *change) offer(ctx context.Context, t export.Ticket, l locking) error {
	text, err := json.Marshal(l)
	if err != nil {
		return fmt.Errorf("rights: encode lock: %w", err)
	}
	key := ticketKey(c.tenant, c.id)
	if _, err := c.d.store.DeleteItem(ctx, key); err != nil {
		return wrap("end ticket", err)
	}
	if err := c.d.insertSealed(ctx, key, 0, encodeTicket(t), text); err != nil {
		return err
	}
	return c.fire(ctx, Disclosing, happening{word: "offered", until: micros(t.Expires)})
}

func ticketKey(tenant troth.Tenant, request string) ItemKey {
	return ItemKey{Tenant: tenant, Owner: request, Kind: ItemTicket, ID: "ticket"}
}

func encodeTicket(t export.Ticket) []byte {
	dst := canon.AppendDomain(nil, ticketDomain)
	dst = canon.AppendBytes(dst, t.Hash[:])
	dst = canon.AppendInt(dst, micros(t.Expires))
	return canon.AppendInt(dst, micros(t.Used))
}

func parseTicket(b []byte) (t export.Ticket, err error) {
	r := reader{Walker: canon.Walk(b, ticketDomain)}
	r.fixed(t.Hash[:])
	t.Expires, t.Used = instant(r.Int()), instant(r.Int())
	if !r.done() {
		return export.Ticket{}, ErrRecord
	}
	return t, nil
}

// Fetch writes the export that a ticket is for to w, and uses the ticket when it is
// whole: w must be handed to nobody before that returned without an error. After an error
// nothing was used, and what was written is no archive. Sources are asked now. Of two
// calls at the same time one gets it.
//
// It returns [export.ErrTicket] and what wraps it for a token that is none or no longer
// good; which of a request, a person or a ticket is not there is not told. token is its
// hash, see [export.HashToken].
func (d *Desk) Fetch(ctx context.Context, tenant troth.Tenant, id string, token export.Hash, w io.Writer) (export.Receipt, error) {
	var none export.Receipt
	if err := tenant.Validate(); err != nil {
		return none, err
	}
	if err := d.ticketGood(ctx, tenant, id, token); err != nil {
		return none, err
	}
	sealed, found, err := d.openSealed(troth.WithActor(ctx, self), ticketKey(tenant, id), sealingPurpose)
	if err != nil || !found || len(sealed) == 0 {
		if used := d.ticketGood(ctx, tenant, id, token); used != nil {
			return none, used // by another call, between the two readings
		}
		return none, errors.Join(err, export.ErrTicket)
	}
	var l locking
	if json.Unmarshal(sealed, &l) != nil {
		return none, ErrRecord
	}
	lock, err := l.lock()
	if err != nil {
		return none, err
	}
	receipt, err := d.Export(ctx, tenant, id, w, lock)
	if _, over := errors.AsType[*StateError](err); over {
		return none, export.ErrTicketExpired // it was delivered, or taken back
	}
	if err != nil {
		return none, err
	}
	return receipt, d.useTicket(ctx, tenant, id, token, receipt.ID)
}

// ticketGood is whether a ticket can be used.
func (d *Desk) ticketGood(ctx context.Context, tenant troth.Tenant, id string, token export.Hash) error {
	_, message, found, err := d.item(ctx, ticketKey(tenant, id))
	if err != nil {
		return err
	}
	if !found {
		return export.ErrTicket
	}
	t, err := parseTicket(message)
	if err != nil {
		return err
	}
	return t.Check(token, d.now())
}

// useTicket uses a ticket, and forgets what closed the archive.
func (d *Desk) useTicket(ctx context.Context, tenant troth.Tenant, id string, token export.Hash, archive string) error {
	_, err := d.change(ctx, tenant, id, func(ctx context.Context, c *change) error {
		row, message, found, err := d.item(ctx, ticketKey(tenant, id))
		if err != nil || !found {
			return errors.Join(err, export.ErrTicket)
		}
		t, err := parseTicket(message)
		if err != nil {
			return err
		}
		if t, err = t.Use(token, d.now()); err != nil {
			return err
		}
		row.Sealed = nil
		if err := d.putItem(ctx, row, encodeTicket(t)); err != nil {
			return err
		}
		return c.fire(ctx, Disclosing, happening{word: "fetched", ref: archive})
	})
	return err
}
