package tasksql

import (
	"context"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/storage/sqlstore"
	"github.com/trothdev/troth/task"
)

// InsertAll implements task.Store.
func (s *Store) InsertAll(ctx context.Context, ns []task.NewTask) (all []task.Inserted, err error) {
	if len(ns) == 0 {
		return nil, nil
	}
	err = s.h.Atomically(ctx, func(ctx context.Context) error {
		if s.postgres() {
			all, err = s.insertAll(ctx, ns)
			return err
		}
		all = make([]task.Inserted, len(ns))
		for i, n := range ns {
			if all[i].ID, all[i].New, err = s.insert(ctx, n); err != nil {
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

// workKey is what makes two tasks the same.
type workKey struct {
	tenant    troth.Tenant
	kind, key string
}

// keyed is the task of a key.
type keyed struct {
	workKey
	id task.ID
}

func scanKeyed(rows *sqlstore.Rows) (k keyed, err error) {
	var id []byte
	err = rows.Scan(&k.tenant, &k.kind, &k.key, &id)
	if err == nil && !fill(&k.id, id) {
		err = errRow
	}
	return k, err
}

// insertAll adds tasks on PostgreSQL with one statement. Of those that it did not
// add another looks for the equal ones.
func (s *Store) insertAll(ctx context.Context, ns []task.NewTask) ([]task.Inserted, error) {
	text := func(of func(n task.NewTask) string) string {
		return texts(len(ns), func(i int) string { return of(ns[i]) })
	}
	number := func(of func(n task.NewTask) int64) string {
		return ints(len(ns), func(i int) int64 { return of(ns[i]) })
	}
	added, err := query(ctx, s, scanName, s.q.insertAll,
		text(func(n task.NewTask) string { return string(n.Tenant) }),
		ids(len(ns), func(i int) task.ID { return ns[i].ID }),
		text(func(n task.NewTask) string { return n.Kind }), text(func(n task.NewTask) string { return n.Key }),
		text(func(n task.NewTask) string { return n.Line }), number(func(n task.NewTask) int64 { return n.CreatedAt }),
		number(func(n task.NewTask) int64 { return n.Deadline }), number(func(n task.NewTask) int64 { return n.NotBefore }),
		number(func(n task.NewTask) int64 { return int64(n.Alarm.Stage) }), number(func(n task.NewTask) int64 { return n.Alarm.At }))
	if err != nil {
		return nil, err
	}
	is := make(map[task.Name]bool, len(added))
	for _, n := range added {
		is[n] = true
	}
	all := make([]task.Inserted, len(ns))
	var known []int
	for i, n := range ns {
		if all[i] = (task.Inserted{ID: n.ID, New: is[n.Name]}); !all[i].New {
			known = append(known, i)
		}
	}
	return all, s.findAll(ctx, ns, known, all)
}

// findAll sets the ids of tasks that equal those at the given places.
func (s *Store) findAll(ctx context.Context, ns []task.NewTask, places []int, all []task.Inserted) error {
	if len(places) == 0 {
		return nil
	}
	text := func(of func(n task.NewTask) string) string {
		return texts(len(places), func(i int) string { return of(ns[places[i]]) })
	}
	found, err := query(ctx, s, scanKeyed, s.q.findAll, text(func(n task.NewTask) string { return string(n.Tenant) }),
		text(func(n task.NewTask) string { return n.Kind }), text(func(n task.NewTask) string { return n.Key }))
	if err != nil {
		return err
	}
	is := make(map[workKey]task.ID, len(found))
	for _, k := range found {
		is[k.workKey] = k.id
	}
	for _, at := range places {
		id, ok := is[workKey{ns[at].Tenant, ns[at].Kind, ns[at].Key}]
		if !ok {
			return errRow // the id is taken, by a task of another key
		}
		all[at].ID = id
	}
	return nil
}
