package retentionmem

import (
	"cmp"
	"context"
	"slices"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/retention"
)

// InsertRecord implements retention.Store.
func (s *Store) InsertRecord(ctx context.Context, row retention.RecordRow) (bool, error) {
	return s.records.Insert(ctx, row.RecordKey, own(row))
}

func own(row retention.RecordRow) retention.RecordRow {
	row.Detail = slices.Clone(row.Detail)
	return row
}

// Record implements retention.Store.
func (s *Store) Record(ctx context.Context, key retention.RecordKey) (retention.RecordRow, bool, error) {
	row, found, err := s.records.Get(ctx, key)
	return own(row), found, err
}

// LockRecord implements retention.Store.
func (s *Store) LockRecord(ctx context.Context, key retention.RecordKey, _ bool) (retention.RecordRow, bool, error) {
	if err := s.locking(ctx); err != nil {
		return retention.RecordRow{}, false, err
	}
	return s.Record(ctx, key)
}

// PutRecord implements retention.Store.
func (s *Store) PutRecord(ctx context.Context, row retention.RecordRow) error {
	return replace(ctx, s.db, s.records, row.RecordKey, own(row))
}

// DeleteRecord implements retention.Store.
func (s *Store) DeleteRecord(ctx context.Context, key retention.RecordKey) error {
	deleted, err := s.records.Delete(ctx, key)
	if err == nil && !deleted {
		err = errNothing
	}
	return err
}

// WakeHeld implements retention.Store.
func (s *Store) WakeHeld(ctx context.Context, tenant troth.Tenant, at int64) (n int, err error) {
	err = s.db.Atomically(ctx, func(ctx context.Context) error {
		rows, err := s.records.Scan(ctx, nil, 0, func(k retention.RecordKey, row retention.RecordRow) bool {
			return k.Tenant == tenant && row.Held
		})
		for _, r := range rows {
			r.Value.DueAt, r.Value.Held = at, false
			if err := s.records.Put(ctx, r.Key, r.Value); err != nil {
				return err
			}
		}
		n = len(rows)
		return err
	})
	return n, err
}

// find returns records in an order, at most limit.
func (s *Store) find(ctx context.Context, limit int, keep func(row retention.RecordRow) bool, order func(a, b retention.RecordRow) int) ([]retention.RecordRow, error) {
	rows, err := s.records.Scan(ctx, nil, 0, func(_ retention.RecordKey, row retention.RecordRow) bool { return keep(row) })
	if err != nil {
		return nil, err
	}
	all := values(rows)
	slices.SortStableFunc(all, order)
	return all[:min(len(all), max(limit, 0))], nil
}

func keys(rows []retention.RecordRow, err error) ([]retention.RecordKey, error) {
	var all []retention.RecordKey
	for _, row := range rows {
		all = append(all, row.RecordKey)
	}
	return all, err
}

// CutRecords implements retention.SystemStore.
func (s *Store) CutRecords(ctx context.Context, c retention.Cut, limit int) ([]retention.RecordKey, error) {
	return keys(s.find(ctx, limit, func(row retention.RecordRow) bool {
		return isCut(&row, c)
	}, func(a, b retention.RecordRow) int { return cmp.Compare(a.Since, b.Since) }))
}

// DueRecords implements retention.SystemStore.
func (s *Store) DueRecords(ctx context.Context, at int64, limit int) ([]retention.RecordKey, error) {
	return keys(s.find(ctx, limit, func(row retention.RecordRow) bool { return row.DueAt != 0 && row.DueAt <= at },
		func(a, b retention.RecordRow) int { return cmp.Compare(a.DueAt, b.DueAt) }))
}

// StaleRecords implements retention.SystemStore.
func (s *Store) StaleRecords(ctx context.Context, below uint32, limit int) ([]retention.RecordKey, error) {
	return keys(s.find(ctx, limit, func(row retention.RecordRow) bool { return row.DueAt != 0 && row.Policy < below },
		func(a, b retention.RecordRow) int { return cmp.Compare(a.Policy, b.Policy) }))
}

// FailingRecords implements retention.SystemStore.
func (s *Store) FailingRecords(ctx context.Context, limit int) ([]retention.RecordRow, error) {
	rows, err := s.find(ctx, limit, func(row retention.RecordRow) bool { return row.Tries > 0 },
		func(a, b retention.RecordRow) int { return cmp.Compare(b.Tries, a.Tries) })
	for i := range rows {
		rows[i] = own(rows[i])
	}
	return rows, err
}

// CountRecords implements retention.SystemStore.
func (s *Store) CountRecords(ctx context.Context, c retention.Count) (int64, error) {
	rows, err := s.records.Scan(ctx, nil, 0, func(_ retention.RecordKey, row retention.RecordRow) bool {
		return row.Class == c.Class && (c.Stage == "" || row.Stage == c.Stage) && (c.Cohort == 0 || row.Cohort == c.Cohort) &&
			(c.From.IsZero() || row.Since > c.From.UnixMicro()) && (c.To.IsZero() || row.Since <= c.To.UnixMicro())
	})
	n := int64(len(rows))
	if c.Limit > 0 {
		n = min(n, c.Limit)
	}
	return n, err
}
