package rights

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/canon"
)

const eventsDomain = "troth.rights.events/1"

const (
	// perRow is how many events one row holds at most: as many as mostly fit into a quarter
	// of a page of SQLite's, beyond which it keeps a row in pieces.
	perRow = 8
	// eventFields is how many fields an event has in its row.
	eventFields = 9
)

// Event is something that happened to a request. Who did it is on the trail.
type Event struct {
	// Seq counts the request's events from 1.
	Seq  int
	Kind Kind
	// At is when it happened, RecordedAt when the desk learnt of it; UTC.
	At, RecordedAt time.Time
	From, To       State
	// Word and Ref are what there is to add, by kind: a reason, a method, a stage; an
	// id, a source, a rule. Neither is about a person.
	Word, Ref string
	// Until is an instant that goes with it; zero if there is none.
	Until time.Time
	// Evidence is the entry of the trail.
	Evidence troth.EntryID
}

// encodeEvents is the message of a row. Mostly an event was recorded when it happened, and
// ends at none; many move nothing: that takes a byte each.
func encodeEvents(events []Event) []byte {
	dst := canon.AppendDomain(make([]byte, 0, usual), eventsDomain)
	dst = canon.AppendList(dst, eventFields*len(events))
	for i := range events {
		dst = events[i].append(dst)
	}
	return dst
}

func (e *Event) append(dst []byte) []byte {
	dst = canon.AppendText(dst, e.Kind)
	dst = canon.AppendInt(dst, micros(e.At))
	if e.RecordedAt.Equal(e.At) {
		dst = canon.AppendNone(dst)
	} else {
		dst = canon.AppendInt(dst, micros(e.RecordedAt))
	}
	dst = canon.AppendText(dst, e.From)
	if e.To == e.From {
		dst = canon.AppendNone(dst)
	} else {
		dst = canon.AppendText(dst, e.To)
	}
	dst = canon.AppendText(dst, e.Word)
	dst = canon.AppendText(dst, e.Ref)
	dst = appendWhen(dst, micros(e.Until))
	return canon.AppendBytes(dst, e.Evidence[:])
}

// parseEvents reads the message of a row, whose first event has a number.
func parseEvents(b []byte, first uint32) ([]Event, error) {
	r := &reader{Walker: canon.Walk(b, eventsDomain)}
	n := r.List()
	if n%eventFields != 0 || n == 0 || n > eventFields*perRow {
		return nil, ErrRecord
	}
	events := make([]Event, n/eventFields)
	for i := range events {
		events[i] = r.event()
		events[i].Seq = int(first) + i
	}
	if !r.done() {
		return nil, ErrRecord
	}
	return events, nil
}

func (r *reader) event() Event {
	e := Event{Kind: Kind(r.text()), At: instant(r.Int())}
	if e.RecordedAt = e.At; !r.None() {
		e.RecordedAt = instant(r.Int())
		r.bad = r.bad || e.RecordedAt.Equal(e.At)
	}
	e.From = State(r.text())
	if e.To = e.From; !r.None() {
		e.To = State(r.text())
		r.bad = r.bad || e.To == e.From
	}
	e.Word, e.Ref, e.Until = r.text(), r.text(), instant(r.when())
	r.fixed(e.Evidence[:])
	return e
}

func eventPlace(tenant troth.Tenant, request string, first uint32) place {
	return place{tenant: tenant, table: eventTable, a: request, b: strconv.FormatUint(uint64(first), 10)}
}

// putEvents writes what was fired: what happens in one change has a row together.
func (c *change) putEvents(ctx context.Context) error {
	if len(c.events) == 0 {
		return nil
	}
	rows := make([]EventRow, 0, 1)
	for some := range slices.Chunk(c.events, perRow) {
		first := uint32(some[0].Seq)
		record, err := c.d.seal(ctx, eventPlace(c.tenant, c.id, first), encodeEvents(some))
		if err != nil {
			return err
		}
		rows = append(rows, EventRow{Tenant: c.tenant, Request: c.id, Seq: first, Record: record})
	}
	inserted, err := c.d.store.InsertEvents(ctx, rows)
	if err != nil {
		return wrap("write events", err)
	}
	if inserted != len(rows) {
		return ErrRecord // somebody wrote past the lock
	}
	return nil
}

// Events returns the events of a request, in their order: all of them, or [ErrRecord].
func (d *Desk) Events(ctx context.Context, tenant troth.Tenant, id string) ([]Event, error) {
	q, err := d.read(ctx, tenant, id)
	if err != nil {
		return nil, err
	}
	return d.events(ctx, tenant, id, q)
}

// events are those of a request as it was read before, of which there are none less since.
func (d *Desk) events(ctx context.Context, tenant troth.Tenant, id string, q *request) ([]Event, error) {
	rows, err := d.store.Events(ctx, tenant, id)
	if err != nil {
		return nil, wrap("read events", err)
	}
	events, err := d.openEvents(ctx, tenant, id, rows)
	if err == nil && len(events) < int(q.seq) {
		err = &TamperedError{tenant, []Tampering{{id, RequestOld}}}
	}
	return events, err
}

// openEvents is what the rows of a request's events say.
func (d *Desk) openEvents(ctx context.Context, tenant troth.Tenant, id string, rows []EventRow) ([]Event, error) {
	all := make([]Event, 0, 2*len(rows))
	for _, row := range rows {
		message, err := d.open(ctx, eventPlace(tenant, id, row.Seq), row.Record)
		if err != nil {
			return nil, err
		}
		events, err := parseEvents(message, row.Seq)
		if err != nil || int(row.Seq) != len(all)+1 {
			return nil, ErrRecord // one is missing
		}
		all = append(all, events...)
	}
	return all, nil
}
