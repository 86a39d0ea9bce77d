package taskmem

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/trothdev/troth/storage/memory"
	"github.com/trothdev/troth/task"
)

// Task implements task.Store.
func (s *Store) Task(ctx context.Context, n task.Name) (task.Row, bool, error) {
	r, found, err := s.get(ctx, n)
	return r.Row, found, err
}

// Tasks implements task.Store.
func (s *Store) Tasks(ctx context.Context, p task.Page) ([]task.Row, error) {
	after := task.Name{Tenant: p.Tenant, ID: p.After}
	rows, err := s.tasks.Scan(ctx, &after, p.Limit, func(n task.Name, r record) bool {
		return n.Tenant == p.Tenant && (p.State == "" || r.State == p.State) && (p.Owner == "" || r.Owner == p.Owner)
	})
	return light(rows), err
}

// light returns rows without what is sealed.
func light(rows []memory.Row[task.Name, record]) []task.Row {
	out := make([]task.Row, len(rows))
	for i, r := range rows {
		out[i] = r.Value.Row
		out[i].Payload, out[i].Instructions = nil, nil
	}
	return out
}

// Counts implements task.Store.
func (s *Store) Counts(ctx context.Context, c task.CountSince) ([]task.Count, error) {
	rows, err := s.tasks.Scan(ctx, nil, 0, func(n task.Name, _ record) bool { return n.Tenant == c.Tenant })
	if err != nil {
		return nil, err
	}
	type cell struct {
		kind  string
		state task.State
	}
	counts := map[cell]*task.Count{}
	for _, row := range rows {
		r := row.Value
		at := cell{r.Kind, r.State}
		n := counts[at]
		if n == nil {
			n = &task.Count{Kind: r.Kind, State: r.State}
			counts[at] = n
		}
		n.N++
		if !r.State.Open() && r.EndedAt >= c.Since {
			n.Recent++
		}
		if r.State == task.Waiting && (n.Oldest == 0 || r.WakeAt < n.Oldest) {
			n.Oldest = r.WakeAt
		}
	}
	out := make([]task.Count, 0, len(counts))
	for _, n := range counts {
		out = append(out, *n)
	}
	slices.SortFunc(out, func(a, b task.Count) int {
		return cmp.Or(strings.Compare(a.Kind, b.Kind), cmp.Compare(a.State, b.State))
	})
	return out, nil
}

// manual changes a task that waits for a person, unless change says no.
func (s *Store) manual(ctx context.Context, n task.Name, change func(*record) bool) (changed bool, err error) {
	err = s.db.Atomically(ctx, func(ctx context.Context) error {
		r, found, err := s.get(ctx, n)
		changed = err == nil && found && r.State == task.Manual && change(&r)
		if !changed {
			return err
		}
		return s.put(ctx, r)
	})
	return changed && err == nil, err
}

// Assign implements task.Store.
func (s *Store) Assign(ctx context.Context, a task.Assignment) (bool, error) {
	return s.manual(ctx, a.Name, func(r *record) bool {
		if a.From != "" && a.From != r.Owner {
			return false
		}
		r.Owner = a.Owner
		if a.Due != 0 {
			r.ManualDue = a.Due
		}
		return true
	})
}

// Resume implements task.Store.
func (s *Store) Resume(ctx context.Context, n task.Name) (bool, error) {
	return s.manual(ctx, n, func(r *record) bool {
		r.State, r.WakeAt, r.Attempt = task.Waiting, s.micros(), 0
		r.Owner, r.ManualDue = "", 0
		return true
	})
}
