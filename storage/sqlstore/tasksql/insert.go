package tasksql

import (
	"bytes"
	"context"
	"slices"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/task"
)

// Find implements task.Store.
func (s *Store) Find(ctx context.Context, tenant troth.Tenant, kind, key string) (id task.ID, found bool, err error) {
	found, err = s.id(ctx, &id, s.q.find, string(tenant), kind, key)
	return id, found, err
}

// id reads one id.
func (s *Store) id(ctx context.Context, id *task.ID, text string, args ...any) (found bool, err error) {
	got, err := query(ctx, s, scanID, text, args...)
	if err != nil || len(got) == 0 {
		return false, err
	}
	*id = got[0]
	return true, nil
}

// JoinGroup implements task.Store. The row of the group stays locked.
func (s *Store) JoinGroup(ctx context.Context, j task.Joining) (group task.ID, err error) {
	err = s.atomically(ctx, func(ctx context.Context) error {
		found, err := s.id(ctx, &group, s.q.joinGroup, string(j.Tenant), j.Name, j.Fresh[:], j.Tasks)
		if err != nil || found {
			return err
		}
		_, err = s.id(ctx, &group, s.q.joinAgain, j.Tasks, string(j.Tenant), j.Name)
		return err
	})
	return group, err
}

// Insert implements task.Store.
func (s *Store) Insert(ctx context.Context, n task.NewTask) (id task.ID, inserted bool, err error) {
	if s.h.Scope(ctx) == nil || len(n.After) > 0 {
		err = s.h.Atomically(ctx, func(ctx context.Context) error {
			id, inserted, err = s.insert(ctx, n)
			return err
		})
	} else {
		id, inserted, err = s.insert(ctx, n)
	}
	if err != nil {
		return task.ID{}, false, err
	}
	return id, inserted, nil
}

func (s *Store) insert(ctx context.Context, n task.NewTask) (id task.ID, inserted bool, err error) {
	var open []task.ID
	if len(n.After) > 0 {
		if n.Key != "" {
			// Equal work may have been added before its prerequisites failed.
			if id, found, err := s.Find(ctx, n.Tenant, n.Kind, n.Key); err != nil || found {
				return id, false, err
			}
		}
		if open, err = s.open(ctx, n.Tenant, n.After); err != nil {
			return id, false, err
		}
	}
	if inserted, err = s.insertRows(ctx, n, len(open)); err != nil {
		return id, false, err
	}
	if !inserted {
		id, found, err := s.Find(ctx, n.Tenant, n.Kind, n.Key)
		if err == nil && !found {
			err = errRow // the id is taken, by a task of another key
		}
		return id, false, err
	}
	for _, before := range open {
		if _, err := s.exec(ctx, s.q.insertEdge, string(n.Tenant), before[:], n.ID[:]); err != nil {
			return id, false, err
		}
		if _, err := s.exec(ctx, s.q.leads, string(n.Tenant), before[:]); err != nil {
			return id, false, err
		}
	}
	if n.Alarm.At != 0 {
		err = s.SetAlarm(ctx, n.Name, n.Alarm)
	}
	return n.ID, true, err
}

func (s *Store) insertRows(ctx context.Context, n task.NewTask, blocked int) (inserted bool, err error) {
	row := []any{
		string(n.Tenant), n.ID[:], n.Kind, textOrNull(n.Key), n.Line, n.Group[:], orNull(n.Payload), n.CreatedAt, n.Deadline,
	}
	if s.postgres() {
		added, err := s.exec(ctx, s.q.insertBoth, append(row, n.Alarm.At != 0, n.NotBefore, blocked)...)
		return added > 0, err
	}
	added, err := s.exec(ctx, s.q.insertTask, row...)
	if err != nil || added == 0 {
		return false, err
	}
	_, err = s.exec(ctx, s.q.insertTurn, string(n.Tenant), n.ID[:], n.Kind, n.Line, n.Group[:],
		n.Payload != nil, n.Alarm.At != 0, n.NotBefore, blocked)
	return true, err
}

// open returns those of the prerequisites that are open, and keeps them so: who
// ends one of them waits, and then finds the edge. They are locked in order, so
// that two who do this do not wait for each other.
func (s *Store) open(ctx context.Context, tenant troth.Tenant, after []task.ID) (open []task.ID, err error) {
	after = slices.Clone(after)
	slices.SortFunc(after, func(a, b task.ID) int { return bytes.Compare(a[:], b[:]) })
	for _, id := range slices.Compact(after) {
		var code int64
		found, err := s.one(ctx, s.q.phase, []any{string(tenant), id[:]}, &code)
		switch state := states[code]; {
		case err != nil:
			return nil, err
		case !found:
			return nil, &task.PrerequisiteError{ID: id}
		case state.Open():
			open = append(open, id)
		case state != task.Completed:
			return nil, &task.PrerequisiteError{ID: id, State: state}
		}
	}
	return open, nil
}

// SetAlarm implements task.Store.
func (s *Store) SetAlarm(ctx context.Context, n task.Name, a task.Alarm) error {
	if a.At == 0 {
		_, err := s.exec(ctx, s.q.removeAlarm, string(n.Tenant), n.ID[:])
		return err
	}
	_, err := s.exec(ctx, s.q.setAlarm, string(n.Tenant), n.ID[:], a.Stage, a.At)
	return err
}
