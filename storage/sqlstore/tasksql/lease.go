package tasksql

import (
	"context"
	"time"

	"github.com/trothdev/troth/storage/sqlstore"
	"github.com/trothdev/troth/task"
)

// leaseList is when leases end, how long they are, and the kind of their list: none for
// what runs under a limit.
type leaseList struct {
	until, span int64
	kind        string
}

// sought is what a task that runs is looked for as, see the migrations.
func sought(k task.KindClaim) int {
	if limited(k) {
		return 3
	}
	return 0
}

func leasedKindOf(k task.KindClaim) string {
	if limited(k) {
		return ""
	}
	return k.Kind
}

// addLease adds a list of leases; on PostgreSQL, where claims of many do so
// themselves, a list of one.
func (s *Store) addLease(ctx context.Context, l leaseList, held []task.Held) (err error) {
	if s.postgres() {
		_, err = s.exec(ctx, s.q.addLease, l.until, l.span, l.kind, string(held[0].Tenant), held[0].ID[:])
	} else {
		_, err = s.exec(ctx, s.q.addLease, l.until, l.span, l.kind, heldList(held))
	}
	return err
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

// extended is a claim whose lease was extended.
type extended struct {
	task.Held
	until int64
	kind  string
}

func scanExtended(rows *sqlstore.Rows) (x extended, err error) {
	var id []byte
	err = rows.Scan(&x.Tenant, &id, &x.Fence, &x.until, &x.kind)
	if err == nil && !fill(&x.ID, id) {
		err = errRow
	}
	return x, err
}

// extend extends leases on SQLite, which asks for the time with each. All are on a
// list that ends with the last of them.
func (s *Store) extend(ctx context.Context, held []task.Held, us int64) (lost []task.Name, err error) {
	kept := make(map[string][]task.Held)
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
		x := xs[0]
		kept[x.kind] = append(kept[x.kind], x.Held)
		until = max(until, x.until)
	}
	for kind, held := range kept {
		if err := s.addLease(ctx, leaseList{until, us, kind}, held); err != nil {
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
		is[h] = true
	}
	for _, h := range held {
		if !is[h] {
			lost = append(lost, h.Name)
		}
	}
	return lost
}
