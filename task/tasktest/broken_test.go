package tasktest

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/task"
)

// broken is a Backend of which single methods are replaced.
type broken struct {
	task.Backend
	sound     task.Backend
	joinGroup func(ctx context.Context, j task.Joining) (task.ID, error)
	insert    func(ctx context.Context, n task.NewTask) (task.ID, bool, error)
	insertAll func(ctx context.Context, ns []task.NewTask) ([]task.Inserted, error)
	task      func(ctx context.Context, n task.Name) (task.Row, bool, error)
	tasks     func(ctx context.Context, p task.Page) ([]task.Row, error)
	counts    func(ctx context.Context, c task.CountSince) ([]task.Count, error)
	assign    func(ctx context.Context, a task.Assignment) (bool, error)
	resume    func(ctx context.Context, n task.Name) (bool, error)
	finish    func(ctx context.Context, f task.Finish) ([]task.Freed, bool, error)
	setAlarm  func(ctx context.Context, n task.Name, a task.Alarm) error
	spent     func(ctx context.Context, t troth.Tenant, g task.ID) (bool, bool, error)
	empty     func(ctx context.Context, t troth.Tenant, g task.ID) error
	postpone  func(ctx context.Context, p task.Postponement) error
	remove    func(ctx context.Context, r task.Removal) (int, error)
	claim     func(ctx context.Context, c task.Claim) ([]task.Row, error)
	claimOne  func(ctx context.Context, n task.Name, k task.KindClaim, lease time.Duration) (task.Row, bool, error)
	extend    func(ctx context.Context, held []task.Held, lease time.Duration) ([]task.Name, error)
	end       func(ctx context.Context, es []task.Ending) (task.Ended, error)
	wake      func(ctx context.Context, limit int) (task.Woken, error)
	tidy      func(ctx context.Context) (int, error)
	alarms    func(ctx context.Context, limit int) ([]task.DueAlarm, error)
	disposals func(ctx context.Context, limit int, hold time.Duration) ([]task.Disposal, error)
	finished  func(ctx context.Context, p task.FinishedPage) ([]task.Row, error)
	manage    func(ctx context.Context) error
}

// whole returns a broken Backend in which everything works yet.
func whole(s task.Backend) *broken {
	return &broken{
		Backend: s, sound: s, joinGroup: s.JoinGroup, insert: s.Insert, insertAll: s.InsertAll, task: s.Task, tasks: s.Tasks, counts: s.Counts,
		assign: s.Assign, resume: s.Resume, finish: s.Finish, setAlarm: s.SetAlarm, spent: s.Spent, empty: s.Empty,
		postpone: s.Postpone, remove: s.Remove, claim: s.Claim, claimOne: s.ClaimOne, extend: s.Extend, end: s.End,
		wake: s.Wake, tidy: s.Tidy, alarms: s.Alarms, disposals: s.Disposals, finished: s.Finished, manage: s.SetManaged,
	}
}

func (b *broken) JoinGroup(ctx context.Context, j task.Joining) (task.ID, error) {
	return b.joinGroup(ctx, j)
}

func (b *broken) Insert(ctx context.Context, n task.NewTask) (task.ID, bool, error) {
	return b.insert(ctx, n)
}

func (b *broken) InsertAll(ctx context.Context, ns []task.NewTask) ([]task.Inserted, error) {
	return b.insertAll(ctx, ns)
}

func (b *broken) Task(ctx context.Context, n task.Name) (task.Row, bool, error) {
	return b.task(ctx, n)
}

func (b *broken) Tasks(ctx context.Context, p task.Page) ([]task.Row, error) { return b.tasks(ctx, p) }

func (b *broken) Counts(ctx context.Context, c task.CountSince) ([]task.Count, error) {
	return b.counts(ctx, c)
}

func (b *broken) Assign(ctx context.Context, a task.Assignment) (bool, error) {
	return b.assign(ctx, a)
}
func (b *broken) Resume(ctx context.Context, n task.Name) (bool, error) { return b.resume(ctx, n) }

func (b *broken) Finish(ctx context.Context, f task.Finish) ([]task.Freed, bool, error) {
	return b.finish(ctx, f)
}

func (b *broken) SetAlarm(ctx context.Context, n task.Name, a task.Alarm) error {
	return b.setAlarm(ctx, n, a)
}

func (b *broken) Spent(ctx context.Context, t troth.Tenant, g task.ID) (bool, bool, error) {
	return b.spent(ctx, t, g)
}

func (b *broken) Empty(ctx context.Context, t troth.Tenant, g task.ID) error {
	return b.empty(ctx, t, g)
}

func (b *broken) Postpone(ctx context.Context, p task.Postponement) error { return b.postpone(ctx, p) }

func (b *broken) Remove(ctx context.Context, r task.Removal) (int, error) { return b.remove(ctx, r) }

func (b *broken) Claim(ctx context.Context, c task.Claim) ([]task.Row, error) { return b.claim(ctx, c) }

func (b *broken) ClaimOne(ctx context.Context, n task.Name, k task.KindClaim, lease time.Duration) (task.Row, bool, error) {
	return b.claimOne(ctx, n, k, lease)
}

func (b *broken) Extend(ctx context.Context, held []task.Held, lease time.Duration) ([]task.Name, error) {
	return b.extend(ctx, held, lease)
}

func (b *broken) End(ctx context.Context, es []task.Ending) (task.Ended, error) {
	return b.end(ctx, es)
}

func (b *broken) Wake(ctx context.Context, limit int) (task.Woken, error) { return b.wake(ctx, limit) }
func (b *broken) Tidy(ctx context.Context) (int, error)                   { return b.tidy(ctx) }

func (b *broken) Alarms(ctx context.Context, limit int) ([]task.DueAlarm, error) {
	return b.alarms(ctx, limit)
}

func (b *broken) Disposals(ctx context.Context, limit int, hold time.Duration) ([]task.Disposal, error) {
	return b.disposals(ctx, limit, hold)
}

func (b *broken) Finished(ctx context.Context, p task.FinishedPage) ([]task.Row, error) {
	return b.finished(ctx, p)
}

func (b *broken) SetManaged(ctx context.Context) error { return b.manage(ctx) }

// defect is one way to break the contract, and a check that must see it.
type defect struct {
	caught, name string
	inject       func(b *broken)
}

var errBroken = errors.New("broken on purpose")

// The ways in which several defects change what a method is given or gives.

func inserting(change func(n *task.NewTask)) func(b *broken) {
	return func(b *broken) {
		b.insert = func(ctx context.Context, n task.NewTask) (task.ID, bool, error) {
			change(&n)
			return b.sound.Insert(ctx, n)
		}
	}
}

func claiming(change func(c *task.Claim)) func(b *broken) {
	return func(b *broken) {
		b.claim = func(ctx context.Context, c task.Claim) ([]task.Row, error) {
			kinds := append([]task.KindClaim(nil), c.Kinds...)
			c.Kinds = kinds
			change(&c)
			return b.sound.Claim(ctx, c)
		}
	}
}

func kindly(change func(k *task.KindClaim)) func(b *broken) {
	return claiming(func(c *task.Claim) {
		for i := range c.Kinds {
			change(&c.Kinds[i])
		}
	})
}

func ending(change func(e *task.Ending)) func(b *broken) {
	return func(b *broken) {
		b.end = func(ctx context.Context, es []task.Ending) (task.Ended, error) {
			changed := append([]task.Ending(nil), es...)
			for i := range changed {
				change(&changed[i])
			}
			return b.sound.End(ctx, changed)
		}
	}
}

func ended(change func(b *broken, ctx context.Context, es []task.Ending, out *task.Ended)) func(b *broken) {
	return func(b *broken) {
		b.end = func(ctx context.Context, es []task.Ending) (task.Ended, error) {
			out, err := b.sound.End(ctx, es)
			if err == nil {
				change(b, ctx, es, &out)
			}
			return out, err
		}
	}
}

func freeing(change func(out *task.Ended)) func(b *broken) {
	return ended(func(_ *broken, _ context.Context, _ []task.Ending, out *task.Ended) { change(out) })
}

// wrongTenant confuses the second tenant with the first.
func wrongTenant(t troth.Tenant) troth.Tenant {
	return troth.Tenant(strings.Replace(string(t), "-b", "-a", 1))
}

// twinOf is the same task of the other tenant.
func twinOf(n task.Name) task.Name {
	n.Tenant = troth.Tenant(strings.TrimSuffix(string(n.Tenant), "-a") + "-b")
	return n
}

func detached(b *broken) {
	b.insert = func(ctx context.Context, n task.NewTask) (task.ID, bool, error) {
		return b.sound.Insert(b.sound.Transactor().Detach(ctx), n)
	}
}
