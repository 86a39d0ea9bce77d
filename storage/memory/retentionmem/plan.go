package retentionmem

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/retention"
	"github.com/trothdev/troth/storage/memory"
)

type planKey struct {
	tenant troth.Tenant
	hash   [32]byte
}

// nameKey is a tenant and an id.
type nameKey = holdKey

func compareNames(a, b nameKey) int {
	return cmp.Or(cmp.Compare(a.tenant, b.tenant), strings.Compare(a.id, b.id))
}

func comparePlans(a, b planKey) int {
	return cmp.Or(cmp.Compare(a.tenant, b.tenant), bytes.Compare(a.hash[:], b.hash[:]))
}

func ownPlan(row retention.PlanRow) retention.PlanRow {
	row.Text, row.Proposer, row.Spent = slices.Clone(row.Text), slices.Clone(row.Proposer), slices.Clone(row.Spent)
	row.MAC = slices.Clone(row.MAC)
	return row
}

// InsertPlan implements retention.Store.
func (s *Store) InsertPlan(ctx context.Context, row retention.PlanRow) (bool, error) {
	return s.plans.Insert(ctx, planKey{row.Tenant, row.Hash}, ownPlan(row))
}

// PutPlan implements retention.Store.
func (s *Store) PutPlan(ctx context.Context, row retention.PlanRow) error {
	return replace(ctx, s.db, s.plans, planKey{row.Tenant, row.Hash}, ownPlan(row))
}

// LockPlan implements retention.Store.
func (s *Store) LockPlan(ctx context.Context, tenant troth.Tenant, hash [32]byte, _ bool) (retention.PlanRow, bool, error) {
	if err := s.locking(ctx); err != nil {
		return retention.PlanRow{}, false, err
	}
	row, found, err := s.plans.Get(ctx, planKey{tenant, hash})
	return ownPlan(row), found, err
}

// OpenPlans implements retention.Store.
func (s *Store) OpenPlans(ctx context.Context, tenant troth.Tenant) ([]retention.PlanRow, error) {
	rows, err := s.plans.Scan(ctx, nil, 0, func(k planKey, row retention.PlanRow) bool {
		return k.tenant == tenant && row.EndedAt == 0
	})
	all := values(rows)
	for i := range all {
		all[i] = ownPlan(all[i])
	}
	return all, err
}

// LockAllowance implements retention.Store.
func (s *Store) LockAllowance(ctx context.Context, tenant troth.Tenant, id string, _ bool) (row retention.AllowanceRow, found bool, err error) {
	if err := s.locking(ctx); err != nil {
		return row, false, err
	}
	if _, err := s.allowances.Insert(ctx, nameKey{tenant, id}, retention.AllowanceRow{Tenant: tenant, ID: id}); err != nil {
		return row, false, err
	}
	return s.allowances.Get(ctx, nameKey{tenant, id})
}

// PutAllowance implements retention.Store.
func (s *Store) PutAllowance(ctx context.Context, row retention.AllowanceRow) error {
	return replace(ctx, s.db, s.allowances, nameKey{row.Tenant, row.ID}, row)
}

// Allowances implements retention.Store.
func (s *Store) Allowances(ctx context.Context, tenant troth.Tenant) ([]retention.AllowanceRow, error) {
	return listOf(s.allowances.Scan(ctx, nil, 0, func(k nameKey, _ retention.AllowanceRow) bool { return k.tenant == tenant }))
}

// InsertStop implements retention.Store.
func (s *Store) InsertStop(ctx context.Context, row retention.StopRow) (bool, error) {
	return s.stops.Insert(ctx, nameKey{row.Tenant, row.ID}, row)
}

// PutStop implements retention.Store.
func (s *Store) PutStop(ctx context.Context, row retention.StopRow) error {
	return replace(ctx, s.db, s.stops, nameKey{row.Tenant, row.ID}, row)
}

// ActiveStops implements retention.Store.
func (s *Store) ActiveStops(ctx context.Context, tenant troth.Tenant) ([]retention.StopRow, error) {
	return listOf(s.stops.Scan(ctx, nil, 0, func(k nameKey, row retention.StopRow) bool {
		return k.tenant == tenant && row.LiftedAt == 0
	}))
}

func listOf[K comparable, V any](rows []memory.Row[K, V], err error) ([]V, error) {
	return values(rows), err
}

// SurveyRecords implements retention.SystemStore.
func (s *Store) SurveyRecords(ctx context.Context, v retention.Survey, limit int) ([]retention.RecordRow, error) {
	within, place := surveyed(&v)
	order := func(a, b retention.RecordRow) int {
		return cmp.Or(cmp.Compare(place(a), place(b)), compareKeys(a.RecordKey, b.RecordKey))
	}
	rows, err := s.find(ctx, limit, func(row retention.RecordRow) bool {
		return within(row) && (v.After == nil || order(row, *v.After) > 0)
	}, order)
	for i := range rows {
		rows[i] = own(rows[i])
	}
	return rows, err
}

// surveyed says which rows a survey asks for, and by what they are ordered before their
// keys.
func surveyed(v *retention.Survey) (within func(row retention.RecordRow) bool, place func(row retention.RecordRow) int64) {
	switch v.Kind {
	case retention.SurveyCut:
		return func(row retention.RecordRow) bool { return isCut(&row, v.Cut) }, func(row retention.RecordRow) int64 { return row.Since }
	case retention.SurveyDue:
		return func(row retention.RecordRow) bool { return row.DueAt != 0 && row.DueAt <= v.At },
			func(row retention.RecordRow) int64 { return row.DueAt }
	case retention.SurveyStale:
		return func(row retention.RecordRow) bool { return row.DueAt != 0 && row.Policy < v.Below },
			func(row retention.RecordRow) int64 { return int64(row.Policy) }
	case retention.SurveyWaiting:
		return func(row retention.RecordRow) bool { return row.DueAt == retention.Waiting && row.Class == v.Class },
			func(retention.RecordRow) int64 { return 0 }
	}
	return func(retention.RecordRow) bool { return false }, func(retention.RecordRow) int64 { return 0 }
}

func isCut(row *retention.RecordRow, c retention.Cut) bool {
	return row.DueAt == 0 && row.Class == c.Class && row.Stage == c.Stage && row.Cohort == c.Cohort && row.Since <= c.Anchor.UnixMicro()
}
