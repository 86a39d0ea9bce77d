package unsubscribe

import (
	"context"
	"errors"
	"fmt"

	"github.com/trothdev/troth"
)

// History is everything that is known of one address: for a request for access (GDPR
// Article 15), for a court, for whoever asks why a message came or did not come. It
// is personal data.
type History struct {
	// Entries are what the events come to, Events the events themselves, each oldest
	// first within its registry, the client's before that of everything.
	Entries []EntryRow
	Events  []HistoryEvent
}

// HistoryEvent is one event with all that belongs to it.
type HistoryEvent struct {
	Event Event
	// SubjectID is the person as the client knows them; empty if nobody knows, or once
	// they were erased.
	SubjectID string
	// Evidence is opened; EvidenceGone says that there was some, and that it is
	// destroyed.
	Evidence     Evidence
	EvidenceGone bool
	// Told is which providers were to be told, by when, and which were.
	Told []DeliveryRow
}

// History returns everything about an address of a client's contact, with the
// evidence opened for a purpose, which the sealer records. Of the registry of
// everything it gives only what came through this client.
func (r *Registry) History(ctx context.Context, tenant troth.Tenant, c Channel, address troth.Sensitive[string], p troth.Purpose) (History, error) {
	if err := p.Validate(); err != nil {
		return History{}, err
	}
	keys, entries, err := r.known(ctx, tenant, c, address)
	if err != nil {
		return History{}, err
	}
	h := History{Entries: entries}
	for _, one := range []struct {
		registry troth.Tenant
		key      Key
	}{{tenant, keys.Client.Exact}, {troth.Platform, keys.Everything.Exact}} {
		rows, err := r.store.Events(ctx, one.registry, one.key)
		if err != nil {
			return History{}, fmt.Errorf("unsubscribe: read events: %w", err)
		}
		for i := range rows {
			e, err := openEvent(&rows[i])
			if err != nil {
				return History{}, err
			}
			if e.Place.Tenant != tenant || e.Channel != c {
				continue
			}
			full, err := r.fill(ctx, e, &rows[i], p)
			if err != nil {
				return History{}, err
			}
			h.Events = append(h.Events, full)
		}
	}
	return h, nil
}

// HistoryOf returns the events about a client's person, as the SubjectID says that came with
// them, whatever their addresses: oldest first, with the evidence opened for a purpose, which
// the sealer records. Those of the registry of everything are found by [Registry.History]
// alone, as are those of an address that came with no SubjectID.
func (r *Registry) HistoryOf(ctx context.Context, who troth.Subject, p troth.Purpose) (events []HistoryEvent, err error) {
	if err := errors.Join(who.Validate(), p.Validate()); err != nil {
		return nil, err
	}
	rows, err := r.store.EventsOf(ctx, who.Tenant, who.ID)
	if err != nil {
		return nil, fmt.Errorf("unsubscribe: read events: %w", err)
	}
	for i := range rows {
		e, err := openEvent(&rows[i])
		if err != nil {
			return nil, err
		}
		full, err := r.fill(ctx, e, &rows[i], p)
		if err != nil {
			return nil, err
		}
		events = append(events, full)
	}
	return events, nil
}

func (r *Registry) fill(ctx context.Context, e Event, row *EventRow, p troth.Purpose) (HistoryEvent, error) {
	full := HistoryEvent{Event: e, SubjectID: row.SubjectID}
	var err error
	if full.Told, err = r.Deliveries(ctx, row.Tenant, e.ID); err != nil {
		return full, err
	}
	if len(row.Content) == 0 {
		full.EvidenceGone = e.HasEvidence
		return full, nil
	}
	full.Evidence, err = r.openEvidence(ctx, &e, row, p)
	if isShredded(err) {
		full.EvidenceGone, err = true, nil
	}
	return full, err
}
