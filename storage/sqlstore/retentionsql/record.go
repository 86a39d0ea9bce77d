package retentionsql

import (
	"context"
	"math"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/retention"
	"github.com/trothdev/troth/storage/sqlstore"
	"github.com/trothdev/troth/storage/sqlstore/internal/statement"
)

func scanRecord(rows *sqlstore.Rows) (r retention.RecordRow, err error) {
	var tenant, visible string
	var cohort, policy, held, tries int64
	err = rows.Scan(&tenant, &r.Type, &r.ID, &r.Handle, &r.Class, &r.Stage, &cohort, &r.Since, &r.EndBy, &visible,
		&r.SubjectID, &r.Created, &r.DueAt, &policy, &held, &r.Version, &tries, &r.AccountID, &r.Purpose, &r.Detail)
	if err != nil {
		return r, err
	}
	r.Tenant, r.Visible, r.Held = troth.Tenant(tenant), retention.Visibility(visible), held != 0
	if !statement.Small(cohort, &r.Cohort) || !statement.Small(policy, &r.Policy) || !statement.Small(tries, &r.Tries) || len(r.Detail) > retention.MaxDetail {
		return retention.RecordRow{}, retention.ErrRecord
	}
	return r, nil
}

func scanPlace(rows *sqlstore.Rows) (p retention.Place, err error) {
	var tenant string
	err = rows.Scan(&p.At, &tenant, &p.Type, &p.ID)
	p.Tenant = troth.Tenant(tenant)
	return p, err
}

func placeOf(k retention.RecordKey) []any { return []any{string(k.Tenant), k.Type, k.ID} }

func restOf(r *retention.RecordRow) []any {
	held := int64(0)
	if r.Held {
		held = 1
	}
	detail := r.Detail
	if detail == nil {
		detail = []byte{}
	}
	return []any{
		r.Handle, r.Class, r.Stage, int64(r.Cohort), r.Since, r.EndBy, string(r.Visible), r.SubjectID, r.Created,
		r.DueAt, int64(r.Policy), held, r.Version, int64(r.Tries), r.AccountID, r.Purpose, detail,
	}
}

// InsertRecord implements retention.Store.
func (s *Store) InsertRecord(ctx context.Context, row retention.RecordRow) (bool, error) {
	return s.db.Affects(ctx, s.q.insertRecord, append(placeOf(row.RecordKey), restOf(&row)...)...)
}

// Record implements retention.Store.
func (s *Store) Record(ctx context.Context, key retention.RecordKey) (retention.RecordRow, bool, error) {
	return statement.One(ctx, s.db, scanRecord, s.q.record, placeOf(key)...)
}

// LockRecord implements retention.Store.
func (s *Store) LockRecord(ctx context.Context, key retention.RecordKey, wait bool) (retention.RecordRow, bool, error) {
	if err := s.db.Locking(ctx); err != nil {
		return retention.RecordRow{}, false, err
	}
	text := s.q.tryRecord
	if wait {
		text = s.q.lockRecord
	}
	return statement.One(ctx, s.db, scanRecord, text, placeOf(key)...)
}

// PutRecord implements retention.Store.
func (s *Store) PutRecord(ctx context.Context, row retention.RecordRow) error {
	return s.db.Must(ctx, s.q.putRecord, append(restOf(&row), placeOf(row.RecordKey)...)...)
}

// DeleteRecord implements retention.Store.
func (s *Store) DeleteRecord(ctx context.Context, key retention.RecordKey) error {
	return s.db.Must(ctx, s.q.deleteRecord, placeOf(key)...)
}

// WakeHeld implements retention.Store.
func (s *Store) WakeHeld(ctx context.Context, tenant troth.Tenant, at int64) (int, error) {
	return s.db.Exec(ctx, s.q.wakeHeld, at, string(tenant))
}

// behind are the arguments of a search that goes on behind a place.
func behind(p retention.Place, limit int) []any {
	if p == (retention.Place{}) {
		p.At = math.MinInt64
	}
	return []any{p.At, string(p.Tenant), p.Type, p.ID, limit}
}

// CutRecords implements retention.SystemStore.
func (s *Store) CutRecords(ctx context.Context, c retention.Cut, after retention.Place, limit int) ([]retention.Place, error) {
	return statement.Query(ctx, s.db, scanPlace, s.q.cut, append([]any{c.Class, c.Stage, int64(c.Cohort), c.Anchor.UnixMicro()}, behind(after, limit)...)...)
}

// DueRecords implements retention.SystemStore.
func (s *Store) DueRecords(ctx context.Context, at int64, after retention.Place, limit int) ([]retention.Place, error) {
	return statement.Query(ctx, s.db, scanPlace, s.q.due, append([]any{at}, behind(after, limit)...)...)
}

// StaleRecords implements retention.SystemStore.
func (s *Store) StaleRecords(ctx context.Context, below uint32, after retention.Place, limit int) ([]retention.Place, error) {
	return statement.Query(ctx, s.db, scanPlace, s.q.stale, append([]any{int64(below)}, behind(after, limit)...)...)
}

// FailingRecords implements retention.SystemStore.
func (s *Store) FailingRecords(ctx context.Context, limit int) ([]retention.RecordRow, error) {
	return statement.Query(ctx, s.db, scanRecord, s.q.failing, limit)
}

// CountRecords implements retention.SystemStore.
func (s *Store) CountRecords(ctx context.Context, c retention.Count) (int64, error) {
	from, to := int64(math.MinInt64), int64(math.MaxInt64)
	if !c.From.IsZero() {
		from = c.From.UnixMicro()
	}
	if !c.To.IsZero() {
		to = c.To.UnixMicro()
	}
	limit := int64(math.MaxInt64)
	if c.Limit > 0 {
		limit = c.Limit
	}
	n, args := 0, []any{c.Class}
	if c.Stage != "" {
		n, args = n|1, append(args, c.Stage)
	}
	if c.Cohort != 0 {
		n, args = n|2, append(args, int64(c.Cohort))
	}
	args = append(args, from, to, limit)
	sums, err := statement.Query(ctx, s.db, scanNumber, s.q.count[n], append(args, args...)...) // it counts as many as there are
	if err != nil || len(sums) == 0 {
		return 0, err
	}
	return min(sums[0], limit), nil
}
