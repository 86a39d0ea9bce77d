package rights

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/trothdev/troth"
)

// TrailEntry is an entry of the trail.
type TrailEntry struct {
	ID    troth.EntryID
	Facts troth.Facts
}

// Evidence reads the trail, to compare it with what the desk's rows say. What it returns
// is believed: whether the trail is whole is for whoever verifies that.
type Evidence interface {
	// Told yields the tenant's entries of an act, those included that wait for the log: all
	// of them, or, where subjectID is not empty, those about that person. An entry that was
	// redacted or cannot be read is left out.
	Told(ctx context.Context, tenant troth.Tenant, subjectID, act string) iter.Seq2[TrailEntry, error]
}

// WithEvidence has the desk compare a request with the trail before it destroys anything
// for it: a row that was put back, of a request that was withdrawn since, looks as genuine as
// it was. What the trail contradicts is not carried out, and is a *[TamperedError]. See also
// [Desk.Reconcile]. Without it the rows are believed as far as their tags hold.
func WithEvidence(e Evidence) Option {
	return func(o *options) error { o.evidence = e; return present("evidence", e != nil) }
}

// TamperingKind is what is wrong with the rows of a request. What to do about each is in
// docs/tampering.md.
type TamperingKind string

// The kinds.
const (
	// RequestGone: the trail knows of a request that there is no row of.
	RequestGone TamperingKind = "request-gone"
	// RequestOld: the trail knows of something that happened to it later, or a part of it is
	// older than the rest.
	RequestOld TamperingKind = "request-old"
	// RequestForged: a record of it is not what the desk wrote there.
	RequestForged TamperingKind = "request-forged"
	// EventUnknown: something is said to have happened that the trail does not know of.
	EventUnknown TamperingKind = "event-unknown"
	// NotScheduled: what is to be done for it would never be: a step, a deadline's alarm, an
	// obligation.
	NotScheduled TamperingKind = "not-scheduled"
)

// Tampering is one thing that is wrong.
type Tampering struct {
	Request string
	Kind    TamperingKind
}

// TamperedError says that rows of requests are not what the trail says.
type TamperedError struct {
	Tenant troth.Tenant
	Found  []Tampering
}

func (e *TamperedError) Error() string {
	if len(e.Found) == 1 {
		return fmt.Sprintf("rights: request %s of tenant %s: %s", e.Found[0].Request, e.Tenant, e.Found[0].Kind)
	}
	return fmt.Sprintf("rights: %d requests of tenant %s are not what the trail says", len(e.Found), e.Tenant)
}

// Is makes the error an [ErrRecord].
func (*TamperedError) Is(target error) bool { return target == ErrRecord }

// toldOf are the ids of the trail's entries of events, by request: those about one person,
// or all.
func (d *Desk) toldOf(ctx context.Context, tenant troth.Tenant, subjectID string) (map[string][]troth.EntryID, error) {
	all := map[string][]troth.EntryID{}
	for t, err := range d.opt.evidence.Told(ctx, tenant, subjectID, actEvent.Name) {
		if err != nil {
			return nil, fmt.Errorf("rights: read the trail: %w", err)
		}
		id := t.Facts["request"].Text()
		all[id] = append(all[id], t.ID)
	}
	return all, nil
}

// agrees compares the request with what the trail told of it, before something that cannot
// be taken back.
func (c *change) agrees(events []Event, told []troth.EntryID) error {
	if len(events) != int(c.q.seq) || !covers(events, told) {
		return &TamperedError{c.tenant, []Tampering{{c.id, RequestOld}}}
	}
	if last := events[len(events)-1]; !slices.Contains(told, last.Evidence) { // a trail that tells nothing agrees with nothing
		return &TamperedError{c.tenant, []Tampering{{c.id, EventUnknown}}}
	}
	return nil
}

// covers reports whether every entry is that of an event.
func covers(events []Event, told []troth.EntryID) bool {
	there := map[troth.EntryID]bool{}
	for i := range events {
		there[events[i].Evidence] = true
	}
	return !slices.ContainsFunc(told, func(id troth.EntryID) bool { return !there[id] })
}

// Reconcile compares all requests of a tenant with the trail, and returns a
// *[TamperedError] that names what is not so: what a database writer deleted, put back or
// made up, and what is kept from ever being done. It changes nothing, and records that it
// found something, as the context's actor, or as itself if there is none. What is missing on
// both sides it does not find, as after both were restored from one backup; entries that were
// pruned from the trail make their requests look as if nobody had told of them. It needs
// [WithEvidence], reads everything, and is for once a day or so.
func (d *Desk) Reconcile(ctx context.Context, tenant troth.Tenant) error {
	if d.opt.evidence == nil {
		return needs("WithEvidence, to reconcile")
	}
	if err := tenant.Validate(); err != nil {
		return err
	}
	began := d.micros()
	told, err := d.toldOf(ctx, tenant, "")
	if err != nil {
		return err
	}
	over := map[string]bool{} // whose record was destroyed when its time had come
	for t, err := range d.opt.evidence.Told(ctx, tenant, "", actDispose.Name) {
		if err != nil {
			return fmt.Errorf("rights: read the trail: %w", err)
		}
		if t.Facts["what"].Text() == "record" {
			over[t.Facts["request"].Text()] = true
		}
	}
	var found []Tampering
	known := make([]string, 0, len(told))
	for id := range told {
		if !over[id] {
			known = append(known, id)
		}
	}
	slices.Sort(known)
	for _, id := range known {
		kind, err := d.compare(ctx, tenant, id, told[id], began)
		if err != nil {
			return err
		}
		if kind != "" {
			found = append(found, Tampering{id, kind})
		}
	}
	more, err := d.untold(ctx, tenant, told, began)
	if err != nil {
		return err
	}
	if found = append(found, more...); len(found) > 0 {
		return errors.Join(&TamperedError{tenant, found}, d.tellTampered(ctx, tenant, found))
	}
	return nil
}

// tellTampered puts on record that rows disagree with the trail: from when that is signed
// nobody can have it look as if nobody had ever noticed.
func (d *Desk) tellTampered(ctx context.Context, tenant troth.Tenant, found []Tampering) error {
	if _, err := troth.ActorFrom(ctx); err != nil {
		ctx = troth.WithActor(ctx, self)
	}
	var kinds []string
	for _, t := range found {
		kinds = append(kinds, string(t.Kind))
	}
	slices.Sort(kinds)
	_, err := d.record(ctx, troth.Entry{Act: actTampered, Tenant: tenant, Facts: troth.Facts{
		"requests": troth.Count(len(found)), "kinds": troth.Words(slices.Compact(kinds)...),
	}})
	return err
}

// compare says what is wrong with one request; empty if nothing is.
func (d *Desk) compare(ctx context.Context, tenant troth.Tenant, id string, told []troth.EntryID, began int64) (kind TamperingKind, err error) {
	err = d.tx.Atomically(ctx, func(ctx context.Context) error {
		row, there, err := d.store.LockRequest(ctx, tenant, id)
		if err != nil {
			return wrap("lock request", err)
		}
		if !there {
			kind = RequestGone
			return nil
		}
		q, err := d.openRequest(ctx, row)
		if err != nil {
			return err
		}
		events, err := d.events(ctx, tenant, id, q)
		if err != nil {
			return err
		}
		switch {
		case len(events) != int(q.seq) || !covers(events, told):
			kind = RequestOld
		case untold(events, told, began):
			kind = EventUnknown
		default:
			c := &change{d: d, tenant: tenant, id: id, q: q}
			if _, err := c.allWork(ctx); err != nil {
				return err
			}
			kind, err = d.scheduled(ctx, c, events)
		}
		return err
	})
	if t, ok := errors.AsType[*TamperedError](err); ok {
		return t.Found[0].Kind, nil
	}
	if errors.Is(err, ErrRecord) {
		return RequestForged, nil
	}
	return kind, err
}

// untold reports whether there is an event of which the trail, read at an instant, should have told
// and did not.
func untold(events []Event, told []troth.EntryID, at int64) bool {
	return slices.ContainsFunc(events, func(e Event) bool { return micros(e.RecordedAt) < at && !slices.Contains(told, e.Evidence) })
}

// scheduled says whether something that is to be done for a request would never be.
func (d *Desk) scheduled(ctx context.Context, c *change, events []Event) (TamperingKind, error) {
	due := map[ItemKey]bool{}
	if c.q.state.Open() && nextStage(c.q) != 0 {
		due[alarmKey(c.tenant, c.id)] = true
	}
	if c.q.state.waits() {
		due[lapseKey(c.tenant, c.id)] = true
	}
	if c.q.state.Final() {
		due[endKey(c.tenant, c.id, "record")] = true
	}
	if c.q.state.steps() && c.q.right.Effect() != Answers {
		due[stepKey(c.tenant, c.id)] = true
	}
	open := map[ItemKey]bool{}
	for _, e := range events {
		switch key := obligationKey(c.tenant, c.id, e.Ref); e.Kind {
		case ObligationOpened:
			open[key] = true
		case ObligationClosed:
			delete(open, key)
		default:
		}
	}
	for key := range open { // told of once they are due, and then without an instant
		due[key] = false
	}
	for key, timed := range due {
		row, _, found, err := d.item(ctx, key)
		if err != nil {
			return "", err
		}
		if !found || timed && row.DueAt == 0 {
			return NotScheduled, nil
		}
	}
	return "", nil
}

// untold are requests that the trail knows nothing of.
func (d *Desk) untold(ctx context.Context, tenant troth.Tenant, told map[string][]troth.EntryID, began int64) (found []Tampering, err error) {
	for _, closed := range []bool{false, true} {
		l := Listing{Tenant: tenant, Closed: closed, Limit: pageSize}
		for {
			rows, err := d.store.Requests(ctx, l)
			if err != nil {
				return nil, wrap("read requests", err)
			}
			for _, row := range rows {
				if told[row.ID] != nil {
					continue
				}
				q, err := d.openRequest(ctx, row)
				switch {
				case errors.Is(err, ErrRecord):
					found = append(found, Tampering{row.ID, RequestForged})
				case err != nil:
					return nil, err
				case q.createdAt < began:
					found = append(found, Tampering{row.ID, EventUnknown})
				}
			}
			if len(rows) < l.Limit {
				break
			}
			l.After = Cursor{rows[len(rows)-1].DueAt, rows[len(rows)-1].ID}
		}
	}
	return found, nil
}
