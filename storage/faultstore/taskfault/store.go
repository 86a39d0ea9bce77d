package taskfault

import (
	"context"
	"time"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/storage/faultstore"
	"github.com/trothdev/troth/task"
)

// New returns s under the plan. Its transactor is tx: that of s, or what
// [faultstore.Transactor] made of it, which all wrapped stores must share.
func New(s task.Backend, tx troth.Transactor, p *faultstore.Plan) task.Backend {
	return &store{s: s, tx: tx, p: p}
}

type store struct {
	s  task.Backend
	tx troth.Transactor
	p  *faultstore.Plan
}

// two are what a method returns beside the error.
type two[A, B any] struct {
	a A
	b B
}

func do2[A, B any](ctx context.Context, s *store, method string, fn func() (A, B, error)) (A, B, error) {
	r, err := faultstore.Do(ctx, s.p, method, func() (r two[A, B], err error) {
		r.a, r.b, err = fn()
		return r, err
	})
	return r.a, r.b, err
}

func (s *store) Transactor() troth.Transactor { return s.tx }

func (s *store) Find(ctx context.Context, t troth.Tenant, kind, key string) (task.ID, bool, error) {
	return do2(ctx, s, "Find", func() (task.ID, bool, error) { return s.s.Find(ctx, t, kind, key) })
}

func (s *store) JoinGroup(ctx context.Context, j task.Joining) (task.ID, error) {
	return faultstore.Do(ctx, s.p, "JoinGroup", func() (task.ID, error) { return s.s.JoinGroup(ctx, j) })
}

func (s *store) Insert(ctx context.Context, n task.NewTask) (task.ID, bool, error) {
	return do2(ctx, s, "Insert", func() (task.ID, bool, error) { return s.s.Insert(ctx, n) })
}

func (s *store) InsertAll(ctx context.Context, ns []task.NewTask) ([]task.Inserted, error) {
	return faultstore.Do(ctx, s.p, "InsertAll", func() ([]task.Inserted, error) { return s.s.InsertAll(ctx, ns) })
}

func (s *store) Task(ctx context.Context, n task.Name) (task.Row, bool, error) {
	return do2(ctx, s, "Task", func() (task.Row, bool, error) { return s.s.Task(ctx, n) })
}

func (s *store) Tasks(ctx context.Context, p task.Page) ([]task.Row, error) {
	return faultstore.Do(ctx, s.p, "Tasks", func() ([]task.Row, error) { return s.s.Tasks(ctx, p) })
}

func (s *store) Counts(ctx context.Context, c task.CountSince) ([]task.Count, error) {
	return faultstore.Do(ctx, s.p, "Counts", func() ([]task.Count, error) { return s.s.Counts(ctx, c) })
}

func (s *store) Assign(ctx context.Context, a task.Assignment) (bool, error) {
	return faultstore.Do(ctx, s.p, "Assign", func() (bool, error) { return s.s.Assign(ctx, a) })
}

func (s *store) Resume(ctx context.Context, n task.Name) (bool, error) {
	return faultstore.Do(ctx, s.p, "Resume", func() (bool, error) { return s.s.Resume(ctx, n) })
}

func (s *store) Finish(ctx context.Context, f task.Finish) ([]task.Freed, bool, error) {
	return do2(ctx, s, "Finish", func() ([]task.Freed, bool, error) { return s.s.Finish(ctx, f) })
}

func (s *store) SetAlarm(ctx context.Context, n task.Name, a task.Alarm) error {
	return faultstore.Run(ctx, s.p, "SetAlarm", func() error { return s.s.SetAlarm(ctx, n, a) })
}

func (s *store) Spent(ctx context.Context, t troth.Tenant, group task.ID) (bool, bool, error) {
	return do2(ctx, s, "Spent", func() (bool, bool, error) { return s.s.Spent(ctx, t, group) })
}

func (s *store) Empty(ctx context.Context, t troth.Tenant, group task.ID) error {
	return faultstore.Run(ctx, s.p, "Empty", func() error { return s.s.Empty(ctx, t, group) })
}

func (s *store) Postpone(ctx context.Context, p task.Postponement) error {
	return faultstore.Run(ctx, s.p, "Postpone", func() error { return s.s.Postpone(ctx, p) })
}

func (s *store) Undisposed(ctx context.Context, p task.DisposalPage) ([]task.Disposal, error) {
	return faultstore.Do(ctx, s.p, "Undisposed", func() ([]task.Disposal, error) { return s.s.Undisposed(ctx, p) })
}

func (s *store) Remove(ctx context.Context, r task.Removal) (int, error) {
	return faultstore.Do(ctx, s.p, "Remove", func() (int, error) { return s.s.Remove(ctx, r) })
}

func (s *store) Claim(ctx context.Context, c task.Claim) ([]task.Row, error) {
	return faultstore.Do(ctx, s.p, "Claim", func() ([]task.Row, error) { return s.s.Claim(ctx, c) })
}

func (s *store) ClaimOne(ctx context.Context, n task.Name, k task.KindClaim, lease time.Duration) (task.Row, bool, error) {
	return do2(ctx, s, "ClaimOne", func() (task.Row, bool, error) { return s.s.ClaimOne(ctx, n, k, lease) })
}

func (s *store) Extend(ctx context.Context, held []task.Held, lease time.Duration) ([]task.Name, error) {
	return faultstore.Do(ctx, s.p, "Extend", func() ([]task.Name, error) { return s.s.Extend(ctx, held, lease) })
}

func (s *store) End(ctx context.Context, es []task.Ending) (task.Ended, error) {
	return faultstore.Do(ctx, s.p, "End", func() (task.Ended, error) { return s.s.End(ctx, es) })
}

func (s *store) Wake(ctx context.Context, limit int) (task.Woken, error) {
	return faultstore.Do(ctx, s.p, "Wake", func() (task.Woken, error) { return s.s.Wake(ctx, limit) })
}

func (s *store) Tidy(ctx context.Context) (int, error) {
	return faultstore.Do(ctx, s.p, "Tidy", func() (int, error) { return s.s.Tidy(ctx) })
}

func (s *store) Alarms(ctx context.Context, limit int) ([]task.DueAlarm, error) {
	return faultstore.Do(ctx, s.p, "Alarms", func() ([]task.DueAlarm, error) { return s.s.Alarms(ctx, limit) })
}

func (s *store) Disposals(ctx context.Context, limit int, hold time.Duration) ([]task.Disposal, error) {
	return faultstore.Do(ctx, s.p, "Disposals", func() ([]task.Disposal, error) { return s.s.Disposals(ctx, limit, hold) })
}

func (s *store) Finished(ctx context.Context, p task.FinishedPage) ([]task.Row, error) {
	return faultstore.Do(ctx, s.p, "Finished", func() ([]task.Row, error) { return s.s.Finished(ctx, p) })
}

func (s *store) Managed(ctx context.Context) (bool, error) {
	return faultstore.Do(ctx, s.p, "Managed", func() (bool, error) { return s.s.Managed(ctx) })
}

func (s *store) SetManaged(ctx context.Context) error {
	return faultstore.Run(ctx, s.p, "SetManaged", func() error { return s.s.SetManaged(ctx) })
}
