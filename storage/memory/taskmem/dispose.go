package taskmem

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/storage/memory"
	"github.com/trothdev/troth/task"
)

// Disposals implements task.SystemStore.
func (s *Store) Disposals(ctx context.Context, limit int, hold time.Duration) (due []task.Disposal, err error) {
	err = s.db.Atomically(ctx, func(ctx context.Context) error {
		due = nil
		now := s.micros()
		rows, err := s.disposals.Scan(ctx, nil, 0, func(_ task.Name, d task.Disposal) bool { return d.DueAt <= now })
		if err != nil {
			return err
		}
		slices.SortStableFunc(rows, func(a, b memory.Row[task.Name, task.Disposal]) int {
			return cmp.Compare(a.Value.DueAt, b.Value.DueAt)
		})
		for _, row := range rows[:min(limit, len(rows))] {
			d := row.Value
			d.DueAt = now + hold.Microseconds()
			due = append(due, d)
			if err := s.disposals.Put(ctx, row.Key, d); err != nil {
				return err
			}
		}
		return nil
	})
	return due, err
}

// members returns the tasks of a group.
func (s *Store) members(ctx context.Context, tenant troth.Tenant, group task.ID) ([]memory.Row[task.Name, record], error) {
	return s.tasks.Scan(ctx, nil, 0, func(n task.Name, r record) bool { return n.Tenant == tenant && r.Group == group })
}

// Spent implements task.Store.
func (s *Store) Spent(ctx context.Context, tenant troth.Tenant, group task.ID) (spent, sealed bool, err error) {
	if s.db.Scope(ctx) == nil {
		return false, false, errNoTransaction
	}
	rows, err := s.members(ctx, tenant, group)
	if err != nil {
		return false, false, err
	}
	_, g, named, err := s.group(ctx, tenant, group)
	if err != nil {
		return false, false, err
	}
	spent = g.open == 0
	for _, row := range rows {
		spent = spent && (named || !row.Value.State.Open())
		sealed = sealed || row.Value.Payload != nil || row.Value.Instructions != nil
	}
	if !spent {
		_, err = s.disposals.Delete(ctx, task.Name{Tenant: tenant, ID: group})
	}
	return spent, sealed, err
}

// Empty implements task.Store.
func (s *Store) Empty(ctx context.Context, tenant troth.Tenant, id task.ID) error {
	return s.db.Atomically(ctx, func(ctx context.Context) error {
		rows, err := s.members(ctx, tenant, id)
		if err != nil {
			return err
		}
		for _, row := range rows {
			r := row.Value
			r.Payload, r.Instructions = nil, nil
			if err := s.put(ctx, r); err != nil {
				return err
			}
		}
		name, _, found, err := s.group(ctx, tenant, id)
		if err != nil {
			return err
		}
		if found {
			if _, err := s.groups.Delete(ctx, name); err != nil {
				return err
			}
		}
		_, err = s.disposals.Delete(ctx, task.Name{Tenant: tenant, ID: id})
		return err
	})
}

// Postpone implements task.Store.
func (s *Store) Postpone(ctx context.Context, p task.Postponement) error {
	return s.db.Atomically(ctx, func(ctx context.Context) error {
		name := task.Name{Tenant: p.Tenant, ID: p.Group}
		d, found, err := s.disposals.Get(ctx, name)
		if err != nil || !found {
			return err
		}
		d.DueAt, d.Reason = s.micros()+p.By.Microseconds(), p.Reason
		d.Tries++
		return s.disposals.Put(ctx, name, d)
	})
}

// Undisposed implements task.Store.
func (s *Store) Undisposed(ctx context.Context, p task.DisposalPage) ([]task.Disposal, error) {
	after := task.Name{Tenant: p.Tenant, ID: p.After}
	rows, err := s.disposals.Scan(ctx, &after, p.Limit, func(n task.Name, _ task.Disposal) bool { return n.Tenant == p.Tenant })
	out := make([]task.Disposal, len(rows))
	for i, r := range rows {
		out[i] = r.Value
	}
	return out, err
}

// Finished implements task.SystemStore.
func (s *Store) Finished(ctx context.Context, p task.FinishedPage) ([]task.Row, error) {
	rows, err := s.tasks.Scan(ctx, nil, 0, func(_ task.Name, r record) bool {
		later := cmp.Or(cmp.Compare(r.CreatedAt, p.AfterCreated), compareIDs(r.ID, p.AfterID)) > 0
		return later && !r.State.Open() && r.EndedAt < p.Before
	})
	slices.SortFunc(rows, func(a, b memory.Row[task.Name, record]) int {
		return cmp.Or(cmp.Compare(a.Value.CreatedAt, b.Value.CreatedAt), compareIDs(a.Value.ID, b.Value.ID))
	})
	return light(rows[:min(p.Limit, len(rows))]), err
}

// Remove implements task.Store.
func (s *Store) Remove(ctx context.Context, p task.Removal) (removed int, err error) {
	err = s.db.Atomically(ctx, func(ctx context.Context) error {
		removed = 0
		for _, id := range p.IDs {
			r, found, err := s.get(ctx, task.Name{Tenant: p.Tenant, ID: id})
			if err != nil {
				return err
			}
			if !found || r.State.Open() || r.EndedAt >= p.Before || r.Payload != nil || r.Instructions != nil {
				continue
			}
			if err := s.remove(ctx, r); err != nil {
				return err
			}
			removed++
		}
		return nil
	})
	return removed, err
}

func (s *Store) remove(ctx context.Context, r record) error {
	edges, err := s.edges.Scan(ctx, nil, 0, func(e edge, _ struct{}) bool { return e.after == r.Name || e.before == r.Name })
	if err != nil {
		return err
	}
	for _, e := range edges {
		if _, err := s.edges.Delete(ctx, e.Key); err != nil {
			return err
		}
	}
	if r.Key != "" {
		if _, err := s.keys.Delete(ctx, keyName{r.Tenant, r.Kind, r.Key}); err != nil {
			return err
		}
	}
	_, err = s.tasks.Delete(ctx, r.Name)
	return err
}
