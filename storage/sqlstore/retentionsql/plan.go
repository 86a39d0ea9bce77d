package retentionsql

import (
	"context"
	"strconv"
	"strings"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/retention"
	"github.com/trothdev/troth/storage/sqlstore"
	"github.com/trothdev/troth/storage/sqlstore/internal/statement"
)

func scanPlan(rows *sqlstore.Rows) (p retention.PlanRow, err error) {
	var tenant, spent string
	var hash []byte
	if err = rows.Scan(&tenant, &hash, &p.Text, &p.ProposedAt, &p.Proposer, &p.ApprovedAt, &spent, &p.EndedAt, &p.MAC); err != nil {
		return p, err
	}
	p.Tenant = troth.Tenant(tenant)
	if len(p.MAC) == 0 {
		p.MAC = nil
	}
	if p.Spent, err = numbers(spent); err != nil || len(hash) != len(p.Hash) || len(p.MAC) > maxMAC {
		return retention.PlanRow{}, retention.ErrRecord
	}
	copy(p.Hash[:], hash)
	return p, nil
}

// numbers reads a list of numbers; an empty text is none.
func numbers(text string) (list []int64, err error) {
	for part := range strings.SplitSeq(text, ",") {
		if text == "" {
			return nil, nil
		}
		n, err := strconv.ParseInt(part, 10, 64)
		if err != nil {
			return nil, err
		}
		list = append(list, n)
	}
	return list, nil
}

func listed(numbers []int64) string {
	var b []byte
	for i, n := range numbers {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(b, n, 10)
	}
	return string(b)
}

func planRest(p *retention.PlanRow) []any {
	var proposer any
	if p.Proposer != nil {
		proposer = p.Proposer
	}
	return []any{p.Text, p.ProposedAt, proposer, p.ApprovedAt, listed(p.Spent), p.EndedAt, filled(p.MAC)}
}

// InsertPlan implements retention.Store.
func (s *Store) InsertPlan(ctx context.Context, row retention.PlanRow) (bool, error) {
	return s.db.Affects(ctx, s.q.insertPlan, append([]any{string(row.Tenant), row.Hash[:]}, planRest(&row)...)...)
}

// PutPlan implements retention.Store.
func (s *Store) PutPlan(ctx context.Context, row retention.PlanRow) error {
	return s.db.Must(ctx, s.q.putPlan, append(planRest(&row), string(row.Tenant), row.Hash[:])...)
}

// LockPlan implements retention.Store.
func (s *Store) LockPlan(ctx context.Context, tenant troth.Tenant, hash [32]byte, wait bool) (retention.PlanRow, bool, error) {
	if err := s.db.Locking(ctx); err != nil {
		return retention.PlanRow{}, false, err
	}
	text := s.q.tryPlan
	if wait {
		text = s.q.lockPlan
	}
	return statement.One(ctx, s.db, scanPlan, text, string(tenant), hash[:])
}

// OpenPlans implements retention.Store.
func (s *Store) OpenPlans(ctx context.Context, tenant troth.Tenant) ([]retention.PlanRow, error) {
	return statement.Query(ctx, s.db, scanPlan, s.q.openPlans, string(tenant))
}

func scanAllowance(rows *sqlstore.Rows) (a retention.AllowanceRow, err error) {
	var tenant string
	err = rows.Scan(&tenant, &a.ID, &a.Since, &a.Spent, &a.Old, &a.Stored, &a.ClosedAt)
	a.Tenant = troth.Tenant(tenant)
	return a, err
}

// LockAllowance implements retention.Store.
func (s *Store) LockAllowance(ctx context.Context, tenant troth.Tenant, id string, wait bool) (row retention.AllowanceRow, found bool, err error) {
	if err := s.db.Locking(ctx); err != nil {
		return row, false, err
	}
	text := s.q.tryAllowance
	if wait {
		text = s.q.lockAllowance
	}
	// Most are there, and an insert waits for whoever makes the same row.
	if _, there, err := statement.One(ctx, s.db, scanAllowance, s.q.allowance, string(tenant), id); err != nil {
		return row, false, err
	} else if !there {
		if _, err := s.db.Exec(ctx, s.q.insertAllowance, string(tenant), id); err != nil {
			return row, false, err
		}
	}
	return statement.One(ctx, s.db, scanAllowance, text, string(tenant), id)
}

// PutAllowance implements retention.Store.
func (s *Store) PutAllowance(ctx context.Context, row retention.AllowanceRow) error {
	return s.db.Must(ctx, s.q.putAllowance, row.Since, row.Spent, row.Old, row.Stored, row.ClosedAt, string(row.Tenant), row.ID)
}

// Allowances implements retention.Store.
func (s *Store) Allowances(ctx context.Context, tenant troth.Tenant) ([]retention.AllowanceRow, error) {
	return statement.Query(ctx, s.db, scanAllowance, s.q.allowances, string(tenant))
}

func scanStop(rows *sqlstore.Rows) (r retention.StopRow, err error) {
	var tenant string
	err = rows.Scan(&tenant, &r.ID, &r.PlacedAt, &r.LiftedAt)
	r.Tenant = troth.Tenant(tenant)
	return r, err
}

// InsertStop implements retention.Store.
func (s *Store) InsertStop(ctx context.Context, row retention.StopRow) (bool, error) {
	return s.db.Affects(ctx, s.q.insertStop, string(row.Tenant), row.ID, row.PlacedAt, row.LiftedAt)
}

// PutStop implements retention.Store.
func (s *Store) PutStop(ctx context.Context, row retention.StopRow) error {
	return s.db.Must(ctx, s.q.putStop, row.PlacedAt, row.LiftedAt, string(row.Tenant), row.ID)
}

// ActiveStops implements retention.Store.
func (s *Store) ActiveStops(ctx context.Context, tenant troth.Tenant) ([]retention.StopRow, error) {
	return statement.Query(ctx, s.db, scanStop, s.q.activeStops, string(tenant))
}

// SurveyRecords implements retention.SystemStore.
func (s *Store) SurveyRecords(ctx context.Context, v retention.Survey, limit int) ([]retention.RecordRow, error) {
	after := v.After
	if after == nil {
		after = &retention.RecordRow{Since: -1 << 63, DueAt: -1 << 63}
	}
	key := placeOf(after.RecordKey)
	switch v.Kind {
	case retention.SurveyCut:
		args := append([]any{v.Cut.Class, v.Cut.Stage, int64(v.Cut.Cohort), v.Cut.Anchor.UnixMicro(), after.Since}, key...)
		return statement.Query(ctx, s.db, scanRecord, s.q.surveyCut, append(args, limit)...)
	case retention.SurveyDue:
		return statement.Query(ctx, s.db, scanRecord, s.q.surveyDue, append(append([]any{v.At, after.DueAt}, key...), limit)...)
	case retention.SurveyStale:
		return statement.Query(ctx, s.db, scanRecord, s.q.surveyStale, append(append([]any{int64(v.Below), int64(after.Policy)}, key...), limit)...)
	case retention.SurveyWaiting:
		return statement.Query(ctx, s.db, scanRecord, s.q.surveyWaiting, append(append([]any{v.Class}, key...), limit)...)
	}
	return nil, nil
}
