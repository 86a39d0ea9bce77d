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

func (s *store) CutRecords(ctx context.Context, c retention.Cut, limit int) ([]retention.RecordKey, error) {
	return faultstore.Do(ctx, s.p, "CutRecords", func() ([]retention.RecordKey, error) { return s.s.CutRecords(ctx, c, limit) })
}

func (s *store) DueRecords(ctx context.Context, at int64, limit int) ([]retention.RecordKey, error) {
	return faultstore.Do(ctx, s.p, "DueRecords", func() ([]retention.RecordKey, error) { return s.s.DueRecords(ctx, at, limit) })
}

func (s *store) StaleRecords(ctx context.Context, below uint32, limit int) ([]retention.RecordKey, error) {
	return faultstore.Do(ctx, s.p, "StaleRecords", func() ([]retention.RecordKey, error) { return s.s.StaleRecords(ctx, below, limit) })
}

func (s *store) FailingRecords(ctx context.Context, limit int) ([]retention.RecordRow, error) {
	return faultstore.Do(ctx, s.p, "FailingRecords", func() ([]retention.RecordRow, error) { return s.s.FailingRecords(ctx, limit) })
}

func (s *store) CountRecords(ctx context.Context, c retention.Count) (int64, error) {
	return faultstore.Do(ctx, s.p, "CountRecords", func() (int64, error) { return s.s.CountRecords(ctx, c) })
}

func (s *store) InsertControl(ctx context.Context, row retention.ControlRow) (bool, error) {
	return faultstore.Do(ctx, s.p, "InsertControl", func() (bool, error) { return s.s.InsertControl(ctx, row) })
}

func (s *store) PutControl(ctx context.Context, row retention.ControlRow) error {
	return faultstore.Run(ctx, s.p, "PutControl", func() error { return s.s.PutControl(ctx, row) })
}

func (s *store) Control(ctx context.Context, key retention.ControlKey) (retention.ControlRow, bool, error) {
	r, err := faultstore.Do(ctx, s.p, "Control", func() (r found[retention.ControlRow], err error) {
		r.row, r.found, err = s.s.Control(ctx, key)
		return r, err
	})
	return r.row, r.found, err
}

func (s *store) LockControl(ctx context.Context, key retention.ControlKey) (retention.ControlRow, bool, error) {
	r, err := faultstore.Do(ctx, s.p, "LockControl", func() (r found[retention.ControlRow], err error) {
		r.row, r.found, err = s.s.LockControl(ctx, key)
		return r, err
	})
	return r.row, r.found, err
}

func (s *store) OpenControls(ctx context.Context, tenant troth.Tenant, kind string) ([]retention.ControlRow, error) {
	return faultstore.Do(ctx, s.p, "OpenControls", func() ([]retention.ControlRow, error) { return s.s.OpenControls(ctx, tenant, kind) })
}

func (s *store) Controls(ctx context.Context, after retention.ControlKey, limit int) ([]retention.ControlRow, error) {
	return faultstore.Do(ctx, s.p, "Controls", func() ([]retention.ControlRow, error) { return s.s.Controls(ctx, after, limit) })
}

func (s *store) SubjectRecords(ctx context.Context, after retention.RecordKey, subjectID string, limit int) ([]retention.RecordRow, error) {
	return faultstore.Do(ctx, s.p, "SubjectRecords", func() ([]retention.RecordRow, error) {
		return s.s.SubjectRecords(ctx, after, subjectID, limit)
	})
}

func (s *store) DueControls(ctx context.Context, kind string, at int64, limit int) ([]retention.ControlRow, error) {
	return faultstore.Do(ctx, s.p, "DueControls", func() ([]retention.ControlRow, error) { return s.s.DueControls(ctx, kind, at, limit) })
}

func (s *store) HoldsToReview(ctx context.Context, at int64, limit int) ([]retention.HoldRow, error) {
	return faultstore.Do(ctx, s.p, "HoldsToReview", func() ([]retention.HoldRow, error) { return s.s.HoldsToReview(ctx, at, limit) })
}
