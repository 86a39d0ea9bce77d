package retentionmem

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/retention"
)

func compareEvents(a, b retention.EventKey) int {
	return cmp.Or(
		cmp.Compare(a.Tenant, b.Tenant), cmp.Compare(a.Scope, b.Scope), strings.Compare(a.ID, b.ID),
		cmp.Compare(a.At, b.At), strings.Compare(a.Event, b.Event),
	)
}

// InsertEvent implements retention.Store.
func (s *Store) InsertEvent(ctx context.Context, row retention.EventRow) (bool, error) {
	return s.events.Insert(ctx, row.EventKey, row)
}

// EventsOf implements retention.Store.
func (s *Store) EventsOf(ctx context.Context, tenant troth.Tenant, of []retention.Many) ([]retention.EventRow, error) {
	var all []retention.EventRow
	_, err := s.events.Scan(ctx, &retention.EventKey{Tenant: tenant}, 0, func(k retention.EventKey, row retention.EventRow) bool {
		if k.Tenant == tenant && slices.Contains(of, k.Many) {
			all = append(all, row)
		}
		return false
	})
	slices.SortStableFunc(all, func(a, b retention.EventRow) int {
		return cmp.Or(cmp.Compare(a.At, b.At), strings.Compare(a.Event, b.Event), compareEvents(a.EventKey, b.EventKey))
	})
	return all, err
}

// LockEvent implements retention.Store.
func (s *Store) LockEvent(ctx context.Context, key retention.EventKey) (retention.EventRow, bool, error) {
	if err := s.locking(ctx); err != nil {
		return retention.EventRow{}, false, err
	}
	return s.events.Get(ctx, key)
}

// PutEvent implements retention.Store.
func (s *Store) PutEvent(ctx context.Context, row retention.EventRow) error {
	return replace(ctx, s.db, s.events, row.EventKey, row)
}

// DeleteEvents implements retention.Store.
func (s *Store) DeleteEvents(ctx context.Context, tenant troth.Tenant, of retention.Many) (n int, err error) {
	err = s.db.Atomically(ctx, func(ctx context.Context) error {
		n = 0
		rows, err := s.EventsOf(ctx, tenant, []retention.Many{of})
		if err != nil {
			return err
		}
		for i := range rows {
			if _, err := s.events.Delete(ctx, rows[i].EventKey); err != nil {
				return err
			}
		}
		n = len(rows)
		return nil
	})
	return n, err
}

// RecordsOf implements retention.Store.
func (s *Store) RecordsOf(ctx context.Context, after retention.RecordKey, of retention.Many, limit int) ([]retention.RecordRow, error) {
	if limit <= 0 {
		return nil, ctx.Err()
	}
	rows, err := s.records.Scan(ctx, &after, limit, func(k retention.RecordKey, row retention.RecordRow) bool {
		return k.Tenant == after.Tenant && belongs(row, of)
	})
	all := values(rows)
	for i := range all {
		all[i] = own(all[i])
	}
	return all, err
}

func belongs(row retention.RecordRow, to retention.Many) bool {
	switch to.Scope {
	case retention.OfAccount:
		return to.ID == "" || row.AccountID == to.ID
	case retention.OfSubject:
		return to.ID != "" && row.SubjectID == to.ID
	case retention.OfPurpose:
		return to.ID != "" && row.Purpose == to.ID
	case retention.OfRecord:
	}
	return false
}

// OpenEvents implements retention.SystemStore.
func (s *Store) OpenEvents(ctx context.Context, limit int) ([]retention.EventRow, error) {
	rows, err := s.events.Scan(ctx, nil, 0, func(_ retention.EventKey, row retention.EventRow) bool { return row.DoneAt == 0 })
	all := values(rows)
	slices.SortStableFunc(all, func(a, b retention.EventRow) int { return cmp.Compare(a.ReportedAt, b.ReportedAt) })
	return all[:min(len(all), max(limit, 0))], err
}

// Horizon implements retention.SystemStore. There is one writer, so who writes has seen
// what others wrote.
func (s *Store) Horizon(ctx context.Context) (int64, error) { return 1, ctx.Err() }

// Settled implements retention.SystemStore.
func (s *Store) Settled(ctx context.Context, _ int64) (bool, error) { return true, ctx.Err() }
