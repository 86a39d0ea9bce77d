package tasktest

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/task"
)

// unprepared forgets what work waits for.
var unprepared = inserting(func(n *task.NewTask) { n.After = nil })

// blockedForEver makes work wait for a task that never ends as well.
func blockedForEver(b *broken) {
	b.insert = func(ctx context.Context, n task.NewTask) (task.ID, bool, error) {
		if len(n.After) > 0 {
			blocker := task.NewTask{Name: task.Name{Tenant: n.Tenant, ID: troth.NewEntryID(time.Now())}, Kind: "blocker"}
			blocker.Group = blocker.ID
			if _, _, err := b.sound.Insert(ctx, blocker); err != nil {
				return task.ID{}, false, err
			}
			n.After = append(slices.Compact(slices.Clone(n.After)), blocker.ID)
		}
		return b.sound.Insert(ctx, n)
	}
}

var defects = slices.Concat(insertDefects, claimDefects, endDefects, keepDefects, wallDefects)

var insertDefects = []defect{
	{"a task comes back bit for bit", "the deadline is lost", inserting(func(n *task.NewTask) { n.Deadline = 0 })},
	{"a task that nobody added is not found", "everything is there", func(b *broken) {
		b.task = func(context.Context, task.Name) (task.Row, bool, error) { return task.Row{}, true, nil }
	}},
	{"what is given and returned belongs to the caller", "rows share their bytes", func(b *broken) {
		shared := []byte("abc")
		b.task = func(ctx context.Context, n task.Name) (task.Row, bool, error) {
			row, found, err := b.sound.Task(ctx, n)
			row.Payload = shared
			return row, found, err
		}
	}},
	{"the same kind and key is the same task", "keys are not looked at", inserting(func(n *task.NewTask) { n.Key = "" })},
	{"a task that ended is remembered by its key", "what ended is forgotten", func(b *broken) {
		b.insert = func(ctx context.Context, n task.NewTask) (task.ID, bool, error) {
			if _, found, err := b.sound.Find(ctx, n.Tenant, n.Kind, n.Key); err == nil && found {
				n.Key = ""
			}
			return b.sound.Insert(ctx, n)
		}
	}},
	{"tasks that are added together are as if one was added after the other", "alarms are lost", func(b *broken) {
		b.insertAll = func(ctx context.Context, ns []task.NewTask) ([]task.Inserted, error) {
			ns = slices.Clone(ns)
			for i := range ns {
				ns[i].Alarm = task.Alarm{}
			}
			return b.sound.InsertAll(ctx, ns)
		}
	}},
	{"of tasks that are added together all are undone, or none", "they stand for themselves", func(b *broken) {
		b.insertAll = func(ctx context.Context, ns []task.NewTask) ([]task.Inserted, error) {
			return b.sound.InsertAll(b.sound.Transactor().Detach(ctx), ns)
		}
	}},
	{"another kind or key is another task, and without a key each is", "no key is a key", inserting(func(n *task.NewTask) { n.Key = "k" })},
	{"a task is delayed until it may run", "everything is due", inserting(func(n *task.NewTask) { n.NotBefore = 0 })},
	{"tasks are listed in order, page by page, without what is sealed", "the wrong way round", func(b *broken) {
		b.tasks = func(ctx context.Context, p task.Page) ([]task.Row, error) {
			rows, err := b.sound.Tasks(ctx, p)
			slices.Reverse(rows)
			return rows, err
		}
	}},
	{"tasks are listed by state and owner", "owners are not looked at", func(b *broken) {
		b.tasks = func(ctx context.Context, p task.Page) ([]task.Row, error) {
			p.Owner = ""
			return b.sound.Tasks(ctx, p)
		}
	}},
	{"tasks are counted by kind and state", "since when is not looked at", func(b *broken) {
		b.counts = func(ctx context.Context, c task.CountSince) ([]task.Count, error) {
			c.Since = 0
			return b.sound.Counts(ctx, c)
		}
	}},
	{"a cancelled context has no effect", "cancellation is not heeded", func(b *broken) {
		b.insert = func(ctx context.Context, n task.NewTask) (task.ID, bool, error) {
			return b.sound.Insert(context.WithoutCancel(ctx), n)
		}
	}},
	{"a task is blocked while prerequisites are open", "one prerequisite is enough", inserting(func(n *task.NewTask) {
		n.After = n.After[:min(1, len(n.After))]
	})},
	{"an attempt that failed frees nobody", "a failure is an end", ending(func(e *task.Ending) { e.To = task.Completed })},
	{"a prerequisite that is completed holds up nobody", "it does", blockedForEver},
	{"a prerequisite named twice counts once", "it counts twice", blockedForEver},
	{"a task that is freed before it may run is delayed", "it is due", inserting(func(n *task.NewTask) { n.NotBefore = 0 })},
	{"an unknown prerequisite is refused", "it is passed over", unprepared},
	{"a prerequisite that ended without success is refused", "it is passed over", unprepared},
	{"who waits for a task that failed is handed to a person", "to nobody", ending(func(e *task.Ending) { e.Owner = "" })},
	{"several who wait are freed together, and chains one by one", "only one is told", freeing(func(out *task.Ended) {
		out.Freed = out.Freed[:min(1, len(out.Freed))]
	})},
	{"a task that waited and was cancelled is not freed", "it was not", func(b *broken) {
		b.finish = func(context.Context, task.Finish) ([]task.Freed, bool, error) { return nil, true, nil }
	}},
}

var endDefects = []defect{
	{"a task ends once, at that instant, with its attempts and reason", "the reason is lost", ending(func(e *task.Ending) { e.Reason = "" })},
	{"completing again under the same fence is completing once", "it is lost", func(b *broken) {
		b.end = func(ctx context.Context, es []task.Ending) (task.Ended, error) {
			row, _, err := b.sound.Task(ctx, es[0].Name)
			if err == nil && row.State == task.Completed {
				return task.Ended{Lost: []task.Name{es[0].Name}}, nil
			}
			return b.sound.End(ctx, es)
		}
	}},
	{"a task that is delayed is due after that long", "twice as late", ending(func(e *task.Ending) { e.By *= 2 })},
	{"a task that is put back is due at once, and the attempt did not count", "it is delayed", ending(func(e *task.Ending) {
		if e.To == task.Waiting {
			e.To = task.Delayed
		}
	})},
	{"endings of one call stand for themselves", "one that is lost loses all", ended(func(_ *broken, _ context.Context, es []task.Ending, out *task.Ended) {
		if len(out.Lost) > 0 {
			out.Lost = nil
			for _, e := range es {
				out.Lost = append(out.Lost, e.Name)
			}
		}
	})},
	{"of two claims of one task the stale one is lost", "none is", freeing(func(out *task.Ended) { out.Lost = nil })},
	{"an unknown task is lost", "it is not", freeing(func(out *task.Ended) { out.Lost = nil })},
	{"a task is finished from outside in the states that were named, whoever runs it", "in any state", func(b *broken) {
		b.finish = func(ctx context.Context, f task.Finish) ([]task.Freed, bool, error) {
			f.From = task.States()
			return b.sound.Finish(ctx, f)
		}
	}},
	{"a task that needs a person waits for its owner and nobody else", "instructions are lost", ending(func(e *task.Ending) { e.Instructions = nil })},
	{"a task that needs a person goes to another owner", "the due is not kept", func(b *broken) {
		b.assign = func(ctx context.Context, a task.Assignment) (bool, error) {
			a.Due = 1
			return b.sound.Assign(ctx, a)
		}
	}},
	{"a task that has another owner by now is neither assigned nor finished", "it is assigned", func(b *broken) {
		b.assign = func(ctx context.Context, a task.Assignment) (bool, error) {
			a.From = ""
			return b.sound.Assign(ctx, a)
		}
	}},
	{"a task that has another owner by now is neither assigned nor finished", "it is finished", func(b *broken) {
		b.finish = func(ctx context.Context, f task.Finish) ([]task.Freed, bool, error) {
			f.OwnedBy = ""
			return b.sound.Finish(ctx, f)
		}
	}},
	{"only a task that needs a person is assigned or resumed", "all are", func(b *broken) {
		b.assign = func(context.Context, task.Assignment) (bool, error) { return true, nil }
	}},
	{"a task that is resumed begins anew", "it does not", func(b *broken) {
		b.resume = func(context.Context, task.Name) (bool, error) { return true, nil }
	}},
	{"the last of several prerequisites frees, whoever ends them at once", "nobody is told", freeing(func(out *task.Ended) { out.Freed = nil })},
	{"who adds behind a task that ends at once is blocked or free, and never forgotten", "it waits for ever", blockedForEver},
}

var keepDefects = []defect{
	{"tasks that join a group together are counted, each", "they count as one", func(b *broken) {
		b.joinGroup = func(ctx context.Context, j task.Joining) (task.ID, error) {
			j.Tasks = 1
			return b.sound.JoinGroup(ctx, j)
		}
	}},
	{"tasks of one group have one id of it, and the next group of that name another", "every task has its own", freshGroups},
	{"a group is due for disposal when its last task has ended, however it ends", "never", noDisposals},
	{"a task that stands alone is due for disposal if it has something to dispose of", "never", noDisposals},
	{"a group that was joined again is not spent, and its disposal comes back with its end", "it is", spending(func(spent, _ *bool) { *spent = true })},
	{"nothing sealed is told", "all is sealed", spending(func(_, sealed *bool) { *sealed = true })},
	{"a disposal that was handed out is due again after the hold", "twice as late", func(b *broken) {
		b.disposals = func(ctx context.Context, limit int, hold time.Duration) ([]task.Disposal, error) {
			return b.sound.Disposals(ctx, limit, 2*hold)
		}
	}},
	{"a disposal is put off, and tells how often and why", "not why", func(b *broken) {
		b.postpone = func(ctx context.Context, p task.Postponement) error {
			p.Reason = ""
			return b.sound.Postpone(ctx, p)
		}
	}},
	{"a task is due for disposal since its own end", "by its name", func(b *broken) {
		b.disposals = func(ctx context.Context, limit int, hold time.Duration) ([]task.Disposal, error) {
			due, err := b.sound.Disposals(ctx, limit, hold)
			slices.SortFunc(due, func(a, b task.Disposal) int { return bytes.Compare(a.Group[:], b.Group[:]) })
			return due, err
		}
	}},
	{"no more disposals than were asked for, the earliest first", "one more", func(b *broken) {
		b.disposals = func(ctx context.Context, limit int, hold time.Duration) ([]task.Disposal, error) {
			return b.sound.Disposals(ctx, limit+1, hold)
		}
	}},
	{"emptying takes what is sealed from every task of the group and leaves the tasks", "it takes nothing", func(b *broken) {
		b.empty = func(context.Context, troth.Tenant, task.ID) error { return nil }
	}},
	{"spent needs a transaction", "it makes one", func(b *broken) {
		b.spent = func(ctx context.Context, t troth.Tenant, g task.ID) (spent, sealed bool, err error) {
			err = b.sound.Transactor().Atomically(ctx, func(ctx context.Context) error {
				spent, sealed, err = b.sound.Spent(ctx, t, g)
				return err
			})
			return spent, sealed, err
		}
	}},
	{"who joins a group and who ends its last task leave it counted right", "every task has its own", freshGroups},
	{"an alarm is due at its instant, with what is known of the task", "not the owner", func(b *broken) {
		b.alarms = func(ctx context.Context, limit int) ([]task.DueAlarm, error) {
			due, err := b.sound.Alarms(ctx, limit)
			for i := range due {
				due[i].Owner = ""
			}
			return due, err
		}
	}},
	{"a task without an alarm has none, and one that ended has none left", "it has", ended(func(b *broken, ctx context.Context, es []task.Ending, _ *task.Ended) {
		_ = b.sound.SetAlarm(ctx, es[0].Name, task.Alarm{Stage: 1, At: 1})
	})},
	{"an alarm moves on, and away", "it stays", func(b *broken) {
		b.setAlarm = func(context.Context, task.Name, task.Alarm) error { return nil }
	}},
	{"no more alarms than were asked for, the earliest first", "one more", func(b *broken) {
		b.alarms = func(ctx context.Context, limit int) ([]task.DueAlarm, error) { return b.sound.Alarms(ctx, limit+1) }
	}},
	{"alarms need a transaction", "they make one", func(b *broken) {
		b.alarms = func(ctx context.Context, limit int) (due []task.DueAlarm, err error) {
			err = b.sound.Transactor().Atomically(ctx, func(ctx context.Context) error {
				due, err = b.sound.Alarms(ctx, limit)
				return err
			})
			return due, err
		}
	}},
	{"alarms are kept from others until the transaction ends", "others wait, and in vain", func(*broken) {}},
	{"what ended before an instant is listed in order, page by page", "the wrong way round", func(b *broken) {
		b.finished = func(ctx context.Context, p task.FinishedPage) ([]task.Row, error) {
			rows, err := b.sound.Finished(ctx, p)
			slices.Reverse(rows)
			return rows, err
		}
	}},
	{"only what ended before the instant is removed", "whatever ended", func(b *broken) {
		b.remove = func(ctx context.Context, r task.Removal) (int, error) {
			r.Before = 1 << 62
			return b.sound.Remove(ctx, r)
		}
	}},
	{"what has something sealed left is not removed", "it is emptied", func(b *broken) {
		b.remove = func(ctx context.Context, r task.Removal) (int, error) {
			for _, id := range r.IDs {
				if err := b.sound.Empty(ctx, r.Tenant, id); err != nil {
					return 0, err
				}
			}
			return b.sound.Remove(ctx, r)
		}
	}},
	{"a task that was removed is forgotten, its key too", "it is not", func(b *broken) {
		b.remove = func(_ context.Context, r task.Removal) (int, error) { return len(r.IDs), nil }
	}},
}

func freshGroups(b *broken) {
	b.joinGroup = func(ctx context.Context, j task.Joining) (task.ID, error) {
		fresh := j.Fresh
		j.Name += fresh.String()
		_, err := b.sound.JoinGroup(ctx, j)
		return fresh, err
	}
}

func noDisposals(b *broken) {
	b.disposals = func(context.Context, int, time.Duration) ([]task.Disposal, error) { return nil, nil }
}

func spending(change func(spent, sealed *bool)) func(b *broken) {
	return func(b *broken) {
		b.spent = func(ctx context.Context, t troth.Tenant, g task.ID) (bool, bool, error) {
			spent, sealed, err := b.sound.Spent(ctx, t, g)
			change(&spent, &sealed)
			return spent, sealed, err
		}
	}
}

var wallDefects = []defect{
	{"the same id and key under another tenant is another task", "lists mix them up", func(b *broken) {
		b.tasks = func(ctx context.Context, p task.Page) ([]task.Row, error) {
			p.Tenant = wrongTenant(p.Tenant)
			return b.sound.Tasks(ctx, p)
		}
	}},
	{"a prerequisite of another tenant is unknown", "it is passed over", unprepared},
	{"an end frees nobody of another tenant", "it ends the other's task", ended(func(b *broken, ctx context.Context, es []task.Ending, _ *task.Ended) {
		_, _, _ = b.sound.Finish(ctx, task.Finish{Name: twinOf(es[0].Name), From: task.States(), To: task.Completed})
	})},
	{"groups of one name under two tenants are two", "they are one", func(b *broken) {
		b.joinGroup = func(ctx context.Context, j task.Joining) (task.ID, error) {
			j.Tenant = wrongTenant(j.Tenant)
			return b.sound.JoinGroup(ctx, j)
		}
	}},
	{"nothing is emptied, postponed, removed or changed under another tenant's name", "the other's is emptied", func(b *broken) {
		b.empty = func(ctx context.Context, t troth.Tenant, g task.ID) error {
			twin := twinOf(task.Name{Tenant: t, ID: g})
			return errors.Join(b.sound.Empty(ctx, t, g), b.sound.Empty(ctx, twin.Tenant, g))
		}
	}},
	{"what a transaction wrote goes with it", "it stays outside", detached},
	{"a savepoint that is undone takes its task along and leaves the rest", "it stays outside", detached},
	{"a task is part of the host's transaction", "it stays outside", detached},
	{"a refused prerequisite leaves the transaction usable", "nothing works after it", func(b *broken) {
		dead := false
		b.insert = func(ctx context.Context, n task.NewTask) (task.ID, bool, error) {
			if dead {
				return task.ID{}, false, errBroken
			}
			id, inserted, err := b.sound.Insert(ctx, n)
			dead = err != nil
			return id, inserted, err
		}
	}},
	{"a store that no keeper took over is not managed", "it never is", func(b *broken) {
		b.manage = func(context.Context) error { return nil }
	}},
	{"of those who add one key at once, one does, and all get its id", "keys are not looked at", inserting(func(n *task.NewTask) { n.Key = "" })},
}
