package rights

import (
	"context"
	"errors"
	"slices"
	"strconv"

	"github.com/trothdev/troth"
)

// sheetsIn are those of rows, which are of one request, in the order of their ids: all of
// its sheets, or none where the work has not begun. Half of them is [ErrRecord], and so is
// what the request's events do not tell of.
func (d *Desk) sheetsIn(ctx context.Context, key ItemKey, rows []ItemRow, events []Event) (*sheets, error) {
	var all []SourceWork
	count := 0
	for _, row := range rows {
		if row.Kind != ItemSources {
			continue
		}
		message, err := d.open(ctx, itemPlace(row.ItemKey), row.Record)
		if err != nil {
			return nil, err
		}
		work, of, err := parseSheet(message)
		if err != nil || all != nil && of != count {
			return nil, ErrRecord
		}
		if all == nil {
			all = make([]SourceWork, 0, len(work))
		}
		all, count = append(all, work...), of
	}
	if len(all) != count { // one is missing
		return nil, ErrRecord
	}
	s := &sheets{all: all, written: make([]bool, (count+perSheet-1)/perSheet)}
	if !s.begun(events) {
		return nil, ErrRecord
	}
	if !s.told(events) {
		return nil, &TamperedError{key.Tenant, []Tampering{{key.Owner, RequestOld}}}
	}
	return s, nil
}

// begun reports whether these are as many sources as were noted when the work began: one whose
// sheet is gone must not look as if it had never been asked.
func (s *sheets) begun(events []Event) bool {
	noted := ""
	for i := range events {
		if e := &events[i]; e.From == StateAccepted && e.Word == wordSources {
			noted = e.Ref
		}
	}
	return noted == strconv.Itoa(len(s.all)) || noted == "" && len(s.all) == 0
}

// told reports whether every source is as it was settled last by the events: an older sheet
// that was put back is as genuine as it was, and events are not taken out one by one. What a
// source says of itself in between, such as a part of many, no event tells.
func (s *sheets) told(events []Event) bool {
	last, lifted := make([]*Event, len(s.all)), make([]bool, len(s.all))
	for i := range events {
		e := &events[i]
		if e.Kind != SourceDone && e.Kind != RestrictionLifted {
			continue
		}
		at, found := s.find(e.Ref)
		if !found {
			continue
		}
		if lifted[at] = e.Kind == RestrictionLifted; !lifted[at] {
			last[at] = e
		}
	}
	for i := range s.all {
		if !s.all[i].as(last[i], lifted[i]) {
			return false
		}
	}
	return true
}

// as reports whether a source is as an event said, nil if there is none, or as lifting what it
// restricted left it after that.
func (w *SourceWork) as(e *Event, lifted bool) bool {
	switch {
	case e == nil:
		return !w.settled()
	case !w.At.Equal(e.RecordedAt):
		return false
	case lifted:
		return w.Outcome == Done && w.Method == Unrestricted
	}
	return string(w.Outcome) == e.Word
}

// Work returns how far a request is at each of its sources, ordered by name.
func (d *Desk) Work(ctx context.Context, tenant troth.Tenant, id string) ([]SourceWork, error) {
	if err := tenant.Validate(); err != nil {
		return nil, err
	}
	s, err := d.readSheets(ctx, tenant, id)
	if errors.Is(err, ErrNotFound) {
		return nil, nil // there is no such request
	}
	if err != nil {
		return nil, err
	}
	return s.all, nil
}

// readSheets reads the sheets of a request with the events that tell of them.
func (d *Desk) readSheets(ctx context.Context, tenant troth.Tenant, id string) (*sheets, error) {
	f, found, err := d.store.File(ctx, tenant, id, []ItemKind{ItemSources})
	switch {
	case err != nil:
		return nil, wrap("read sources", err)
	case !found:
		return nil, ErrNotFound
	}
	q, err := d.openRequest(ctx, f.Request)
	if err != nil {
		return nil, err
	}
	key := stepKey(tenant, id)
	events, err := d.eventsOf(ctx, key, q, f.Events)
	if err != nil {
		return nil, err
	}
	return d.sheetsIn(ctx, key, f.Items, events)
}

// eventsOf is what the rows of a request's events say, of which it knows how many there are.
func (d *Desk) eventsOf(ctx context.Context, key ItemKey, q *request, rows []EventRow) ([]Event, error) {
	events, err := d.openEvents(ctx, key.Tenant, key.Owner, rows)
	if err != nil {
		return nil, err
	}
	if len(events) != int(q.seq) {
		return nil, &TamperedError{key.Tenant, []Tampering{{key.Owner, RequestOld}}}
	}
	return events, nil
}

// allWork is how far everything is that was noted when the work began.
func (c *change) allWork(ctx context.Context) ([]SourceWork, error) {
	s, err := c.sources(ctx)
	if err != nil {
		return nil, err
	}
	return slices.Clone(s.all), nil
}
