package consentmem

import (
	"context"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/consent"
	"github.com/trothdev/troth/storage/memory"
	"github.com/trothdev/troth/storage/memory/internal/scan"
)

func copyEvent(e consent.EventRow) consent.EventRow {
	e.Record, e.Proof, e.Content = own(e.Record), own(e.Proof), own(e.Content)
	return e
}

// InsertEvent implements consent.Store.
func (s *Store) InsertEvent(ctx context.Context, row consent.EventRow) (inserted bool, err error) {
	err = s.db.Atomically(ctx, func(ctx context.Context) error {
		k := eventKey{row.Tenant, row.SubjectID, row.RecordedAt, row.ID}
		inserted, err = s.ids.Insert(ctx, textKey{row.Tenant, row.ID}, k)
		if err != nil || !inserted {
			return err
		}
		return s.events.Put(ctx, k, copyEvent(row))
	})
	return inserted && err == nil, err
}

// Event implements consent.Store.
func (s *Store) Event(ctx context.Context, tenant troth.Tenant, id string) (consent.EventRow, bool, error) {
	k, found, err := s.ids.Get(ctx, textKey{tenant, id})
	if err != nil || !found {
		return consent.EventRow{}, false, err
	}
	row, found, err := s.events.Get(ctx, k)
	return copyEvent(row), found, err
}

func (s *Store) eventsOf(ctx context.Context, tenant troth.Tenant, subject string) ([]memory.Row[eventKey, consent.EventRow], error) {
	from := eventKey{tenant, subject, -1 << 63, ""}
	return scan.Prefix(ctx, s.events, from, func(k eventKey) bool { return k.tenant == tenant && k.subject == subject })
}

// Events implements consent.Store.
func (s *Store) Events(ctx context.Context, tenant troth.Tenant, subjectID string, p troth.Purpose) ([]consent.EventRow, error) {
	rows, err := s.eventsOf(ctx, tenant, subjectID)
	var all []consent.EventRow
	for _, r := range rows {
		if p == "" || r.Value.Purpose == p {
			all = append(all, copyEvent(r.Value))
		}
	}
	return all, err
}

// DeleteEvents implements consent.Store.
func (s *Store) DeleteEvents(ctx context.Context, tenant troth.Tenant, subjectID string, ids []string) error {
	return s.db.Atomically(ctx, func(ctx context.Context) error {
		for _, id := range ids {
			k, found, err := s.ids.Get(ctx, textKey{tenant, id})
			if err != nil {
				return err
			}
			if !found || k.subject != subjectID {
				continue
			}
			if _, err := s.ids.Delete(ctx, textKey{tenant, id}); err != nil {
				return err
			}
			if _, err := s.events.Delete(ctx, k); err != nil {
				return err
			}
			if err := s.dropDeliveries(ctx, tenant, id); err != nil {
				return err
			}
		}
		return nil
	})
}

// EraseContent implements consent.Store.
func (s *Store) EraseContent(ctx context.Context, tenant troth.Tenant, subjectID string) (n int, err error) {
	err = s.db.Atomically(ctx, func(ctx context.Context) error {
		n = 0
		rows, err := s.eventsOf(ctx, tenant, subjectID)
		for _, r := range rows {
			if r.Value.Content == nil {
				continue
			}
			n++
			r.Value.Content = nil
			if err := s.events.Put(ctx, r.Key, r.Value); err != nil {
				return err
			}
		}
		return err
	})
	return n, err
}

// InsertDelivery implements consent.Store.
func (s *Store) InsertDelivery(ctx context.Context, row consent.DeliveryRow) (bool, error) {
	return s.delivers.Insert(ctx, deliveryKey{row.Tenant, row.EventID, row.Processor}, row)
}

// Acknowledge implements consent.Store.
func (s *Store) Acknowledge(ctx context.Context, tenant troth.Tenant, eventID, processor string, at int64) (acked bool, err error) {
	err = s.db.Atomically(ctx, func(ctx context.Context) error {
		k := deliveryKey{tenant, eventID, processor}
		row, found, err := s.delivers.Get(ctx, k)
		acked = found && row.AckedAt == 0
		if err != nil || !acked {
			return err
		}
		row.AckedAt = at
		return s.delivers.Put(ctx, k, row)
	})
	return acked && err == nil, err
}

// Deliveries implements consent.Store.
func (s *Store) Deliveries(ctx context.Context, tenant troth.Tenant, eventID string) ([]consent.DeliveryRow, error) {
	rows, err := scan.Prefix(ctx, s.delivers, deliveryKey{tenant: tenant, event: eventID}, func(k deliveryKey) bool {
		return k.tenant == tenant && k.event == eventID
	})
	var all []consent.DeliveryRow
	for _, r := range rows {
		all = append(all, r.Value)
	}
	return all, err
}

func (s *Store) dropDeliveries(ctx context.Context, tenant troth.Tenant, eventID string) error {
	rows, err := s.Deliveries(ctx, tenant, eventID)
	for _, r := range rows {
		if _, err := s.delivers.Delete(ctx, deliveryKey{tenant, eventID, r.Processor}); err != nil {
			return err
		}
	}
	return err
}
