package consentsql

import (
	"context"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/consent"
	"github.com/trothdev/troth/storage/sqlstore"
	"github.com/trothdev/troth/storage/sqlstore/internal/statement"
)

func scanEvent(rows *sqlstore.Rows) (r consent.EventRow, err error) {
	err = rows.Scan(&r.Tenant, &r.SubjectID, &r.ID, &r.Purpose, &r.RecordedAt, &r.Record, &r.Proof, &r.Content)
	return r, firstError(err, within(maxSealed, r.Record, r.Proof, r.Content))
}

// InsertEvent implements consent.Store.
func (s *Store) InsertEvent(ctx context.Context, row consent.EventRow) (bool, error) {
	return s.db.Affects(ctx, s.q.insertEvent, string(row.Tenant), row.ID, row.SubjectID, string(row.Purpose), row.RecordedAt,
		bytesOf(row.Record), blob(row.Proof), blob(row.Content))
}

// Event implements consent.Store.
func (s *Store) Event(ctx context.Context, tenant troth.Tenant, id string) (consent.EventRow, bool, error) {
	return statement.One(ctx, s.db, scanEvent, s.q.event, string(tenant), id)
}

// Events implements consent.Store.
func (s *Store) Events(ctx context.Context, tenant troth.Tenant, subjectID string, p troth.Purpose) ([]consent.EventRow, error) {
	if p == "" {
		return statement.Query(ctx, s.db, scanEvent, s.q.events, string(tenant), subjectID)
	}
	return statement.Query(ctx, s.db, scanEvent, s.q.eventsAbout, string(tenant), subjectID, string(p))
}

// DeleteEvents implements consent.Store.
func (s *Store) DeleteEvents(ctx context.Context, tenant troth.Tenant, subjectID string, ids []string) error {
	return s.db.Atomically(ctx, func(ctx context.Context) error {
		for _, id := range ids {
			if _, err := s.db.Exec(ctx, s.q.deleteEventDeliveries, string(tenant), string(tenant), subjectID, id); err != nil {
				return err
			}
			if _, err := s.db.Exec(ctx, s.q.deleteEvent, string(tenant), subjectID, id); err != nil {
				return err
			}
		}
		return nil
	})
}

// InsertDelivery implements consent.Store.
func (s *Store) InsertDelivery(ctx context.Context, row consent.DeliveryRow) (bool, error) {
	return s.db.Affects(ctx, s.q.insertDelivery, string(row.Tenant), row.EventID, row.Processor, row.At, row.AckedAt)
}

// Acknowledge implements consent.Store.
func (s *Store) Acknowledge(ctx context.Context, tenant troth.Tenant, eventID, processor string, at int64) (bool, error) {
	return s.db.Affects(ctx, s.q.acknowledge, at, string(tenant), eventID, processor)
}

// Deliveries implements consent.Store.
func (s *Store) Deliveries(ctx context.Context, tenant troth.Tenant, eventID string) ([]consent.DeliveryRow, error) {
	return statement.Query(ctx, s.db, func(rows *sqlstore.Rows) (r consent.DeliveryRow, err error) {
		err = rows.Scan(&r.Tenant, &r.EventID, &r.Processor, &r.At, &r.AckedAt)
		return r, err
	}, s.q.deliveries, string(tenant), eventID)
}
