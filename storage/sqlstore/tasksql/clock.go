package tasksql

import (
	"context"

	"github.com/trothdev/troth/storage/sqlstore"
	"github.com/trothdev/troth/task"
)

// Wake implements task.SystemStore. Whether there is anything to wake is asked
// outside of a transaction.
func (s *Store) Wake(ctx context.Context, limit int) (w task.Woken, err error) {
	var due, lapsed bool
	if _, err := s.one(ctx, s.q.look, nil, &w.Now, &due, &lapsed); err != nil || !due && !lapsed {
		return w, err
	}
	err = s.atomically(ctx, func(ctx context.Context) (err error) {
		if due {
			if w.Due, err = s.exec(ctx, s.q.wakeDue, limit); err != nil {
				return err
			}
		}
		if lapsed {
			w.Lapsed, err = query(ctx, s, scanName, s.q.wakeLapsed, limit, task.ReasonLease)
		}
		return err
	})
	if err != nil {
		return task.Woken{}, err
	}
	return w, nil
}

// Tidy implements task.SystemStore.
func (s *Store) Tidy(ctx context.Context) (shortened int, err error) {
	err = s.atomically(ctx, func(ctx context.Context) (err error) {
		shortened = 0
		for _, text := range []string{s.q.shortenDelayed, s.q.shortenRunning} {
			n, err := s.exec(ctx, text)
			if err != nil {
				return err
			}
			shortened += n
		}
		_, err = s.exec(ctx, s.q.dropRates)
		return err
	})
	return shortened, err
}

// Alarms implements task.SystemStore.
func (s *Store) Alarms(ctx context.Context, limit int) ([]task.DueAlarm, error) {
	if s.h.Scope(ctx) == nil {
		return nil, errNoTransaction
	}
	return query(ctx, s, scanAlarm, s.q.alarms, limit)
}

func scanAlarm(rows *sqlstore.Rows) (a task.DueAlarm, err error) {
	var id []byte
	var state int64
	err = rows.Scan(&a.Tenant, &id, &a.Stage, &a.At, &a.Kind, &state, &a.CreatedAt, &a.Deadline, &a.Owner, &a.Now)
	a.State = states[state]
	if err == nil && (!fill(&a.ID, id) || a.State == "") {
		err = errRow
	}
	return a, err
}
