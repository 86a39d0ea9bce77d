package rights

import (
	"context"
	"time"

	"github.com/trothdev/troth"
)

// AskIdentity asks the person to show who they are. Clocks that stand still for that
// do so from now on, or from at, if that is not zero. What they are asked, the host
// tells them; it asks for no more than it holds already.
func (d *Desk) AskIdentity(ctx context.Context, tenant troth.Tenant, id string, at time.Time) (Request, error) {
	return d.change(ctx, tenant, id, func(ctx context.Context, c *change) error {
		us, err := c.past(at)
		if err != nil {
			return err
		}
		c.q.pending = true
		return c.fire(ctx, IdentityAsked, happening{at: us})
	})
}

// AskClarification asks the person what the request means, for a reason: a word of the
// host's, such as "large-volume".
func (d *Desk) AskClarification(ctx context.Context, tenant troth.Tenant, id, reason string, at time.Time) (Request, error) {
	return d.noted(ctx, tenant, id, ClarificationAsked, reason, at)
}

// Clarify says that the person answered. What they said belongs to the contents.
func (d *Desk) Clarify(ctx context.Context, tenant troth.Tenant, id string, at time.Time) (Request, error) {
	return d.noted(ctx, tenant, id, Clarified, "", at)
}

// AskFee says that the person was told of a fee, for a reason: "excessive", "repeated".
func (d *Desk) AskFee(ctx context.Context, tenant troth.Tenant, id, reason string, at time.Time) (Request, error) {
	return d.noted(ctx, tenant, id, FeeAsked, reason, at)
}

// PayFee says that the fee was paid.
func (d *Desk) PayFee(ctx context.Context, tenant troth.Tenant, id string, at time.Time) (Request, error) {
	return d.noted(ctx, tenant, id, FeePaid, "", at)
}

// Acknowledge says that the person was told that the request was received, at an instant,
// or now if that is zero. A desk with a notifier does it by itself.
func (d *Desk) Acknowledge(ctx context.Context, tenant troth.Tenant, id string, at time.Time) (Request, error) {
	return d.change(ctx, tenant, id, func(ctx context.Context, c *change) error {
		us, err := c.past(at)
		if err != nil || c.q.acknowledgedAt != 0 {
			return err
		}
		c.q.acknowledgedAt = us
		return c.fire(ctx, Acknowledged, happening{at: us})
	})
}

func (d *Desk) noted(ctx context.Context, tenant troth.Tenant, id string, k Kind, word string, at time.Time) (Request, error) {
	if word != "" {
		if err := checkID("reason", word); err != nil {
			return Request{}, err
		}
	}
	return d.change(ctx, tenant, id, func(ctx context.Context, c *change) error {
		us, err := c.past(at)
		if err != nil {
			return err
		}
		return c.fire(ctx, k, happening{at: us, word: word})
	})
}

// Accept decides that the request is carried out. It needs a proof of who asks, made by
// verification for this request and good enough for its right, and, where an agent asks,
// the holder's authority: without them it returns [ErrUnproven]. Rights that need no
// identity have a proof from the start, see [Desk.Proof].
func (d *Desk) Accept(ctx context.Context, tenant troth.Tenant, id string, p Proof) (Request, error) {
	return d.change(ctx, tenant, id, func(ctx context.Context, c *change) error {
		if err := c.check(ctx, p, c.q.needs()); err != nil {
			return err
		}
		return c.fire(ctx, WasAccepted, happening{ref: p.id})
	})
}

// Approve decides what follows from what was found, after a review: the data is handed
// out, or changed, or, after a time to cool off, destroyed. An answer that a human being
// gives, as to a complaint, is approved once the request is accepted.
func (d *Desk) Approve(ctx context.Context, tenant troth.Tenant, id string) (Request, error) {
	return d.change(ctx, tenant, id, func(ctx context.Context, c *change) error {
		if c.q.agent != nil && !c.q.agent.good(c.q.right, c.now) {
			return ErrUnproven // their authority ended meanwhile
		}
		h := happening{}
		if c.q.right.Effect() == Destroys {
			h.until = c.now + c.d.opt.coolingOff.Microseconds()
		}
		return c.fire(ctx, Approved, h)
	})
}

// Deliver says that the person has the answer, since an instant, or now if that is zero.
// The request is closed with that, by how much of it was done. Data that was asked for
// must have been written, see [Desk.Export]; what a human being answers, the host knows.
func (d *Desk) Deliver(ctx context.Context, tenant troth.Tenant, id string, at time.Time) (Request, error) {
	return d.change(ctx, tenant, id, func(ctx context.Context, c *change) error {
		us, err := c.past(at)
		if err != nil {
			return err
		}
		if (c.q.right == Access || c.q.right == Portability) && c.q.done+c.q.left == 0 {
			return &StateError{State: c.q.state, Event: Delivered}
		}
		return c.fire(ctx, Delivered, happening{at: us})
	})
}

// Withdraw takes a request back, for the person. Once they have shown who they are, it
// needs a proof: nobody else may. It comes too late once execution has begun.
func (d *Desk) Withdraw(ctx context.Context, tenant troth.Tenant, id string, p Proof) (Request, error) {
	return d.change(ctx, tenant, id, func(ctx context.Context, c *change) error {
		if c.q.proof != "" && c.q.needs() > LevelNone {
			if err := c.check(ctx, p, min(c.q.level, c.q.needs())); err != nil {
				return err
			}
		}
		return c.fire(ctx, WasWithdrawn, happening{ref: p.id})
	})
}

// MarkDuplicate ends a request because another of the same right is about the same. The
// other must not be a duplicate itself, and must be about the same person as far as is
// known: one that nobody was identified in is no reason to end one in which somebody
// was.
func (d *Desk) MarkDuplicate(ctx context.Context, tenant troth.Tenant, id, of string) (Request, error) {
	return d.change(ctx, tenant, id, func(ctx context.Context, c *change) error {
		other, err := d.read(ctx, tenant, of)
		if err != nil {
			return err
		}
		if of == id || other.right != c.q.right || other.state == StateDuplicate ||
			other.subject != c.q.subject || other.level < c.q.level {
			return ErrConflict
		}
		c.q.other = of
		return c.fire(ctx, FoundDuplicate, happening{ref: of})
	})
}

// Forward ends a request that is for somebody else: the host only processes the data for
// a controller, and gave it the request. to is the host's id of the controller, and names
// no person.
func (d *Desk) Forward(ctx context.Context, tenant troth.Tenant, id, to string) (Request, error) {
	if err := checkID("controller", to); err != nil {
		return Request{}, err
	}
	return d.change(ctx, tenant, id, func(ctx context.Context, c *change) error {
		c.q.other = to
		return c.fire(ctx, WasForwarded, happening{word: string(NotController), ref: to})
	})
}

// Assign gives a request to a role, whose queue it stands in then; empty to nobody in
// particular. A role names no person.
func (d *Desk) Assign(ctx context.Context, tenant troth.Tenant, id, role string) (Request, error) {
	if role != "" {
		if err := checkID("role", role); err != nil {
			return Request{}, err
		}
	}
	return d.change(ctx, tenant, id, func(ctx context.Context, c *change) error {
		if c.q.owner == role {
			return nil
		}
		c.q.owner = role
		return c.fire(ctx, Assigned, happening{word: role})
	})
}
