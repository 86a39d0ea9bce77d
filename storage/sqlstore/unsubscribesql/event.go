package unsubscribesql

import (
	"context"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/storage/sqlstore"
	"github.com/trothdev/troth/storage/sqlstore/internal/statement"
	"github.com/trothdev/troth/unsubscribe"
)

func scanEvent(rows *sqlstore.Rows) (e unsubscribe.EventRow, err error) {
	var tenant string
	var key, mailbox []byte
	if err = rows.Scan(&tenant, &e.ID, &key, &mailbox, &e.RecordedAt, &e.Record, &e.SubjectID, &e.Content); err != nil {
		return e, err
	}
	e.Tenant = troth.Tenant(tenant)
	if !fill(&e.Key, key) || !fill(&e.Mailbox, mailbox) || len(e.Record) > unsubscribe.MaxRecord || len(e.Content) > unsubscribe.MaxRecord {
		return unsubscribe.EventRow{}, unsubscribe.ErrRecord
	}
	return e, nil
}

// InsertEvent implements unsubscribe.Store.
func (s *Store) InsertEvent(ctx context.Context, e unsubscribe.EventRow) (bool, error) {
	record := e.Record
	if record == nil {
		record = []byte{}
	}
	return s.db.Affects(ctx, s.q.insertEvent, string(e.Tenant), e.ID, e.Key[:], e.Mailbox[:], e.RecordedAt, record, e.SubjectID, blob(e.Content))
}

// Event implements unsubscribe.Store.
func (s *Store) Event(ctx context.Context, tenant troth.Tenant, id string) (unsubscribe.EventRow, bool, error) {
	return statement.One(ctx, s.db, scanEvent, s.q.event, string(tenant), id)
}

// Events implements unsubscribe.Store.
func (s *Store) Events(ctx context.Context, tenant troth.Tenant, key unsubscribe.Key) ([]unsubscribe.EventRow, error) {
	return statement.Query(ctx, s.db, scanEvent, s.q.events, string(tenant), key[:])
}

// EventsOf implements unsubscribe.Store.
func (s *Store) EventsOf(ctx context.Context, tenant troth.Tenant, subjectID string) ([]unsubscribe.EventRow, error) {
	return statement.Query(ctx, s.db, scanEvent, s.q.eventsOf, string(tenant), subjectID)
}

// EraseContent implements unsubscribe.Store.
func (s *Store) EraseContent(ctx context.Context, tenant troth.Tenant, id string) (int, error) {
	return s.db.Exec(ctx, s.q.eraseContent, string(tenant), id)
}

// EraseSubject implements unsubscribe.Store.
func (s *Store) EraseSubject(ctx context.Context, tenant troth.Tenant, subjectID string) (int, error) {
	return s.db.Exec(ctx, s.q.eraseSubject, string(tenant), subjectID)
}

func scanDelivery(rows *sqlstore.Rows) (d unsubscribe.DeliveryRow, err error) {
	var tenant, state string
	var attempts, alarmed int64
	err = rows.Scan(&tenant, &d.EventID, &d.Provider, &state, &d.NotedAt, &d.DueAt, &d.ToldAt, &d.Rule, &attempts, &alarmed, &d.NextAlarm)
	if err != nil {
		return d, err
	}
	d.Tenant, d.State = troth.Tenant(tenant), unsubscribe.DeliveryState(state)
	if !statement.Small(attempts, &d.Attempts) || !statement.Small(alarmed, &d.Alarmed) {
		return unsubscribe.DeliveryRow{}, unsubscribe.ErrRecord
	}
	return d, nil
}

func progress(d *unsubscribe.DeliveryRow) []any {
	return []any{
		string(d.State), d.NotedAt, d.DueAt, d.ToldAt, d.Rule, int64(d.Attempts), int64(d.Alarmed), d.NextAlarm,
	}
}

// InsertDelivery implements unsubscribe.Store.
func (s *Store) InsertDelivery(ctx context.Context, d unsubscribe.DeliveryRow) (bool, error) {
	return s.db.Affects(ctx, s.q.insertDelivery, append([]any{string(d.Tenant), d.EventID, d.Provider}, progress(&d)...)...)
}

// LockDelivery implements unsubscribe.Store.
func (s *Store) LockDelivery(ctx context.Context, tenant troth.Tenant, eventID, provider string) (unsubscribe.DeliveryRow, bool, error) {
	if err := s.db.Locking(ctx); err != nil {
		return unsubscribe.DeliveryRow{}, false, err
	}
	return statement.One(ctx, s.db, scanDelivery, s.q.lockDelivery, string(tenant), eventID, provider)
}

// PutDelivery implements unsubscribe.Store.
func (s *Store) PutDelivery(ctx context.Context, d unsubscribe.DeliveryRow) error {
	return s.db.Must(ctx, s.q.putDelivery, append(progress(&d), string(d.Tenant), d.EventID, d.Provider)...)
}

// Deliveries implements unsubscribe.Store.
func (s *Store) Deliveries(ctx context.Context, tenant troth.Tenant, eventID string) ([]unsubscribe.DeliveryRow, error) {
	return statement.Query(ctx, s.db, scanDelivery, s.q.deliveries, string(tenant), eventID)
}

// DueDeliveries implements unsubscribe.SystemStore.
func (s *Store) DueDeliveries(ctx context.Context, at int64, limit int) ([]unsubscribe.DeliveryRow, error) {
	return statement.Query(ctx, s.db, scanDelivery, s.q.dueDeliveries, at, limit)
}
