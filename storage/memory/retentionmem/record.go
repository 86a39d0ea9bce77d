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

// places returns the places of records that are kept, in the order of what at gives, behind
// one, at most limit.
func (s *Store) places(ctx context.Context, after retention.Place, limit int, at func(row retention.RecordRow) int64, keep func(row retention.RecordRow) bool) ([]retention.Place, error) {
	var all []retention.Place
	_, err := s.records.Scan(ctx, nil, 0, func(k retention.RecordKey, row retention.RecordRow) bool {
		if p := (retention.Place{At: at(row), RecordKey: k}); keep(row) && (after == retention.Place{} || comparePlaces(p, after) > 0) {
			all = append(all, p)
		}
		return false
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(all, comparePlaces)
	return all[:min(len(all), max(limit, 0))], nil
}

func comparePlaces(a, b retention.Place) int {
	return cmp.Or(cmp.Compare(a.At, b.At), compareKeys(a.RecordKey, b.RecordKey))
}

// CutRecords implements retention.SystemStore.
func (s *Store) CutRecords(ctx context.Context, c retention.Cut, after retention.Place, limit int) ([]retention.Place, error) {
	since := func(row retention.RecordRow) int64 { return row.Since }
	return s.places(ctx, after, limit, since, func(row retention.RecordRow) bool {
		return isCut(&row, c)
	})
}

// DueRecords implements retention.SystemStore.
func (s *Store) DueRecords(ctx context.Context, at int64, after retention.Place, limit int) ([]retention.Place, error) {
	due := func(row retention.RecordRow) int64 { return row.DueAt }
	return s.places(ctx, after, limit, due, func(row retention.RecordRow) bool { return row.DueAt != 0 && row.DueAt <= at })
}

// StaleRecords implements retention.SystemStore.
func (s *Store) StaleRecords(ctx context.Context, below uint32, after retention.Place, limit int) ([]retention.Place, error) {
	version := func(row retention.RecordRow) int64 { return int64(row.Policy) }
	return s.places(ctx, after, limit, version, func(row retention.RecordRow) bool { return row.DueAt != 0 && row.Policy < below })
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
