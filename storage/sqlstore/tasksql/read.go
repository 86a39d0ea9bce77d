package tasksql

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/trothdev/troth/storage/sqlstore"
	"github.com/trothdev/troth/task"
)

// Tasks implements task.Store.
func (s *Store) Tasks(ctx context.Context, p task.Page) ([]task.Row, error) {
	page := []any{string(p.Tenant), p.After[:]}
	switch {
	case p.State == "" && p.Owner == "":
		return query(ctx, s, scanRow, s.q.tasks, append(page, p.Limit)...)
	case p.Owner != "" && (p.State == "" || p.State == task.Manual): // nobody else has an owner
		return query(ctx, s, scanRow, s.q.tasksManual, append(page, p.Owner, p.Limit)...)
	}
	return query(ctx, s, scanRow, s.q.tasksIn, append(page, codes[p.State], p.Owner, p.Owner, p.Limit)...)
}

// Counts implements task.Store.
func (s *Store) Counts(ctx context.Context, c task.CountSince) ([]task.Count, error) {
	all, err := query(ctx, s, scanCount, s.q.counts, c.Since, string(c.Tenant))
	if err != nil {
		return nil, err
	}
	slices.SortFunc(all, func(a, b task.Count) int {
		return cmp.Or(strings.Compare(a.Kind, b.Kind), cmp.Compare(a.State, b.State))
	})
	return all, nil
}

func scanCount(rows *sqlstore.Rows) (c task.Count, err error) {
	var state int64
	err = rows.Scan(&c.Kind, &state, &c.N, &c.Recent, &c.Oldest)
	if c.State = states[state]; err == nil && c.State == "" {
		err = errRow
	}
	return c, err
}

// Assign implements task.Store.
func (s *Store) Assign(ctx context.Context, a task.Assignment) (bool, error) {
	n, err := s.exec(ctx, s.q.assign, a.Owner, a.Due, a.Due, string(a.Tenant), a.ID[:], a.From, a.From)
	return n > 0, err
}

// Resume implements task.Store.
func (s *Store) Resume(ctx context.Context, n task.Name) (bool, error) {
	changed, err := s.exec(ctx, s.q.resume, string(n.Tenant), n.ID[:])
	return changed > 0, err
}
