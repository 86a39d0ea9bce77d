// Package retentionfault puts a plan of faults between the retention keeper and its
// Store.
package retentionfault

import (
	"context"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/retention"
	"github.com/trothdev/troth/storage/faultstore"
)

// New returns s under the plan; it gives out tx as its transactor, which is the
// store's own or [faultstore.Transactor] of it.
func New(s retention.Backend, tx troth.Transactor, p *faultstore.Plan) retention.Backend {
	return &store{s: s, tx: tx, p: p}
}

type store struct {
	s  retention.Backend
	tx troth.Transactor
	p  *faultstore.Plan
}

// found is what reads of one row return beside the error.
type found[T any] struct {
	row   T
	found bool
}

func (s *store) Transactor() troth.Transactor { return s.tx }

func (s *store) LockTenant(ctx context.Context, tenant troth.Tenant, alone bool) error {
	return faultstore.Run(ctx, s.p, "LockTenant", func() error { return s.s.LockTenant(ctx, tenant, alone) })
}

func (s *store) InsertPolicy(ctx context.Context, row retention.PolicyRow) (bool, error) {
	return faultstore.Do(ctx, s.p, "InsertPolicy", func() (bool, error) { return s.s.InsertPolicy(ctx, row) })
}

func (s *store) Policies(ctx context.Context, tenant troth.Tenant, above uint32) ([]retention.PolicyRow, error) {
	return faultstore.Do(ctx, s.p, "Policies", func() ([]retention.PolicyRow, error) { return s.s.Policies(ctx, tenant, above) })
}

func (s *store) InsertRecord(ctx context.Context, row retention.RecordRow) (bool, error) {
	return faultstore.Do(ctx, s.p, "InsertRecord", func() (bool, error) { return s.s.InsertRecord(ctx, row) })
}

func (s *store) Record(ctx context.Context, key retention.RecordKey) (retention.RecordRow, bool, error) {
	r, err := faultstore.Do(ctx, s.p, "Record", func() (r found[retention.RecordRow], err error) {
		r.row, r.found, err = s.s.Record(ctx, key)
		return r, err
	})
	return r.row, r.found, err
}

func (s *store) LockRecord(ctx context.Context, key retention.RecordKey, wait bool) (retention.RecordRow, bool, error) {
	r, err := faultstore.Do(ctx, s.p, "LockRecord", func() (r found[retention.RecordRow], err error) {
		r.row, r.found, err = s.s.LockRecord(ctx, key, wait)
		return r, err
	})
	return r.row, r.found, err
}

func (s *store) PutRecord(ctx context.Context, row retention.RecordRow) error {
	return faultstore.Run(ctx, s.p, "PutRecord", func() error { return s.s.PutRecord(ctx, row) })
}

func (s *store) DeleteRecord(ctx context.Context, key retention.RecordKey) error {
	return faultstore.Run(ctx, s.p, "DeleteRecord", func() error { return s.s.DeleteRecord(ctx, key) })
}

func (s *store) WakeHeld(ctx context.Context, tenant troth.Tenant, at int64) (int, error) {
	return faultstore.Do(ctx, s.p, "WakeHeld", func() (int, error) { return s.s.WakeHeld(ctx, tenant, at) })
}

func (s *store) InsertHold(ctx context.Context, row retention.HoldRow) (bool, error) {
	return faultstore.Do(ctx, s.p, "InsertHold", func() (bool, error) { return s.s.InsertHold(ctx, row) })
}

func (s *store) PutHold(ctx context.Context, row retention.HoldRow) error {
	return faultstore.Run(ctx, s.p, "PutHold", func() error { return s.s.PutHold(ctx, row) })
}

func (s *store) Hold(ctx context.Context, tenant troth.Tenant, id string) (retention.HoldRow, bool, error) {
	r, err := faultstore.Do(ctx, s.p, "Hold", func() (r found[retention.HoldRow], err error) {
		r.row, r.found, err = s.s.Hold(ctx, tenant, id)
		return r, err
	})
	return r.row, r.found, err
}

func (s *store) ActiveHolds(ctx context.Context, tenant troth.Tenant) ([]retention.HoldRow, error) {
	return faultstore.Do(ctx, s.p, "ActiveHolds", func() ([]retention.HoldRow, error) { return s.s.ActiveHolds(ctx, tenant) })
}

func (s *store) CutRecords(ctx context.Context, c retention.Cut, after retention.Place, limit int) ([]retention.Place, error) {
	return faultstore.Do(ctx, s.p, "CutRecords", func() ([]retention.Place, error) { return s.s.CutRecords(ctx, c, after, limit) })
}

func (s *store) DueRecords(ctx context.Context, at int64, after retention.Place, limit int) ([]retention.Place, error) {
	return faultstore.Do(ctx, s.p, "DueRecords", func() ([]retention.Place, error) { return s.s.DueRecords(ctx, at, after, limit) })
}

func (s *store) StaleRecords(ctx context.Context, below uint32, after retention.Place, limit int) ([]retention.Place, error) {
	return faultstore.Do(ctx, s.p, "StaleRecords", func() ([]retention.Place, error) { return s.s.StaleRecords(ctx, below, after, limit) })
}

func (s *store) FailingRecords(ctx context.Context, limit int) ([]retention.RecordRow, error) {
	return faultstore.Do(ctx, s.p, "FailingRecords", func() ([]retention.RecordRow, error) { return s.s.FailingRecords(ctx, limit) })
}

func (s *store) CountRecords(ctx context.Context, c retention.Count) (int64, error) {
	return faultstore.Do(ctx, s.p, "CountRecords", func() (int64, error) { return s.s.CountRecords(ctx, c) })
}

func (s *store) InsertPlan(ctx context.Context, row retention.PlanRow) (bool, error) {
	return faultstore.Do(ctx, s.p, "InsertPlan", func() (bool, error) { return s.s.InsertPlan(ctx, row) })
}

func (s *store) PutPlan(ctx context.Context, row retention.PlanRow) error {
	return faultstore.Run(ctx, s.p, "PutPlan", func() error { return s.s.PutPlan(ctx, row) })
}

func (s *store) LockPlan(ctx context.Context, tenant troth.Tenant, hash [32]byte, wait bool) (retention.PlanRow, bool, error) {
	r, err := faultstore.Do(ctx, s.p, "LockPlan", func() (r found[retention.PlanRow], err error) {
		r.row, r.found, err = s.s.LockPlan(ctx, tenant, hash, wait)
		return r, err
	})
	return r.row, r.found, err
}

func (s *store) OpenPlans(ctx context.Context, tenant troth.Tenant) ([]retention.PlanRow, error) {
	return faultstore.Do(ctx, s.p, "OpenPlans", func() ([]retention.PlanRow, error) { return s.s.OpenPlans(ctx, tenant) })
}

func (s *store) LockAllowance(ctx context.Context, tenant troth.Tenant, id string, wait bool) (retention.AllowanceRow, bool, error) {
	r, err := faultstore.Do(ctx, s.p, "LockAllowance", func() (r found[retention.AllowanceRow], err error) {
		r.row, r.found, err = s.s.LockAllowance(ctx, tenant, id, wait)
		return r, err
	})
	return r.row, r.found, err
}

func (s *store) PutAllowance(ctx context.Context, row retention.AllowanceRow) error {
	return faultstore.Run(ctx, s.p, "PutAllowance", func() error { return s.s.PutAllowance(ctx, row) })
}

func (s *store) Allowances(ctx context.Context, tenant troth.Tenant) ([]retention.AllowanceRow, error) {
	return faultstore.Do(ctx, s.p, "Allowances", func() ([]retention.AllowanceRow, error) { return s.s.Allowances(ctx, tenant) })
}

func (s *store) InsertStop(ctx context.Context, row retention.StopRow) (bool, error) {
	return faultstore.Do(ctx, s.p, "InsertStop", func() (bool, error) { return s.s.InsertStop(ctx, row) })
}

func (s *store) PutStop(ctx context.Context, row retention.StopRow) error {
	return faultstore.Run(ctx, s.p, "PutStop", func() error { return s.s.PutStop(ctx, row) })
}

func (s *store) ActiveStops(ctx context.Context, tenant troth.Tenant) ([]retention.StopRow, error) {
	return faultstore.Do(ctx, s.p, "ActiveStops", func() ([]retention.StopRow, error) { return s.s.ActiveStops(ctx, tenant) })
}

func (s *store) SurveyRecords(ctx context.Context, v retention.Survey, limit int) ([]retention.RecordRow, error) {
	return faultstore.Do(ctx, s.p, "SurveyRecords", func() ([]retention.RecordRow, error) { return s.s.SurveyRecords(ctx, v, limit) })
}

func (s *store) InsertWarrant(ctx context.Context, row retention.WarrantRow) error {
	return faultstore.Run(ctx, s.p, "InsertWarrant", func() error { return s.s.InsertWarrant(ctx, row) })
}

func (s *store) LockWarrant(ctx context.Context, key retention.WarrantKey, wait bool) (retention.WarrantRow, bool, error) {
	r, err := faultstore.Do(ctx, s.p, "LockWarrant", func() (r found[retention.WarrantRow], err error) {
		r.row, r.found, err = s.s.LockWarrant(ctx, key, wait)
		return r, err
	})
	return r.row, r.found, err
}

func (s *store) PutWarrant(ctx context.Context, row retention.WarrantRow) error {
	return faultstore.Run(ctx, s.p, "PutWarrant", func() error { return s.s.PutWarrant(ctx, row) })
}

func (s *store) DeleteWarrant(ctx context.Context, key retention.WarrantKey) error {
	return faultstore.Run(ctx, s.p, "DeleteWarrant", func() error { return s.s.DeleteWarrant(ctx, key) })
}

func (s *store) WarrantsOf(ctx context.Context, tenant troth.Tenant, handle string) ([]retention.WarrantRow, error) {
	return faultstore.Do(ctx, s.p, "WarrantsOf", func() ([]retention.WarrantRow, error) { return s.s.WarrantsOf(ctx, tenant, handle) })
}

func (s *store) Warrants(ctx context.Context, q retention.WarrantQuery) ([]retention.WarrantRow, error) {
	return faultstore.Do(ctx, s.p, "Warrants", func() ([]retention.WarrantRow, error) { return s.s.Warrants(ctx, q) })
}

func (s *store) AddTally(ctx context.Context, row retention.TallyRow) error {
	return faultstore.Run(ctx, s.p, "AddTally", func() error { return s.s.AddTally(ctx, row) })
}

func (s *store) Tallies(ctx context.Context, tenant troth.Tenant, since int64) ([]retention.TallyRow, error) {
	return faultstore.Do(ctx, s.p, "Tallies", func() ([]retention.TallyRow, error) { return s.s.Tallies(ctx, tenant, since) })
}

func (s *store) PutLateness(ctx context.Context, row retention.LatenessRow) error {
	return faultstore.Run(ctx, s.p, "PutLateness", func() error { return s.s.PutLateness(ctx, row) })
}

func (s *store) Lateness(ctx context.Context, tenant troth.Tenant) ([]retention.LatenessRow, error) {
	return faultstore.Do(ctx, s.p, "Lateness", func() ([]retention.LatenessRow, error) { return s.s.Lateness(ctx, tenant) })
}

func (s *store) DueWarrants(ctx context.Context, at int64, limit int) ([]retention.WarrantKey, error) {
	return faultstore.Do(ctx, s.p, "DueWarrants", func() ([]retention.WarrantKey, error) { return s.s.DueWarrants(ctx, at, limit) })
}

func (s *store) WaitingWarrants(ctx context.Context, limit int) ([]retention.WarrantRow, error) {
	return faultstore.Do(ctx, s.p, "WaitingWarrants", func() ([]retention.WarrantRow, error) { return s.s.WaitingWarrants(ctx, limit) })
}
