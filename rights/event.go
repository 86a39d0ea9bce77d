package rights

import (
	"context"
	"strconv"
	"time"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/canon"
)

const eventDomain = "troth.rights.event/1"

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

func (e *Event) encode() []byte {
	dst := canon.AppendDomain(make([]byte, 0, usual/2), eventDomain)
	dst = canon.AppendText(dst, e.Kind)
	dst = canon.AppendInt(dst, micros(e.At))
	dst = canon.AppendInt(dst, micros(e.RecordedAt))
	dst = canon.AppendText(dst, e.From)
	dst = canon.AppendText(dst, e.To)
	dst = canon.AppendText(dst, e.Word)
	dst = canon.AppendText(dst, e.Ref)
	dst = canon.AppendInt(dst, micros(e.Until))
	return canon.AppendBytes(dst, e.Evidence[:])
}

func parseEvent(b []byte) (e Event, err error) {
	r := reader{Walker: canon.Walk(b, eventDomain)}
	e = Event{
		Kind: Kind(r.text()), At: instant(r.Int()), RecordedAt: instant(r.Int()), From: State(r.text()), To: State(r.text()),
		Word: r.text(), Ref: r.text(), Until: instant(r.Int()),
	}
	r.fixed(e.Evidence[:])
	if !r.done() {
		return Event{}, ErrRecord
	}
	return e, nil
}

func eventPlace(tenant troth.Tenant, request string, seq uint32) place {
	return place{tenant: tenant, table: eventTable, a: request, b: strconv.FormatUint(uint64(seq), 10)}
}

// Events returns the events of a request, in their order.
func (d *Desk) Events(ctx context.Context, tenant troth.Tenant, id string) ([]Event, error) {
	if err := tenant.Validate(); err != nil {
		return nil, err
	}
	rows, err := d.store.Events(ctx, tenant, id)
	if err != nil {
		return nil, wrap("read events", err)
	}
	if len(rows) == 0 {
		return nil, ErrNotFound
	}
	return d.openEvents(ctx, tenant, id, rows)
}

// openEvents is what the rows of a request's events say.
func (d *Desk) openEvents(ctx context.Context, tenant troth.Tenant, id string, rows []EventRow) ([]Event, error) {
	all := make([]Event, 0, len(rows))
	for i, row := range rows {
		message, err := d.open(ctx, eventPlace(tenant, id, row.Seq), row.Record)
		if err != nil {
			return nil, err
		}
		e, err := parseEvent(message)
		if err != nil || int(row.Seq) != i+1 {
			return nil, ErrRecord // one is missing
		}
		e.Seq = int(row.Seq)
		all = append(all, e)
	}
	return all, nil
}
