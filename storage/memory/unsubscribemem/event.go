package unsubscribemem

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/storage/memory"
	"github.com/trothdev/troth/storage/memory/internal/scan"
	"github.com/trothdev/troth/unsubscribe"
)

func keyOf(row *unsubscribe.EventRow) eventKey {
	return eventKey{row.Tenant, row.Key, row.RecordedAt, row.ID}
}

func copyEvent(row unsubscribe.EventRow) unsubscribe.EventRow {
	row.Record, row.Content = own(row.Record), own(row.Content)
	return row
}

// InsertEvent implements unsubscribe.Store.
func (s *Store) InsertEvent(ctx context.Context, row unsubscribe.EventRow) (inserted bool, err error) {
	err = s.db.Atomically(ctx, func(ctx context.Context) error {
		inserted, err = s.ids.Insert(ctx, textKey{row.Tenant, row.ID}, keyOf(&row))
		if err != nil || !inserted {
			return err
		}
		return s.events.Put(ctx, keyOf(&row), copyEvent(row))
	})
	return inserted && err == nil, err
}

// Event implements unsubscribe.Store.
func (s *Store) Event(ctx context.Context, tenant troth.Tenant, id string) (unsubscribe.EventRow, bool, error) {
	k, found, err := s.ids.Get(ctx, textKey{tenant, id})
	if err != nil || !found {
		return unsubscribe.EventRow{}, false, err
	}
	row, found, err := s.events.Get(ctx, k)
	return copyEvent(row), found, err
}

func (s *Store) eventsOf(ctx context.Context, tenant troth.Tenant, key unsubscribe.Key) ([]memory.Row[eventKey, unsubscribe.EventRow], error) {
	from := eventKey{tenant, key, -1 << 63, ""}
	return scan.Prefix(ctx, s.events, from, func(k eventKey) bool { return k.tenant == tenant && k.key == key })
}

// Events implements unsubscribe.Store.
func (s *Store) Events(ctx context.Context, tenant troth.Tenant, key unsubscribe.Key) ([]unsubscribe.EventRow, error) {
	rows, err := s.eventsOf(ctx, tenant, key)
	var all []unsubscribe.EventRow
	for _, r := range rows {
		all = append(all, copyEvent(r.Value))
	}
	return all, err
}

// EventsOf implements unsubscribe.Store.
func (s *Store) EventsOf(ctx context.Context, tenant troth.Tenant, subjectID string) ([]unsubscribe.EventRow, error) {
	rows, err := s.ofSubject(ctx, tenant, subjectID)
	var all []unsubscribe.EventRow
	for _, r := range rows {
		all = append(all, copyEvent(r.Value))
	}
	slices.SortFunc(all, func(a, b unsubscribe.EventRow) int {
		return cmp.Or(cmp.Compare(a.RecordedAt, b.RecordedAt), cmp.Compare(a.ID, b.ID))
	})
	return all, err
}

func (s *Store) ofSubject(ctx context.Context, tenant troth.Tenant, subjectID string) ([]memory.Row[eventKey, unsubscribe.EventRow], error) {
	return s.events.Scan(ctx, nil, 0, func(k eventKey, row unsubscribe.EventRow) bool {
		return k.tenant == tenant && row.SubjectID == subjectID && subjectID != ""
	})
}

// EraseContent implements unsubscribe.Store.
func (s *Store) EraseContent(ctx context.Context, tenant troth.Tenant, id string) (n int, err error) {
	err = s.db.Atomically(ctx, func(ctx context.Context) error {
		row, found, err := s.Event(ctx, tenant, id)
		if err != nil || !found {
			return err
		}
		n, err = s.empty(ctx, []memory.Row[eventKey, unsubscribe.EventRow]{{Key: keyOf(&row), Value: row}})
		return err
	})
	return n, err
}

// EraseSubject implements unsubscribe.Store.
func (s *Store) EraseSubject(ctx context.Context, tenant troth.Tenant, subjectID string) (n int, err error) {
	err = s.db.Atomically(ctx, func(ctx context.Context) error {
		rows, err := s.ofSubject(ctx, tenant, subjectID)
		if err != nil {
			return err
		}
		n, err = s.empty(ctx, rows)
		return err
	})
	return n, err
}

func (s *Store) empty(ctx context.Context, rows []memory.Row[eventKey, unsubscribe.EventRow]) (n int, err error) {
	for _, r := range rows {
		if r.Value.SubjectID == "" && r.Value.Content == nil {
			continue
		}
		n++
		r.Value.SubjectID, r.Value.Content = "", nil
		if err := s.events.Put(ctx, r.Key, r.Value); err != nil {
			return 0, err
		}
	}
	return n, nil
}

// InsertDelivery implements unsubscribe.Store.
func (s *Store) InsertDelivery(ctx context.Context, row unsubscribe.DeliveryRow) (bool, error) {
	return s.deliveries.Insert(ctx, deliveryKey{row.Tenant, row.EventID, row.Provider}, row)
}

// LockDelivery implements unsubscribe.Store.
func (s *Store) LockDelivery(ctx context.Context, tenant troth.Tenant, eventID, provider string) (unsubscribe.DeliveryRow, bool, error) {
	if s.db.Scope(ctx) == nil {
		return unsubscribe.DeliveryRow{}, false, errNoTransaction
	}
	return s.deliveries.Get(ctx, deliveryKey{tenant, eventID, provider})
}

// PutDelivery implements unsubscribe.Store.
func (s *Store) PutDelivery(ctx context.Context, row unsubscribe.DeliveryRow) error {
	return s.db.Atomically(ctx, func(ctx context.Context) error {
		k := deliveryKey{row.Tenant, row.EventID, row.Provider}
		if _, found, err := s.deliveries.Get(ctx, k); err != nil || !found {
			return errors.Join(errNothing, err)
		}
		return s.deliveries.Put(ctx, k, row)
	})
}

// Deliveries implements unsubscribe.Store.
func (s *Store) Deliveries(ctx context.Context, tenant troth.Tenant, eventID string) ([]unsubscribe.DeliveryRow, error) {
	rows, err := scan.Prefix(ctx, s.deliveries, deliveryKey{tenant: tenant, event: eventID}, func(k deliveryKey) bool {
		return k.tenant == tenant && k.event == eventID
	})
	return values(rows), err
}

// DueDeliveries implements unsubscribe.SystemStore.
func (s *Store) DueDeliveries(ctx context.Context, at int64, limit int) ([]unsubscribe.DeliveryRow, error) {
	rows, err := s.deliveries.Scan(ctx, nil, 0, func(_ deliveryKey, row unsubscribe.DeliveryRow) bool {
		return row.NextAlarm != 0 && row.NextAlarm <= at
	})
	all := values(rows)
	slices.SortStableFunc(all, func(a, b unsubscribe.DeliveryRow) int { return int(max(min(a.NextAlarm-b.NextAlarm, 1), -1)) })
	return all[:min(len(all), limit)], err
}
