package tasksql

import (
	"context"
	"math"

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
	for spent := 1; lapsed && spent > 0; {
		// In transactions of their own: there may be many, and nobody waits for them.
		err = s.atomically(ctx, func(ctx context.Context) error {
			spent, err = s.exec(ctx, s.q.dropSpent)
			return err
		})
		if err != nil {
			return task.Woken{}, err
		}
	}
	err = s.atomically(ctx, func(ctx context.Context) (err error) {
		if due {
			if w.Due, err = s.exec(ctx, s.q.wakeDue, limit); err != nil {
				return err
			}
		}
		if lapsed {
			w.Lapsed, err = s.wakeLapsed(ctx, limit)
		}
		return err
	})
	if err != nil {
		return task.Woken{}, err
	}
	return w, nil
}

func scanNo(rows *sqlstore.Rows) (no int64, err error) {
	err = rows.Scan(&no)
	return no, err
}

// wakeLapsed goes through lists of leases that have ended, those first that did
// longest ago.
func (s *Store) wakeLapsed(ctx context.Context, limit int) (lapsed []task.Name, err error) {
	lists, err := query(ctx, s, scanNo, s.q.lapsed)
	if err != nil {
		return nil, err
	}
	for _, no := range lists {
		if len(lapsed) == limit {
			break
		}
		some, err := query(ctx, s, scanName, s.q.wakeLapsed, task.ReasonLease, no, limit-len(lapsed))
		if err != nil {
			return nil, err
		}
		lapsed = append(lapsed, some...)
		if _, err := s.exec(ctx, s.q.dropLease, no); err != nil {
			return nil, err
		}
	}
	return lapsed, nil
}

// shortenLeases shortens those that end later than their length from now.
func (s *Store) shortenLeases(ctx context.Context) (shortened int, err error) {
	lists, err := query(ctx, s, scanNo, s.q.longLeases)
	if err != nil {
		return 0, err
	}
	for _, no := range lists {
		some, err := query(ctx, s, scanName, s.q.shorten, no, math.MaxInt32)
		if err != nil {
			return 0, err
		}
		shortened += len(some)
		if _, err := s.exec(ctx, s.q.dropLong, no); err != nil {
			return 0, err
		}
	}
	return shortened, nil
}

// Tidy implements task.SystemStore.
func (s *Store) Tidy(ctx context.Context) (shortened int, err error) {
	err = s.atomically(ctx, func(ctx context.Context) (err error) {
		delayed, err := s.exec(ctx, s.q.shortenDelayed)
		if err != nil {
			return err
		}
		leases, err := s.shortenLeases(ctx)
		if err != nil {
			return err
		}
		shortened = delayed + leases
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
