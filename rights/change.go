package rights

import (
	"context"
	"time"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/deadline"
)

// change is a request under lock, in a transaction. What is fired is written with its
// evidence; what the request itself has become is written once, at the end.
type change struct {
	d      *Desk
	tenant troth.Tenant
	id     string
	q      *request
	// now is the instant of what is recorded in this transaction.
	now int64
	// fired says that there is something to write, worked that it is of sources alone.
	fired, worked bool
	// record is the request's as it was locked, and after the change as it was written.
	record []byte
	// steps says that the request's step is to be written: carried on at next, or no more.
	steps bool
	next  int64
	// events and items are to be written at the end, each kind with one statement.
	events []Event
	items  []ItemRow
	// dueAt is when the request's step is due, where that was read; 0 if not.
	dueAt int64
	// rings is when the request's clock is to be looked at, by what was read; -1 for a
	// request that is new.
	rings int64
	// sheets are how far its sources are, nil if that was not read.
	sheets *sheets
	// by is what the person is found by, where it was read before the transaction: opening
	// it in one may have to wait for that same transaction to end.
	by []plainIdentifier
}

// happening is what there is to say of an event beside its kind.
type happening struct {
	// at is when it happened; 0 is now.
	at        int64
	word, ref string
	until     int64
}

// change locks a request and runs fn on it, in the caller's transaction or one of its
// own. Everything that moves a request goes through here: the row, its events, clocks
// and alarms, and the evidence commit together, or none of it does.
//
// fn fires events with [change.fire], and may change c.q before the event that it
// belongs to; it must fire one if it changes anything.
func (d *Desk) change(ctx context.Context, tenant troth.Tenant, id string, fn func(ctx context.Context, c *change) error) (Request, error) {
	return d.changeOf(ctx, tenant, id, nil, fn)
}

// changeOf is change of a request of which is known what it was, nil if that is not.
func (d *Desk) changeOf(ctx context.Context, tenant troth.Tenant, id string, was *known, fn func(ctx context.Context, c *change) error) (Request, error) {
	var after Request
	if err := tenant.Validate(); err != nil {
		return after, err
	}
	if err := within(ctx, tenant); err != nil {
		return after, err
	}
	err := d.tx.Atomically(ctx, func(ctx context.Context) error {
		is, err := d.lock(ctx, tenant, id, was)
		if err != nil {
			return err
		}
		q := is.q
		c := &change{d: d, tenant: tenant, id: id, q: q, now: max(d.micros(), q.clock+1), rings: -1, record: is.record}
		if q.seq > 0 {
			c.rings = nextStage(q)
		}
		if err := fn(ctx, c); err != nil {
			return err
		}
		if err := c.flush(ctx); err != nil {
			return err
		}
		if c.fired || c.worked {
			if !c.fired { // its record tells how far its sources are known, too
				q.clock = c.now
			}
			if err := c.finish(ctx); err != nil {
				return err
			}
		}
		after = q.view(tenant, id, c.now)
		return nil
	})
	return after, err
}

// known is a request and the record that says so.
type known struct {
	q      *request
	record []byte
}

// lock locks a request, and reads it if it is not what it was.
func (d *Desk) lock(ctx context.Context, tenant troth.Tenant, id string, was *known) (known, error) {
	if was != nil {
		same, err := d.store.LockRequestAs(ctx, tenant, id, was.record)
		if err != nil {
			return known{}, wrap("lock request", err)
		}
		if same {
			q := *was.q // a change that comes to nothing leaves what is known
			return known{&q, was.record}, nil
		}
	}
	row, found, err := d.store.LockRequest(ctx, tenant, id)
	switch {
	case err != nil:
		return known{}, wrap("lock request", err)
	case !found:
		return known{}, ErrNotFound
	}
	q, err := d.openRequest(ctx, row)
	return known{q, row.Record}, err
}

// within keeps those who belong to another tenant from changing anything: to them there is
// no such request.
func within(ctx context.Context, tenant troth.Tenant) error {
	actor, err := troth.ActorFrom(ctx)
	if err != nil {
		return err
	}
	if home := actor.Home(); home != tenant && home != troth.Platform {
		return ErrNotFound
	}
	return nil
}

// openRequest reads a row, and refuses one whose columns say other than its record.
func (d *Desk) openRequest(ctx context.Context, row RequestRow) (*request, error) {
	message, err := d.open(ctx, requestPlace(row.Tenant, row.ID), row.Record)
	if err != nil {
		return nil, err
	}
	q, err := parseRequest(message)
	if err != nil {
		return nil, err
	}
	want := q.row(row.Tenant, row.ID)
	row.Record = nil
	if row.SubjectID != want.SubjectID || row.State != want.State || row.Right != want.Right || row.Owner != want.Owner ||
		row.DueAt != want.DueAt || row.Open != want.Open || row.ReceivedAt != want.ReceivedAt {
		return nil, ErrRecord
	}
	return q, nil
}

// read returns a request as it is stored.
func (d *Desk) read(ctx context.Context, tenant troth.Tenant, id string) (*request, error) {
	if err := tenant.Validate(); err != nil {
		return nil, err
	}
	row, found, err := d.store.Request(ctx, tenant, id)
	switch {
	case err != nil:
		return nil, wrap("read request", err)
	case !found:
		return nil, ErrNotFound
	}
	return d.openRequest(ctx, row)
}

// fire has an event happen: the table of states says what becomes of the request, or
// that it cannot be, which is a *[StateError] or [ErrUnproven].
func (c *change) fire(ctx context.Context, k Kind, h happening) error {
	from := c.q.state
	to, ok := next(from, k, func(g Guard) bool { return c.q.holds(g, c.now) })
	if !ok {
		if k == WasAccepted && from == StateReceived {
			return ErrUnproven
		}
		return &StateError{State: from, Event: k}
	}
	if h.at == 0 {
		h.at = c.now
	}
	e := Event{
		Kind: k, At: instant(h.at), RecordedAt: instant(c.now), From: from, To: to, Word: h.word, Ref: h.ref,
		Until: instant(h.until),
	}
	var err error
	if e.Evidence, err = c.d.record(ctx, troth.Entry{
		Act: actEvent, Tenant: c.tenant, SubjectID: c.q.subject, Outcome: outcomeOf(k), Facts: c.facts(&e),
	}); err != nil {
		return err
	}
	c.q.seq++
	e.Seq = int(c.q.seq)
	c.events = append(c.events, e)
	c.q.state, c.q.clock, c.fired = to, c.now, true
	c.now++
	if typ, is := clockEvents[k]; is && c.q.matters(typ) {
		if len(c.q.ticks) >= roomFor(typ) {
			return ErrTooMuch
		}
		c.q.ticks = append(c.q.ticks, tick{typ, h.at})
	}
	if err := c.mayLapse(ctx, from, to); err != nil {
		return err
	}
	if to != from {
		if err := c.proceed(ctx, from, to); err != nil {
			return err
		}
	}
	if to.Final() && from.Open() {
		c.q.closedAt = h.at
		return c.close(ctx)
	}
	return nil
}

// clockEvents are the events that clocks run by, as package deadline names them.
var clockEvents = map[Kind]deadline.EventType{
	IdentityAsked: deadline.IdentityAsked, Identified: deadline.IdentityConfirmed,
	ClarificationAsked: deadline.ClarificationAsked, Clarified: deadline.ClarificationAnswered,
	FeeAsked: deadline.FeeAsked, FeePaid: deadline.FeePaid, Extended: deadline.ExtensionNoticed,
	WasRefused: deadline.Refused, Executed: deadline.Executed,
}

// answers are the events that end what another began.
var answers = map[deadline.EventType]deadline.EventType{
	deadline.IdentityConfirmed: deadline.IdentityAsked, deadline.ClarificationAnswered: deadline.ClarificationAsked,
	deadline.FeePaid: deadline.FeeAsked,
}

// roomFor is up to how many events of clocks one may be added: asking leaves room for what is
// answered to it, and for what ends the request.
func roomFor(typ deadline.EventType) int {
	for _, asked := range answers {
		if typ == asked {
			return maxTicks - endTicks
		}
	}
	return maxTicks
}

// matters reports whether an event changes what clocks run by: asking again does not,
// nor does an answer that nobody asked for, which would start some clocks later.
func (q *request) matters(typ deadline.EventType) bool {
	if asked, is := answers[typ]; is {
		return q.asked(asked)
	}
	for _, asked := range answers {
		if typ == asked {
			return !q.asked(asked)
		}
	}
	return true
}

// asked reports whether something was asked for and has not been answered.
func (q *request) asked(typ deadline.EventType) bool {
	open := false
	for _, t := range q.ticks {
		open = t.typ == typ || open && answers[t.typ] != typ
	}
	return open
}

func outcomeOf(k Kind) troth.ActOutcome {
	if k == WasRefused || k == PartRefused {
		return troth.Refused
	}
	return troth.Done
}

// facts are what the trail says of an event.
func (c *change) facts(e *Event) troth.Facts {
	f := troth.Facts{
		"request": troth.ID(c.id), "right": troth.Word(string(c.q.right)), "event": troth.Word(string(e.Kind)),
		"from": troth.Word(string(e.From)), "to": troth.Word(string(e.To)), "at": troth.Instant(e.At),
	}
	if e.Word != "" {
		f["word"] = troth.Word(e.Word)
	}
	if e.Ref != "" {
		f["ref"] = troth.ID(e.Ref)
	}
	if !e.Until.IsZero() {
		f["until"] = troth.Instant(e.Until)
	}
	return f
}

// close is what follows when a request becomes final.
func (c *change) close(ctx context.Context) error {
	if err := c.unclaim(ctx); err != nil {
		return err
	}
	return c.keepUntil(ctx)
}

// flush writes what was put off to the end.
func (c *change) flush(ctx context.Context) error {
	if c.steps {
		if err := c.putStep(ctx); err != nil {
			return err
		}
	}
	if err := c.putSheets(ctx); err != nil {
		return err
	}
	if len(c.items) > 0 {
		if err := c.d.store.WriteItems(ctx, c.items); err != nil {
			return wrap("write items", err)
		}
	}
	return c.putEvents(ctx)
}

// putLater has an item written at the end of the change: once, as it is put last.
func (c *change) putLater(ctx context.Context, row ItemRow, message []byte) error {
	var err error
	if row.Record, err = c.d.seal(ctx, itemPlace(row.ItemKey), message); err != nil {
		return err
	}
	for i := range c.items {
		if c.items[i].ItemKey == row.ItemKey {
			c.items[i] = row
			return nil
		}
	}
	c.items = append(c.items, row)
	return nil
}

// finish sets the clocks, and writes the request.
func (c *change) finish(ctx context.Context) error {
	if err := c.wind(ctx); err != nil {
		return err
	}
	record, err := c.d.seal(ctx, requestPlace(c.tenant, c.id), c.q.encode())
	if err != nil {
		return err
	}
	row := c.q.row(c.tenant, c.id)
	row.Record, c.record = record, record
	return wrap("write request", c.d.store.PutRequest(ctx, row))
}

// past holds an instant that the caller gave to what is possible: not after now, and
// not before the request. The zero time is now.
func (c *change) past(at time.Time) (int64, error) {
	us := micros(at)
	if us == 0 {
		return c.now, nil
	}
	if us > c.now || us < c.q.receivedAt {
		return 0, ErrFuture
	}
	return us, nil
}
