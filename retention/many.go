package retention

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"github.com/trothdev/troth"
)

// Whole is everything of a tenant that belongs to one account, one person or one purpose.
type Whole struct {
	Tenant troth.Tenant
	// ID is that of the account, the person or the purpose, by the scope of the event that
	// is reported. Empty is the account that is the tenant itself, with all its records.
	ID string
}

// HappenedTo reports an event of an account, a subject or a purpose, in the host's
// transaction. That is one row, however many records there are: sweeps bring it to them,
// some at a time. What is decided about a record takes it in from now on, also for
// records that come later: where they stand follows as if it had happened when they
// were created, and promises count from when it did. So a policy in which accounts can
// open again needs an event that leads back. Reporting the same again changes nothing.
func (k *Keeper) HappenedTo(ctx context.Context, w Whole, o Occurrence) error {
	now := k.now()
	if err := o.settle(now); err != nil {
		return err
	}
	if err := w.Tenant.Validate(); err != nil {
		return err
	}
	return k.tx.Atomically(ctx, func(ctx context.Context) error {
		h, err := k.history(ctx)
		if err != nil {
			return err
		}
		scope, ok := h.ScopeOf(o.Event, now)
		if !ok {
			return ErrEvent
		}
		if scope == OfRecord {
			return fmt.Errorf("%w of many records: it is of one, for Happened", ErrEvent)
		}
		if w.ID != "" || scope != OfAccount {
			if err := checkName(string(scope), w.ID); err != nil {
				return err
			}
		}
		row := EventRow{
			EventKey: EventKey{Tenant: w.Tenant, Many: Many{scope, w.ID}, Event: o.Event, At: o.At.UnixMicro()},
			Handle:   rand.Text(), ReportedAt: now.UnixMicro(),
		}
		inserted, err := k.store.InsertEvent(ctx, row)
		if err != nil {
			return fmt.Errorf("retention: write event: %w", err)
		}
		if !inserted {
			return nil
		}
		return k.record(actorOr(ctx), row.entry(actReport))
	})
}

func (row *EventRow) entry(act *troth.Act) troth.Entry {
	e := troth.Entry{Act: act, Tenant: row.Tenant, Facts: troth.Facts{
		"report": troth.ID(row.Handle), "event": troth.Word(row.Event), "scope": troth.Word(string(row.Scope)),
	}}
	if row.Scope == OfSubject {
		e.SubjectID = row.ID
	}
	if act == actReport {
		e.Facts["at"] = troth.Instant(timeOf(row.At))
	} else {
		e.Facts["records"] = troth.Count(row.Reached)
	}
	return e
}

// settle gives an occurrence its instant, which does not lie in the future.
func (o *Occurrence) settle(now time.Time) error {
	if o.At.IsZero() {
		o.At = now
	}
	if o.At = timeOf(o.At.UnixMicro()); o.At.After(now) {
		return ErrFuture
	}
	return nil
}

// wholes are everything that a record belongs to.
func (row *RecordRow) wholes() []Many {
	all := []Many{{Scope: OfAccount}}
	for _, m := range []Many{{OfAccount, row.AccountID}, {OfSubject, row.SubjectID}, {OfPurpose, row.Purpose}} {
		if m.ID != "" {
			all = append(all, m)
		}
	}
	return all
}

// manyEvents are events by what they are about.
type manyEvents map[Many][]EventRow

// eventsFor reads what happened to all that records of a tenant belong to.
func (k *Keeper) eventsFor(ctx context.Context, rows ...RecordRow) (manyEvents, error) {
	found := manyEvents{}
	var of []Many
	for i := range rows {
		for _, m := range rows[i].wholes() {
			if _, twice := found[m]; !twice {
				found[m] = nil
				of = append(of, m)
			}
		}
	}
	if len(of) == 0 {
		return found, nil
	}
	events, err := k.store.EventsOf(ctx, rows[0].Tenant, of)
	if err != nil {
		return nil, fmt.Errorf("retention: read events: %w", err)
	}
	for _, e := range events {
		found[e.Many] = append(found[e.Many], e)
	}
	return found, nil
}

// fold adds to what is known of a record what happened to all that it belongs to, and
// reports whether any of that is new.
func (d *detail) fold(row *RecordRow, events manyEvents) (added bool) {
	type happened struct {
		event string
		at    int64
	}
	var known map[happened]bool // made if there is anything to look for
	for _, m := range row.wholes() {
		for i := range events[m] {
			if known == nil {
				known = make(map[happened]bool, len(d.Events)+len(events[m]))
				for _, o := range d.Events {
					known[happened{o.Event, o.At.UnixMicro()}] = true
				}
			}
			if key := (happened{events[m][i].Event, events[m][i].At}); !known[key] {
				known[key], added = true, true
				d.Events = append(d.Events, Occurrence{Event: key.event, At: timeOf(key.at)})
			}
		}
	}
	return added && len(d.Events)-d.own != d.beyond
}

// stand puts a record where everything that happened to it says. One that is out of time
// stays where it is, with the end that it had.
func (h *History) stand(row *RecordRow, d *detail) (err error) {
	d.Again = false
	if row.Detail, err = d.encode(); err != nil {
		return err
	}
	s, cohort, ok := h.Replay(row.Class, d.Events, d.latest())
	switch {
	case !ok:
	case s.Stage == Purged:
		row.EndBy = microsOf(earlier(timeOf(row.EndBy), s.Since))
	default:
		row.Stage, row.Since, row.EndBy, row.Cohort = s.Stage, s.Since.UnixMicro(), microsOf(s.EndBy), cohort
	}
	row.Version++
	return nil
}

// settleIn is what remains of a report or a new record: it stands where its events say,
// and its handler is told.
func (k *Keeper) settleIn(ctx context.Context, h *History, row *RecordRow, d *detail, now time.Time) error {
	before := row.Stage
	if err := h.stand(row, d); err != nil {
		return err
	}
	now = later(now, d.latest()) // a clock that went back
	awaited := row.DueAt == atOnce
	decided := h.Evaluate((&holdIndex{}).facts(h, row, d, now), now)
	k.schedule(h, row, &decided, len(d.Labels) > 0, now, false)
	if row.Held || awaited {
		row.DueAt = atOnce // what people decided was not looked at
	}
	if err := k.enter(ctx, h, row, before, &decided); err != nil {
		return err
	}
	return k.put(ctx, row)
}

// belate brings to a record that was just inserted what happened before to all that it
// belongs to. It reads that after the record was written, so that who brings an event to
// all records waits for this transaction, or this transaction sees the event. One that
// reads an old snapshot may overlook it: then a sweep looks at the record at once.
func (k *Keeper) belate(ctx context.Context, h *History, row *RecordRow, d *detail, now time.Time) error {
	events, err := k.eventsFor(ctx, *row)
	if err != nil {
		return err
	}
	if d.fold(row, events) {
		return k.settleIn(ctx, h, row, d, now)
	}
	if k.tx.Scope(ctx).Current() {
		return nil
	}
	row.DueAt = atOnce
	return k.put(ctx, row)
}
