package unsubscribe

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/trothdev/troth"
)

// WorkPropagate tells a provider of an opt-out. [Registry.Do] does it.
const WorkPropagate = "unsubscribe.propagate"

// Works are the kinds of work that [Registry.Do] does.
func Works() []string { return []string{WorkPropagate} }

// propagation is the payload of WorkPropagate. It alone has the address: the contact
// may be gone when its turn comes. It is sealed by the queue and dies with the work.
type propagation struct {
	Event, Provider, Address string
	// Registry is the event's, where the work is the platform's for the client's keys
	// are destroyed.
	Registry troth.Tenant `json:",omitempty"`
}

// propagate enqueues that every provider is told, in the opt-out's transaction.
func (r *Registry) propagate(ctx context.Context, d *draft) error {
	e := &d.event
	if e.Kind != KindOptOut && e.Kind != KindComplaint && e.Kind != KindImport {
		return nil
	}
	for _, p := range r.opt.providers {
		if !slices.Contains(p.channels, e.Channel) {
			continue
		}
		due, rule := r.due(e)
		row := DeliveryRow{
			Tenant: d.row.Tenant, EventID: e.ID, Provider: p.name, State: DeliveryPending,
			NotedAt: e.RecordedAt.UnixMicro(), DueAt: due.UnixMicro(), Rule: rule,
		}
		row.NextAlarm = row.threshold(50)
		if _, err := r.store.InsertDelivery(ctx, row); err != nil {
			return fmt.Errorf("unsubscribe: note delivery: %w", err)
		}
		work := troth.Work{Tenant: d.row.Tenant, Kind: WorkPropagate, Key: digest(p.name, e.ID), Line: p.name, Deadline: due}
		err := r.enqueue(ctx, work, propagation{Event: e.ID, Provider: p.name, Address: d.address})
		if isShredded(err) {
			work.Tenant, work.Key = troth.Platform, digest(p.name, e.ID, string(d.row.Tenant))
			err = r.enqueue(ctx, work, propagation{Event: e.ID, Provider: p.name, Address: d.address, Registry: d.row.Tenant})
		}
		if err != nil {
			return fmt.Errorf("unsubscribe: enqueue: %w", err)
		}
	}
	return nil
}

// enqueue enqueues in a savepoint: nothing is left of what the queue refused.
func (r *Registry) enqueue(ctx context.Context, w troth.Work, p propagation) (err error) {
	if w.Payload, err = json.Marshal(p); err != nil {
		return err
	}
	return r.tx.Atomically(ctx, func(ctx context.Context) error {
		_, err := r.opt.enqueuer.Enqueue(ctx, w)
		return err
	})
}

// Do does one piece of work that the registry enqueued: it is a [troth.WorkHandler].
// A provider counts as told when it shows that it has the opt-out, or, if it cannot
// show, when it took it. What the person has taken back since is not told.
func (r *Registry) Do(ctx context.Context, j troth.Job) (troth.Outcome, error) {
	if _, err := troth.ActorFrom(ctx); errors.Is(err, troth.ErrNoActor) {
		ctx = troth.WithActor(ctx, self)
	}
	var p propagation
	if j.Kind != WorkPropagate || json.Unmarshal(j.Payload, &p) != nil || p.Event == "" {
		return troth.Failed, errPayload
	}
	to := r.provider(p.Provider)
	if to == nil {
		return troth.Retry, needs("WithProvider, of one that was registered when the person said no")
	}
	registry := j.Ref.Tenant
	if registry == troth.Platform && p.Registry != "" {
		registry = p.Registry
	}
	one, wanted, err := r.delivery(ctx, registry, p)
	switch {
	case errors.Is(err, errPayload):
		return troth.Failed, err
	case err != nil:
		return troth.Retry, err
	case !wanted:
		return r.settle(ctx, j, one, DeliveryVoid)
	}
	s := Suppression{
		Place: one.event.Place, Channel: one.event.Channel, Address: troth.Protect(p.Address),
		Event: one.event.ID, At: one.event.At, EffectKey: j.EffectKey,
	}
	if err := tell(ctx, to, s, j.Attempt); err != nil {
		return r.tellFailed(ctx, one, err)
	}
	return r.settle(ctx, j, one, DeliveryTold)
}

var errPayload = errors.New("unsubscribe: not work of the registry's")

// errNotThere says that the provider took it and does not have it.
var errNotThere = errors.New("unsubscribe: the provider does not show what it took")

// telling is a delivery with what it is about.
type telling struct {
	row   EventRow
	event Event
	name  string
}

// delivery finds what a work is about, and whether it is still to be done.
func (r *Registry) delivery(ctx context.Context, registry troth.Tenant, p propagation) (one telling, wanted bool, err error) {
	row, found, err := r.store.Event(ctx, registry, p.Event)
	if err != nil {
		return one, false, fmt.Errorf("unsubscribe: read event: %w", err)
	}
	if !found {
		return one, false, errPayload
	}
	e, err := openEvent(&row)
	if err != nil {
		return one, false, err
	}
	one = telling{row, e, p.Provider}
	entries, err := r.store.Entries(ctx, registry, []Key{row.Key})
	if err != nil {
		return one, false, fmt.Errorf("unsubscribe: read entries: %w", err)
	}
	for i := range entries {
		at := &entries[i]
		if at.Key == row.Key && at.Channel == e.Channel && at.List == e.Place.List && at.Live(e.Kind.reason()) {
			return one, true, nil
		}
	}
	return one, false, nil
}

// tell has the provider do what is to be done. After the first attempt it asks
// before it does: an answer may have been lost.
func tell(ctx context.Context, to Provider, s Suppression, attempt int) error {
	state := ProviderState{HasContact: true}
	if attempt > 1 {
		known, err := to.ReadBack(ctx, s)
		switch {
		case err == nil:
			state = known
		case !errors.Is(err, errors.ErrUnsupported):
			return err
		}
	}
	if !state.Suppressed {
		if err := to.Suppress(ctx, s); err != nil {
			return err
		}
	}
	if state.HasContact {
		if err := to.RemoveContact(ctx, s); err != nil {
			return err
		}
	}
	state, err := to.ReadBack(ctx, s)
	switch {
	case errors.Is(err, errors.ErrUnsupported):
		return nil
	case err != nil:
		return err
	case !state.Suppressed || state.HasContact:
		return errNotThere
	}
	return nil
}

// tellFailed notes a failed attempt. The provider's own words may hold the address:
// they go nowhere.
func (r *Registry) tellFailed(ctx context.Context, one telling, cause error) (troth.Outcome, error) {
	permanent := isPermanent(cause)
	failed := &ProviderError{Provider: one.name, Permanent: permanent, Unconfirmed: errors.Is(cause, errNotThere)}
	var raised *Alarm
	err := r.tx.Atomically(ctx, func(ctx context.Context) error {
		row, found, err := r.store.LockDelivery(ctx, one.row.Tenant, one.event.ID, one.name)
		if err != nil || !found || row.State != DeliveryPending {
			return err
		}
		row.Attempts++
		failed.After = wait(cause, time.Duration(row.DueAt-r.micros())*time.Microsecond)
		if permanent {
			row.State = DeliveryFailed
			raised = row.alarm()
		}
		return r.store.PutDelivery(ctx, row)
	})
	if err != nil {
		return troth.Retry, fmt.Errorf("unsubscribe: note attempt: %w", err)
	}
	r.sound(raised)
	if permanent {
		return troth.Manual, failed
	}
	return troth.Retry, failed
}

// overdueWait is how long a provider is left alone at most once the deadline is over.
const overdueWait = time.Hour

// wait is how long a provider that asks to be left alone is: at most half of the time
// that is left, so that it is asked again and again before the deadline. 0 where it does
// not ask.
func wait(cause error, left time.Duration) time.Duration {
	asks, is := errors.AsType[interface {
		error
		RetryIn() (time.Duration, bool)
	}](cause)
	if !is {
		return 0
	}
	after, says := asks.RetryIn()
	if !says || after <= 0 {
		return 0
	}
	if left <= 0 {
		return min(after, overdueWait)
	}
	return min(after, left/2)
}

// ProviderError says that a provider could not be told. It does not quote the
// provider, whose words may hold the address.
type ProviderError struct {
	Provider string
	// Permanent says that trying again will not help, Unconfirmed that the provider
	// took it and does not show it.
	Permanent, Unconfirmed bool
	// After is for how long the provider is left alone, where it asked for that.
	After time.Duration
}

// RetryIn tells the queue when to try again, where the provider did.
func (e *ProviderError) RetryIn() (time.Duration, bool) { return e.After, e.After > 0 }

func (e *ProviderError) Error() string {
	how := "cannot be told now"
	switch {
	case e.Permanent:
		how = "refuses for good"
	case e.Unconfirmed:
		how = "does not show what it took"
	}
	return fmt.Sprintf("unsubscribe: provider %q %s", e.Provider, how)
}

// settle ends a delivery, together with the work.
func (r *Registry) settle(ctx context.Context, j troth.Job, one telling, as DeliveryState) (troth.Outcome, error) {
	var raised *Alarm
	err := r.tx.Atomically(ctx, func(ctx context.Context) error {
		if err := r.refresh(ctx, &one); err != nil {
			return err
		}
		row, found, err := r.store.LockDelivery(ctx, one.row.Tenant, one.event.ID, one.name)
		if err != nil {
			return fmt.Errorf("unsubscribe: lock delivery: %w", err)
		}
		if found && row.State != DeliveryTold && row.State != DeliveryVoid {
			if raised, err = r.end(ctx, one, &row, as); err != nil {
				return err
			}
		}
		if j.Complete == nil {
			return nil
		}
		return j.Complete(ctx)
	})
	if err != nil {
		return troth.Retry, err
	}
	r.sound(raised)
	return troth.Completed, nil
}

// refresh reads the event's row again: its keys may have been changed while the
// provider was told.
func (r *Registry) refresh(ctx context.Context, one *telling) error {
	if _, err := r.store.HoldEpoch(ctx, one.row.Tenant); err != nil {
		return fmt.Errorf("unsubscribe: hold epoch: %w", err)
	}
	row, found, err := r.store.Event(ctx, one.row.Tenant, one.event.ID)
	if err != nil {
		return fmt.Errorf("unsubscribe: read event: %w", err)
	}
	if !found {
		return ErrRecord
	}
	one.row = row
	return nil
}

func (r *Registry) end(ctx context.Context, one telling, row *DeliveryRow, as DeliveryState) (raised *Alarm, err error) {
	now := r.micros()
	row.Attempts++
	if as == DeliveryTold && now > row.DueAt && row.Alarmed < 100 {
		if raised, err = r.late(ctx, one.event, row); err != nil {
			return nil, err
		}
	}
	row.State, row.NextAlarm = as, 0
	if as == DeliveryVoid {
		return nil, r.putDelivery(ctx, *row)
	}
	row.ToldAt = now
	if err := r.putDelivery(ctx, *row); err != nil {
		return nil, err
	}
	told := Event{
		ID: "~told/" + digest(one.event.ID, one.name), Kind: KindPropagated, Place: one.event.Place, Channel: one.event.Channel,
		Method: ByProvider, Provider: one.name, Reference: one.event.ID, At: timeOf(now), RecordedAt: timeOf(now),
		Generation: one.event.Generation,
	}
	_, err = r.store.InsertEvent(ctx, EventRow{
		Tenant: one.row.Tenant, ID: told.ID, Key: one.row.Key, Mailbox: one.row.Mailbox, RecordedAt: now, Record: told.record(),
	})
	if err != nil {
		return nil, fmt.Errorf("unsubscribe: write event: %w", err)
	}
	return raised, r.record(ctx, troth.Entry{
		Act: actTold, Tenant: row.Tenant, Facts: deliveryFacts(&one.event, row),
	})
}

func (r *Registry) putDelivery(ctx context.Context, row DeliveryRow) error {
	if err := r.store.PutDelivery(ctx, row); err != nil {
		return fmt.Errorf("unsubscribe: write delivery: %w", err)
	}
	return nil
}

func deliveryFacts(e *Event, row *DeliveryRow) troth.Facts {
	return troth.Facts{
		"provider": troth.Word(row.Provider), "due": troth.Instant(timeOf(row.DueAt)),
		"rule": troth.Word(row.Rule), "event": troth.Digest(e.Hash()),
	}
}

// Deliveries tells which providers are to be told of an event, by when, and which
// were. registry is the client, or troth.Platform for everything.
func (r *Registry) Deliveries(ctx context.Context, registry troth.Tenant, eventID string) ([]DeliveryRow, error) {
	rows, err := r.store.Deliveries(ctx, registry, eventID)
	if err != nil {
		return nil, fmt.Errorf("unsubscribe: read deliveries: %w", err)
	}
	return rows, nil
}
