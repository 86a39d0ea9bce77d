package tasksql

import (
	"context"
	"time"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/storage/sqlstore"
	"github.com/trothdev/troth/task"
)

func scanDisposal(rows *sqlstore.Rows) (d task.Disposal, err error) {
	var id []byte
	err = rows.Scan(&d.Tenant, &id, &d.DueAt, &d.Tries, &d.Reason)
	if err == nil && !fill(&d.Group, id) {
		err = errRow
	}
	return d, err
}

// addDue puts tasks that stood alone and have ended on a list.
func (s *Store) addDue(ctx context.Context, ended []task.Held) error {
	if len(ended) == 0 {
		return nil
	}
	args := s.heldArgs(ended)
	if s.postgres() {
		args = args[:2]
	}
	_, err := s.exec(ctx, s.q.addDue, args...)
	return err
}

// Disposals implements task.SystemStore.
func (s *Store) Disposals(ctx context.Context, limit int, hold time.Duration) (due []task.Disposal, err error) {
	err = s.atomically(ctx, func(ctx context.Context) error {
		if err := s.disposeOf(ctx, limit); err != nil {
			return err
		}
		if due, err = query(ctx, s, scanDisposal, s.q.disposals, limit); err != nil {
			return err
		}
		for i := range due {
			d := &due[i]
			if _, err := s.one(ctx, s.q.hold, []any{hold.Microseconds(), string(d.Tenant), d.Group[:]}, &d.DueAt); err != nil {
				return err
			}
		}
		return nil
	})
	return due, err
}

// dueList is a list of what is due, and since when.
type dueList struct{ no, at int64 }

func scanDueList(rows *sqlstore.Rows) (l dueList, err error) {
	err = rows.Scan(&l.no, &l.at)
	return l, err
}

// disposeOf makes disposals of lists of what is due, the earliest first, until there
// are so many: and of all lists of one instant, so that those come in their own order.
func (s *Store) disposeOf(ctx context.Context, limit int) error {
	for made, last := 0, int64(0); ; {
		lists, err := query(ctx, s, scanDueList, s.q.due)
		if err != nil || len(lists) == 0 || made >= limit && lists[0].at != last {
			return err
		}
		last = lists[0].at
		n, err := s.exec(ctx, s.q.disposeOf, lists[0].no)
		if err != nil {
			return err
		}
		made += n
		if _, err := s.exec(ctx, s.q.dropDue, lists[0].no); err != nil {
			return err
		}
	}
}

// Spent implements task.Store. The row of the group stays locked, which who
// joins it changes.
func (s *Store) Spent(ctx context.Context, tenant troth.Tenant, group task.ID) (spent, sealed bool, err error) {
	if s.h.Scope(ctx) == nil {
		return false, false, errNoTransaction
	}
	name := []any{string(tenant), group[:]}
	if err := s.lockGroup(ctx, tenant, group); err != nil {
		return false, false, err
	}
	var open int64
	named, err := s.one(ctx, s.q.countOpen, name, &open)
	if err != nil {
		return false, false, err
	}
	isOpen := open > 0
	var one int
	if !named {
		if isOpen, err = s.one(ctx, s.q.isOpen, name, &one); err != nil {
			return false, false, err
		}
	}
	if sealed, err = s.one(ctx, s.q.isSealed, append(name, name...), &one); err != nil {
		return false, false, err
	}
	if isOpen {
		_, err = s.exec(ctx, s.q.withdraw, name...)
	}
	return !isOpen, sealed, err
}

// lockGroup keeps others from joining the group and leaving it, where there is more
// than one writer.
func (s *Store) lockGroup(ctx context.Context, tenant troth.Tenant, group task.ID) error {
	if !s.postgres() {
		return nil
	}
	var one int
	_, err := s.one(ctx, s.q.lockGroup, []any{string(tenant), group[:]}, &one)
	return err
}

// Empty implements task.Store.
func (s *Store) Empty(ctx context.Context, tenant troth.Tenant, group task.ID) error {
	return s.atomically(ctx, func(ctx context.Context) error {
		for _, text := range []string{s.q.emptyOne, s.q.emptyGroup, s.q.dropGroup, s.q.withdraw} {
			if _, err := s.exec(ctx, text, string(tenant), group[:]); err != nil {
				return err
			}
		}
		_, err := s.exec(ctx, s.q.unseal, string(tenant), group[:], group[:])
		return err
	})
}

// Postpone implements task.Store.
func (s *Store) Postpone(ctx context.Context, p task.Postponement) error {
	by, tenant := p.By.Microseconds(), string(p.Tenant)
	args := []any{by, p.Reason, tenant, p.Group[:]}
	return s.atomically(ctx, func(ctx context.Context) error {
		n, err := s.exec(ctx, s.q.postpone, args...)
		if err == nil && n == 0 {
			_, err = s.exec(ctx, s.q.putOff, args...)
		}
		return err
	})
}

// Undisposed implements task.Store.
func (s *Store) Undisposed(ctx context.Context, p task.DisposalPage) ([]task.Disposal, error) {
	tenant, after := string(p.Tenant), p.After[:]
	return query(ctx, s, scanDisposal, s.q.undisposed, tenant, after, tenant, after, p.Limit)
}

// Finished implements task.SystemStore.
func (s *Store) Finished(ctx context.Context, p task.FinishedPage) ([]task.Row, error) {
	return query(ctx, s, scanRow, s.q.finished, p.AfterCreated, p.AfterID[:], p.Before, p.Limit)
}

// Remove implements task.Store.
func (s *Store) Remove(ctx context.Context, r task.Removal) (removed int, err error) {
	err = s.atomically(ctx, func(ctx context.Context) error {
		if s.postgres() {
			removed, err = s.removeAll(ctx, r)
			return err
		}
		removed = 0
		for _, id := range r.IDs {
			n, err := s.exec(ctx, s.q.remove, string(r.Tenant), id[:], r.Before)
			if err != nil {
				return err
			}
			if n == 0 {
				continue
			}
			removed++
			for _, text := range []string{s.q.removeTask, s.q.removeEdges} {
				if _, err := s.exec(ctx, text, string(r.Tenant), id[:]); err != nil {
					return err
				}
			}
		}
		return nil
	})
	return removed, err
}

func (s *Store) removeAll(ctx context.Context, r task.Removal) (int, error) {
	all := func(of []task.ID) string { return ids(len(of), func(i int) task.ID { return of[i] }) }
	gone, err := query(ctx, s, scanID, s.q.removeAll, string(r.Tenant), all(r.IDs), r.Before)
	if err != nil || len(gone) == 0 {
		return 0, err
	}
	for _, text := range []string{s.q.removeAllTasks, s.q.removeAllEdges} {
		if _, err := s.exec(ctx, text, string(r.Tenant), all(gone)); err != nil {
			return 0, err
		}
	}
	return len(gone), nil
}
