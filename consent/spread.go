package consent

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/trothdev/troth"
)

// Processor must be told when a person says no: a mail provider, an advertising
// network, another part of the host. Withdraw is called by [Ledger.Do] until it
// returns nil, so more than once is possible: it is to be idempotent by Event.
type Processor interface {
	Withdraw(ctx context.Context, w Withdrawal) error
}

// ProcessorFunc makes a function a [Processor].
type ProcessorFunc func(ctx context.Context, w Withdrawal) error

// Withdraw calls f.
func (f ProcessorFunc) Withdraw(ctx context.Context, w Withdrawal) error { return f(ctx, w) }

// Withdrawal is what a processor is told.
type Withdrawal struct {
	Subject troth.Subject
	Purpose troth.Purpose
	Kind    Kind
	// Event is the event's id, GivenAt when the person said it.
	Event   string
	GivenAt time.Time
}

type processor struct {
	name     string
	p        Processor
	purposes []troth.Purpose
}

func (p *processor) concerns(purpose troth.Purpose) bool {
	return len(p.purposes) == 0 || slices.Contains(p.purposes, purpose)
}

// ending reports whether the kind ends processing that others may be at.
func (k Kind) ending() bool {
	switch k {
	case Withdrawn, Refused, Objected, Invalidated, GuardianWithdrawn:
		return true
	default:
		return false
	}
}

// spread makes sure that everybody learns of an event who must, in its
// transaction. granted says whether the choice before was a yes.
func (w *writing) spread(ctx context.Context, one *draft, granted bool) error {
	e := &one.event
	if err := w.schedule(ctx, one); err != nil {
		return err
	}
	if !e.Kind.ending() {
		return nil
	}
	if err := w.dropRequests(ctx, e.Purpose); err != nil {
		return err
	}
	if e.Kind == Refused && !granted {
		return nil // nothing was going on that would have to end
	}
	for i := range w.l.opt.processors {
		if p := &w.l.opt.processors[i]; p.concerns(e.Purpose) {
			if err := w.deliver(ctx, p.name, e); err != nil {
				return err
			}
		}
	}
	if one.terms == nil || !one.terms.DirectMarketing || e.Method == ByPeer {
		return nil
	}
	for _, peer := range w.l.opt.peers {
		err := peer.Object(ctx, troth.Objection{Subject: w.who, Purpose: e.Purpose, At: e.GivenAt, OriginID: e.ID})
		if err != nil {
			return fmt.Errorf("consent: tell of an objection: %w", err)
		}
	}
	return nil
}

// schedule notes when the person is to be asked again.
func (w *writing) schedule(ctx context.Context, one *draft) error {
	e := &one.event
	c, _ := codeOf(e.Kind)
	if c.nature().track != choiceTrack {
		return nil
	}
	for _, kind := range []DueKind{DueRefresh, DueMajority} {
		row := DueRow{Tenant: w.who.Tenant, SubjectID: w.who.ID, Kind: kind, Purpose: e.Purpose, At: w.dueAt(kind, e.Purpose)}
		put := w.l.store.DeleteDue
		if row.At != 0 {
			put = w.l.store.PutDue
		}
		if err := put(ctx, row); err != nil {
			return fmt.Errorf("consent: schedule: %w", err)
		}
	}
	return nil
}

// Kinds of the work that the ledger enqueues. [Ledger.Do] does it.
const (
	// WorkWithdraw tells a processor of a no.
	WorkWithdraw = "consent.withdraw"
	// WorkAnnounce finds the people whom a publication concerns.
	WorkAnnounce = "consent.announce"
	// WorkNotify asks or tells one of them.
	WorkNotify = "consent.notify"
)

// Works are the kinds of work that [Ledger.Do] does.
func Works() []string { return []string{WorkWithdraw, WorkAnnounce, WorkNotify} }

// delivery is the payload of WorkWithdraw.
type delivery struct {
	Subject, Event, Processor string
}

func (w *writing) deliver(ctx context.Context, name string, e *Event) error {
	if w.l.opt.enqueuer == nil {
		return needs("WithEnqueuer, for processors")
	}
	_, err := w.l.store.InsertDelivery(ctx, DeliveryRow{Tenant: w.who.Tenant, EventID: e.ID, Processor: name, At: w.now})
	if err != nil {
		return fmt.Errorf("consent: note delivery: %w", err)
	}
	return w.l.enqueue(ctx, w.who.Tenant, WorkWithdraw, name+"/"+e.ID, delivery{w.who.ID, e.ID, name}, time.Time{}, time.Time{})
}

func (l *Ledger) enqueue(ctx context.Context, tenant troth.Tenant, kind, key string, payload any, notBefore, deadline time.Time) error {
	b, err := json.Marshal(payload)
	if err != nil {
		return fmt.Errorf("consent: encode work: %w", err)
	}
	_, err = l.opt.enqueuer.Enqueue(ctx, troth.Work{
		Tenant: tenant, Kind: kind, Key: shortKey(key), Payload: b, NotBefore: notBefore, Deadline: deadline,
	})
	if err != nil {
		return fmt.Errorf("consent: enqueue %s: %w", kind, err)
	}
	return nil
}

// Deliveries tells which processors are to be told of an event, and which have
// acknowledged.
func (l *Ledger) Deliveries(ctx context.Context, tenant troth.Tenant, eventID string) ([]DeliveryRow, error) {
	rows, err := l.store.Deliveries(ctx, tenant, eventID)
	if err != nil {
		return nil, fmt.Errorf("consent: read deliveries: %w", err)
	}
	return rows, nil
}
