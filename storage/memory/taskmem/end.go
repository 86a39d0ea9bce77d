package taskmem

import (
	"context"
	"slices"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/task"
)

// End implements task.SystemStore.
func (s *Store) End(ctx context.Context, es []task.Ending) (out task.Ended, err error) {
	err = s.db.Atomically(ctx, func(ctx context.Context) error {
		out = task.Ended{}
		for _, e := range es {
			r, found, err := s.get(ctx, e.Name)
			switch {
			case err != nil:
				return err
			case found && r.State == task.Completed && r.Fence == e.Fence && e.To == task.Completed:
				continue
			case !found || r.State != task.Running || r.Fence != e.Fence:
				out.Lost = append(out.Lost, e.Name)
				continue
			}
			freed, err := s.become(ctx, r, e)
			if err != nil {
				return err
			}
			out.Freed = append(out.Freed, freed...)
		}
		return nil
	})
	if err != nil {
		return task.Ended{}, err
	}
	return out, nil
}

// become carries out one ending.
func (s *Store) become(ctx context.Context, r record, e task.Ending) ([]task.Freed, error) {
	if e.Reason != "" {
		r.Reason = e.Reason
	}
	if e.To == task.Completed {
		r.Reason = ""
	}
	r.span = 0
	switch e.To {
	case task.Delayed:
		r.span = e.By.Microseconds()
		r.WakeAt = s.micros() + r.span
	case task.Waiting:
		r.WakeAt = s.micros()
		r.Attempt--
	case task.Manual:
		r.WakeAt, r.Owner, r.ManualDue = 0, e.Owner, e.Due
		if e.Instructions != nil {
			r.Instructions = e.Instructions
		}
	default:
		return s.close(ctx, r, e.To, e.Owner)
	}
	r.State = e.To
	return nil, s.put(ctx, r)
}

// Finish implements task.Store.
func (s *Store) Finish(ctx context.Context, f task.Finish) (freed []task.Freed, done bool, err error) {
	err = s.db.Atomically(ctx, func(ctx context.Context) error {
		r, found, err := s.get(ctx, f.Name)
		if err != nil || !found || !r.State.Open() || !slices.Contains(f.From, r.State) || f.OwnedBy != "" && f.OwnedBy != r.Owner {
			return err
		}
		done = true
		r.Reason = f.Reason
		freed, err = s.close(ctx, r, f.To, f.Owner)
		return err
	})
	if err != nil {
		return nil, false, err
	}
	return freed, done, nil
}

// close ends a task for good, and does what follows from that.
func (s *Store) close(ctx context.Context, r record, to task.State, owner string) ([]task.Freed, error) {
	r.State, r.EndedAt, r.WakeAt, r.Blocked = to, s.micros(), 0, 0
	r.Owner, r.ManualDue = "", 0
	if err := s.put(ctx, r); err != nil {
		return nil, err
	}
	if err := s.leave(ctx, r); err != nil {
		return nil, err
	}
	if _, err := s.alarms.Delete(ctx, r.Name); err != nil {
		return nil, err
	}
	return s.free(ctx, r.Name, to, owner)
}

// free tells those who wait for the task.
func (s *Store) free(ctx context.Context, before task.Name, to task.State, owner string) (freed []task.Freed, err error) {
	after := edge{before: before}
	edges, err := s.edges.Scan(ctx, &after, 0, func(e edge, _ struct{}) bool { return e.before == before })
	if err != nil {
		return nil, err
	}
	for _, e := range edges {
		if _, err := s.edges.Delete(ctx, e.Key); err != nil {
			return nil, err
		}
		r, found, err := s.get(ctx, e.Key.after)
		if err != nil {
			return nil, err
		}
		if !found || r.State != task.Blocked {
			continue // a person has it already, or it was cancelled
		}
		if to == task.Completed {
			r.Blocked--
			if r.Blocked == 0 {
				s.begin(&r, r.WakeAt)
			}
		} else {
			r.State, r.Blocked, r.WakeAt = task.Manual, 0, 0
			r.Owner, r.Reason = owner, task.ReasonPrerequisite
		}
		if err := s.put(ctx, r); err != nil {
			return nil, err
		}
		if r.State != task.Blocked {
			freed = append(freed, task.Freed{Name: r.Name, State: r.State, WakeAt: r.WakeAt})
		}
	}
	return freed, nil
}

// leave takes an ended task out of its group.
func (s *Store) leave(ctx context.Context, r record) error {
	if r.Group == r.ID {
		if r.Payload == nil && r.Instructions == nil {
			return nil
		}
		return s.dispose(ctx, r.Tenant, r.Group)
	}
	name, g, found, err := s.group(ctx, r.Tenant, r.Group)
	if err != nil || !found {
		return err
	}
	g.open--
	if err := s.groups.Put(ctx, name, g); err != nil {
		return err
	}
	if g.open > 0 {
		return nil
	}
	return s.dispose(ctx, r.Tenant, r.Group)
}

func (s *Store) dispose(ctx context.Context, tenant troth.Tenant, group task.ID) error {
	d := task.Disposal{Tenant: tenant, Group: group, DueAt: s.micros()}
	return s.disposals.Put(ctx, task.Name{Tenant: tenant, ID: group}, d)
}

// group finds a group by its id.
func (s *Store) group(ctx context.Context, tenant troth.Tenant, id task.ID) (groupName, group, bool, error) {
	rows, err := s.groups.Scan(ctx, nil, 1, func(n groupName, g group) bool { return n.tenant == tenant && g.id == id })
	if err != nil || len(rows) == 0 {
		return groupName{}, group{}, false, err
	}
	return rows[0].Key, rows[0].Value, true, nil
}
