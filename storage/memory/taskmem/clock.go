package taskmem

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/trothdev/troth/storage/memory"
	"github.com/trothdev/troth/task"
)

// Wake implements task.SystemStore.
func (s *Store) Wake(ctx context.Context, limit int) (w task.Woken, err error) {
	err = s.db.Atomically(ctx, func(ctx context.Context) error {
		w = task.Woken{Now: s.micros()}
		due, err := s.timed.Scan(ctx, nil, 0, func(h hour, _ struct{}) bool { return h.at <= w.Now })
		if err != nil {
			return err
		}
		for _, h := range due {
			r, _, err := s.get(ctx, h.Key.name)
			if err != nil {
				return err
			}
			switch {
			case r.State == task.Delayed && w.Due < limit:
				w.Due++
			case r.State == task.Running && len(w.Lapsed) < limit:
				w.Lapsed = append(w.Lapsed, r.Name)
				r.Fence++
				r.Reason = task.ReasonLease
			default:
				continue
			}
			r.State, r.WakeAt, r.span = task.Waiting, w.Now, 0
			if err := s.put(ctx, r); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return task.Woken{}, err
	}
	return w, nil
}

// Tidy implements task.SystemStore.
func (s *Store) Tidy(ctx context.Context) (shortened int, err error) {
	err = s.db.Atomically(ctx, func(ctx context.Context) error {
		shortened = 0
		now := s.micros()
		rows, err := s.tasks.Scan(ctx, nil, 0, func(_ task.Name, r record) bool {
			return r.span > 0 && (r.State == task.Delayed || r.State == task.Running) && r.WakeAt > now+r.span
		})
		if err != nil {
			return err
		}
		for _, row := range rows {
			r := row.Value
			r.WakeAt = now + r.span
			if err := s.put(ctx, r); err != nil {
				return err
			}
		}
		shortened = len(rows)
		past, err := s.rates.Scan(ctx, nil, 0, func(_ rate, next int64) bool { return next <= now })
		for _, r := range past {
			if _, err := s.rates.Delete(ctx, r.Key); err != nil {
				return err
			}
		}
		return err
	})
	return shortened, err
}

var errNoTransaction = errors.New("taskmem: not in a transaction")

// Alarms implements task.SystemStore. There is one writer, so nobody else gets
// them meanwhile.
func (s *Store) Alarms(ctx context.Context, limit int) ([]task.DueAlarm, error) {
	if s.db.Scope(ctx) == nil {
		return nil, errNoTransaction
	}
	now := s.micros()
	rows, err := s.alarms.Scan(ctx, nil, 0, func(_ task.Name, a task.Alarm) bool { return a.At <= now })
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(rows, func(a, b memory.Row[task.Name, task.Alarm]) int { return cmp.Compare(a.Value.At, b.Value.At) })
	var due []task.DueAlarm
	for _, row := range rows[:min(limit, len(rows))] {
		r, _, err := s.tasks.Get(ctx, row.Key)
		if err != nil {
			return nil, err
		}
		due = append(due, task.DueAlarm{
			Name: row.Key, Alarm: row.Value, Kind: r.Kind, State: r.State,
			CreatedAt: r.CreatedAt, Deadline: r.Deadline, Owner: r.Owner, Now: now,
		})
	}
	return due, nil
}

// SetAlarm implements task.Store.
func (s *Store) SetAlarm(ctx context.Context, n task.Name, a task.Alarm) error {
	if a.At == 0 {
		_, err := s.alarms.Delete(ctx, n)
		return err
	}
	return s.alarms.Put(ctx, n, a)
}
