package consent

import (
	"context"
	"fmt"

	"github.com/trothdev/troth"
)

func (d *tenantData) openPerson(row PersonRow) (person, error) {
	message, err := d.key.open(personTable, row.SubjectID, "", row.Record)
	if err != nil {
		return person{}, err
	}
	return parsePerson(message)
}

// openEvent checks a stored event.
func (d *tenantData) openEvent(row EventRow) (Event, error) {
	message, err := d.key.open(eventTable, row.ID, "", row.Record)
	if err != nil {
		return Event{}, err
	}
	e, err := ParseEvent(message)
	if err != nil || e.Tenant != row.Tenant || e.ID != row.ID || e.Purpose != row.Purpose || micros(e.RecordedAt) != row.RecordedAt {
		return Event{}, ErrRecord
	}
	return e, nil
}

// readStates reads what a person's events come to: one read.
func (l *Ledger) readStates(ctx context.Context, d *tenantData, who troth.Subject) (states, error) {
	rows, err := l.store.States(ctx, who.Tenant, who.ID)
	if err != nil {
		return nil, fmt.Errorf("consent: read states: %w", err)
	}
	all := make(states, len(rows))
	for i, row := range rows {
		if row.SubjectID != who.ID {
			return nil, ErrRecord
		}
		if all[i], err = d.openState(row); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func (d *tenantData) openState(row StateRow) (purposeState, error) {
	message, err := d.key.open(stateTable, row.SubjectID, string(row.Purpose), row.Record)
	if err != nil {
		return purposeState{}, err
	}
	s, err := parseState(message)
	return purposeState{row.Purpose, s}, err
}
