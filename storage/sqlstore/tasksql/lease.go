package tasksql

import (
	"context"
	"time"

	"github.com/trothdev/troth/storage/sqlstore"
	"github.com/trothdev/troth/task"
)

// sought is what a task that runs is looked for as, see the migrations.
func sought(k task.KindClaim) int {
	if limited(k) {
		return 3
	}
	return 0
}

// leasedKindOf is the kind of its list: none for what runs under a limit.
func leasedKindOf(k task.KindClaim) string {
	if limited(k) {
		return ""
	}
	return k.Kind
}

// Extend implements task.SystemStore.
func (s *Store) Extend(ctx context.Context, held []task.Held, lease time.Duration) (lost []task.Name, err error) {
	if len(held) == 0 {
		return nil, nil
	}
	us := lease.Microseconds()
	if s.postgres() {
		args := append(s.heldArgs(held), us)
		kept, err := query(ctx, s, scanHeld, s.q.extendAll, args...)
		if err != nil {
			return nil, err
		}
		return missing(held, kept), nil
	}
	err = s.atomically(ctx, func(ctx context.Context) (err error) {
		lost, err = s.extend(ctx, held, us)
		return err
	})
	return lost, err
}

// extended is a lease that was extended, on SQLite.
type extended struct {
	place, until int64
	kind         string
}

func scanExtended(rows *sqlstore.Rows) (x extended, err error) {
	err = rows.Scan(&x.place, &x.until, &x.kind)
	return x, err
}

// extend extends leases on SQLite, which asks for the time with each. All are on a
// list that ends with the last of them.
func (s *Store) extend(ctx context.Context, held []task.Held, us int64) (lost []task.Name, err error) {
	kept := make(map[string][]int64)
	var until int64
	for _, h := range held {
		xs, err := query(ctx, s, scanExtended, s.q.extend, us, us, string(h.Tenant), h.ID[:], h.Fence)
		switch {
		case err != nil:
			return nil, err
		case len(xs) == 0:
			lost = append(lost, h.Name)
			continue
		}
		kept[xs[0].kind] = append(kept[xs[0].kind], xs[0].place)
		until = max(until, xs[0].until)
	}
	for kind, places := range kept {
		if _, err := s.exec(ctx, s.q.addLeases, until, us, kind, intList(len(places), func(i int) int64 { return places[i] })); err != nil {
			return nil, err
		}
	}
	return lost, nil
}

// missing returns the names of those that are not among the others.
func missing(held, kept []task.Held) (lost []task.Name) {
	if len(held) == len(kept) {
		return nil
	}
	is := make(map[task.Held]bool, len(kept))
	for _, h := range kept {
		is[unplaced(h)] = true
	}
	for _, h := range held {
		if !is[unplaced(h)] {
			lost = append(lost, h.Name)
		}
	}
	return lost
}
