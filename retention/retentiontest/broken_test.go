package retentiontest

import (
	"context"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/retention"
)

// broken is a store of which single methods can be replaced, or looked at from
// outside of the caller's transaction.
type broken struct {
	retention.Backend
	policies     func(rows []retention.PolicyRow) []retention.PolicyRow
	record       func(row retention.RecordRow, found bool) (retention.RecordRow, bool)
	putRecord    func(ctx context.Context, row retention.RecordRow) error
	deleteRecord func(ctx context.Context, key retention.RecordKey) error
	lockTenant   func(ctx context.Context, t troth.Tenant, alone bool) error
	hold         func(row retention.HoldRow) retention.HoldRow
	putHold      func(ctx context.Context, row retention.HoldRow) error
	activeHolds  func(rows []retention.HoldRow) []retention.HoldRow
	cut          func(ctx context.Context, c retention.Cut, after retention.Place, limit int) ([]retention.Place, error)
	due          func(ctx context.Context, at int64, after retention.Place, limit int) ([]retention.Place, error)
	stale        func(ctx context.Context, below uint32, after retention.Place, limit int) ([]retention.Place, error)
	failing      func(rows []retention.RecordRow) []retention.RecordRow
	count        func(c retention.Count) retention.Count
	wake         func(ctx context.Context, t troth.Tenant, at int64) (int, error)
	control      func(row retention.ControlRow) retention.ControlRow
	putControl   func(ctx context.Context, row retention.ControlRow) error
	openControls func(rows []retention.ControlRow) []retention.ControlRow
	controls     func(ctx context.Context, after retention.ControlKey, limit int) ([]retention.ControlRow, error)
	dueControls  func(ctx context.Context, kind string, at int64, limit int) ([]retention.ControlRow, error)
	toReview     func(rows []retention.HoldRow) []retention.HoldRow
	many         brokenMany
	insertPlan   func(ctx context.Context, row retention.PlanRow) (bool, error)
	putPlan      func(ctx context.Context, row retention.PlanRow) error
	lockPlan     func(ctx context.Context, t troth.Tenant, hash [32]byte, wait bool) (retention.PlanRow, bool, error)
	openPlans    func(rows []retention.PlanRow) []retention.PlanRow
	lockAllow    func(ctx context.Context, t troth.Tenant, id string, wait bool) (retention.AllowanceRow, bool, error)
	putAllow     func(ctx context.Context, row retention.AllowanceRow) error
	allowances   func(rows []retention.AllowanceRow) []retention.AllowanceRow
	stops        func(rows []retention.StopRow) []retention.StopRow
	survey       func(ctx context.Context, v retention.Survey, limit int) ([]retention.RecordRow, error)
	// ctx is what methods get in place of their own.
	ctx func(ctx context.Context) context.Context
}

func whole(s retention.Backend) *broken {
	return &broken{
		Backend:  s,
		policies: func(rows []retention.PolicyRow) []retention.PolicyRow { return rows },
		record:   func(row retention.RecordRow, found bool) (retention.RecordRow, bool) { return row, found },

		putRecord: s.PutRecord, deleteRecord: s.DeleteRecord, lockTenant: s.LockTenant,
		hold:        func(row retention.HoldRow) retention.HoldRow { return row },
		putHold:     s.PutHold,
		activeHolds: func(rows []retention.HoldRow) []retention.HoldRow { return rows },
		cut:         s.CutRecords, due: s.DueRecords, stale: s.StaleRecords,
		failing:      func(rows []retention.RecordRow) []retention.RecordRow { return rows },
		count:        func(c retention.Count) retention.Count { return c },
		wake:         s.WakeHeld,
		control:      func(row retention.ControlRow) retention.ControlRow { return row },
		putControl:   s.PutControl,
		openControls: func(rows []retention.ControlRow) []retention.ControlRow { return rows },
		controls:     s.Controls, dueControls: s.DueControls,
		toReview: func(rows []retention.HoldRow) []retention.HoldRow { return rows },
		many:     wholeMany(s),

		insertPlan: s.InsertPlan, putPlan: s.PutPlan, lockPlan: s.LockPlan,
		openPlans: func(rows []retention.PlanRow) []retention.PlanRow { return rows },
		lockAllow: s.LockAllowance, putAllow: s.PutAllowance,
		allowances: func(rows []retention.AllowanceRow) []retention.AllowanceRow { return rows },
		stops:      func(rows []retention.StopRow) []retention.StopRow { return rows },
		survey:     s.SurveyRecords,

		ctx: func(ctx context.Context) context.Context { return ctx },
	}
}

func (b *broken) Policies(ctx context.Context, t troth.Tenant, above uint32) ([]retention.PolicyRow, error) {
	rows, err := b.Backend.Policies(ctx, t, above)
	return b.policies(rows), err
}

func (b *broken) Record(ctx context.Context, key retention.RecordKey) (retention.RecordRow, bool, error) {
	row, found, err := b.Backend.Record(b.ctx(ctx), key)
	row, found = b.record(row, found)
	return row, found, err
}

func (b *broken) LockTenant(ctx context.Context, t troth.Tenant, alone bool) error {
	return b.lockTenant(ctx, t, alone)
}

func (b *broken) InsertRecord(ctx context.Context, row retention.RecordRow) (bool, error) {
	return b.Backend.InsertRecord(b.ctx(ctx), row)
}

func (b *broken) PutRecord(ctx context.Context, row retention.RecordRow) error {
	return b.putRecord(b.ctx(ctx), row)
}

func (b *broken) DeleteRecord(ctx context.Context, key retention.RecordKey) error {
	return b.deleteRecord(ctx, key)
}

func (b *broken) Hold(ctx context.Context, t troth.Tenant, id string) (retention.HoldRow, bool, error) {
	row, found, err := b.Backend.Hold(ctx, t, id)
	return b.hold(row), found, err
}

func (b *broken) PutHold(ctx context.Context, row retention.HoldRow) error {
	return b.putHold(ctx, row)
}

func (b *broken) ActiveHolds(ctx context.Context, t troth.Tenant) ([]retention.HoldRow, error) {
	rows, err := b.Backend.ActiveHolds(ctx, t)
	return b.activeHolds(rows), err
}

func (b *broken) CutRecords(ctx context.Context, c retention.Cut, after retention.Place, limit int) ([]retention.Place, error) {
	return b.cut(ctx, c, after, limit)
}

func (b *broken) DueRecords(ctx context.Context, at int64, after retention.Place, limit int) ([]retention.Place, error) {
	return b.due(ctx, at, after, limit)
}

func (b *broken) StaleRecords(ctx context.Context, below uint32, after retention.Place, limit int) ([]retention.Place, error) {
	return b.stale(ctx, below, after, limit)
}

func (b *broken) FailingRecords(ctx context.Context, limit int) ([]retention.RecordRow, error) {
	rows, err := b.Backend.FailingRecords(ctx, limit)
	return b.failing(rows), err
}

func (b *broken) CountRecords(ctx context.Context, c retention.Count) (int64, error) {
	return b.Backend.CountRecords(ctx, b.count(c))
}

func (b *broken) WakeHeld(ctx context.Context, t troth.Tenant, at int64) (int, error) {
	return b.wake(ctx, t, at)
}

func (b *broken) Control(ctx context.Context, key retention.ControlKey) (retention.ControlRow, bool, error) {
	row, found, err := b.Backend.Control(ctx, key)
	return b.control(row), found, err
}

func (b *broken) PutControl(ctx context.Context, row retention.ControlRow) error {
	return b.putControl(b.ctx(ctx), row)
}

func (b *broken) InsertControl(ctx context.Context, row retention.ControlRow) (bool, error) {
	return b.Backend.InsertControl(b.ctx(ctx), row)
}

func (b *broken) OpenControls(ctx context.Context, t troth.Tenant, kind string) ([]retention.ControlRow, error) {
	rows, err := b.Backend.OpenControls(ctx, t, kind)
	return b.openControls(rows), err
}

func (b *broken) Controls(ctx context.Context, after retention.ControlKey, limit int) ([]retention.ControlRow, error) {
	return b.controls(ctx, after, limit)
}

func (b *broken) DueControls(ctx context.Context, kind string, at int64, limit int) ([]retention.ControlRow, error) {
	return b.dueControls(ctx, kind, at, limit)
}

func (b *broken) HoldsToReview(ctx context.Context, at int64, limit int) ([]retention.HoldRow, error) {
	rows, err := b.Backend.HoldsToReview(ctx, at, limit)
	return b.toReview(rows), err
}

func (b *broken) InsertPlan(ctx context.Context, row retention.PlanRow) (bool, error) {
	return b.insertPlan(ctx, row)
}

func (b *broken) PutPlan(ctx context.Context, row retention.PlanRow) error {
	return b.putPlan(ctx, row)
}

func (b *broken) LockPlan(ctx context.Context, t troth.Tenant, hash [32]byte, wait bool) (retention.PlanRow, bool, error) {
	return b.lockPlan(ctx, t, hash, wait)
}

func (b *broken) OpenPlans(ctx context.Context, t troth.Tenant) ([]retention.PlanRow, error) {
	rows, err := b.Backend.OpenPlans(ctx, t)
	return b.openPlans(rows), err
}

func (b *broken) LockAllowance(ctx context.Context, t troth.Tenant, id string, wait bool) (retention.AllowanceRow, bool, error) {
	return b.lockAllow(ctx, t, id, wait)
}

func (b *broken) PutAllowance(ctx context.Context, row retention.AllowanceRow) error {
	return b.putAllow(ctx, row)
}

func (b *broken) Allowances(ctx context.Context, t troth.Tenant) ([]retention.AllowanceRow, error) {
	rows, err := b.Backend.Allowances(ctx, t)
	return b.allowances(rows), err
}

func (b *broken) ActiveStops(ctx context.Context, t troth.Tenant) ([]retention.StopRow, error) {
	rows, err := b.Backend.ActiveStops(ctx, t)
	return b.stops(rows), err
}

func (b *broken) SurveyRecords(ctx context.Context, v retention.Survey, limit int) ([]retention.RecordRow, error) {
	return b.survey(ctx, v, limit)
}
