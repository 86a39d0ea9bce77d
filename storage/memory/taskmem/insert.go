package taskmem

import (
	"context"
	"slices"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/task"
)

// Find implements task.Store.
func (s *Store) Find(ctx context.Context, tenant troth.Tenant, kind, key string) (task.ID, bool, error) {
	return s.keys.Get(ctx, keyName{tenant, kind, key})
}

// JoinGroup implements task.Store. There is one writer, so nobody else joins
// meanwhile.
func (s *Store) JoinGroup(ctx context.Context, j task.Joining) (id task.ID, err error) {
	group := groupName{j.Tenant, j.Name}
	err = s.db.Atomically(ctx, func(ctx context.Context) error {
		g, found, err := s.groups.Get(ctx, group)
		if err != nil {
			return err
		}
		if !found {
			g.id = j.Fresh
		}
		g.open += j.Tasks
		id = g.id
		return s.groups.Put(ctx, group, g)
	})
	return id, err
}

// Insert implements task.Store.
func (s *Store) Insert(ctx context.Context, n task.NewTask) (id task.ID, inserted bool, err error) {
	err = s.db.Atomically(ctx, func(ctx context.Context) error {
		if n.Key != "" {
			other, found, err := s.Find(ctx, n.Tenant, n.Kind, n.Key)
			if err != nil || found {
				id = other
				return err
			}
			if err := s.keys.Put(ctx, keyName{n.Tenant, n.Kind, n.Key}, n.ID); err != nil {
				return err
			}
		}
		id, inserted = n.ID, true
		r := record{Row: task.Row{
			Name: n.Name, Kind: n.Kind, Key: n.Key, Line: n.Line, Group: n.Group,
			Payload: n.Payload, CreatedAt: n.CreatedAt, Deadline: n.Deadline,
		}}
		if r.Blocked, err = s.wait(ctx, n); err != nil {
			return err
		}
		s.begin(&r, n.NotBefore)
		if err := s.put(ctx, r); err != nil {
			return err
		}
		return s.SetAlarm(ctx, n.Name, n.Alarm)
	})
	if err != nil {
		return task.ID{}, false, err
	}
	return id, inserted, nil
}

// InsertAll implements task.Store.
func (s *Store) InsertAll(ctx context.Context, ns []task.NewTask) (all []task.Inserted, err error) {
	err = s.db.Atomically(ctx, func(ctx context.Context) error {
		all = make([]task.Inserted, len(ns))
		for i, n := range ns {
			if all[i].ID, all[i].New, err = s.Insert(ctx, n); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return all, nil
}

// wait adds edges from the prerequisites that are open and counts them.
func (s *Store) wait(ctx context.Context, n task.NewTask) (blocked int, err error) {
	after := slices.Clone(n.After)
	slices.SortFunc(after, compareIDs)
	for _, id := range after {
		before := task.Name{Tenant: n.Tenant, ID: id}
		r, found, err := s.tasks.Get(ctx, before)
		switch {
		case err != nil:
			return 0, err
		case !found || r.State == task.Failed || r.State == task.Cancelled:
			return 0, &task.PrerequisiteError{ID: id, State: r.State}
		case r.State == task.Completed:
			continue
		}
		added, err := s.edges.Insert(ctx, edge{before, n.Name}, struct{}{})
		if err != nil {
			return 0, err
		}
		if added {
			blocked++
		}
	}
	return blocked, nil
}

// begin sets the state of a task that nobody has claimed yet.
func (s *Store) begin(r *record, notBefore int64) {
	now := s.micros()
	switch {
	case r.Blocked > 0:
		r.State, r.WakeAt = task.Blocked, notBefore
	case notBefore > now:
		r.State, r.WakeAt = task.Delayed, notBefore
	default:
		r.State, r.WakeAt = task.Waiting, now
	}
	r.span = 0
}
