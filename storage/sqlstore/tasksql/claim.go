package tasksql

import (
	"context"
	"time"

	"github.com/trothdev/troth/storage/sqlstore"
	"github.com/trothdev/troth/task"
)

// Claim implements task.SystemStore. Whether there is anything to claim is asked
// outside of a transaction, so that an idle worker is in nobody's way.
func (s *Store) Claim(ctx context.Context, c task.Claim) (rows []task.Row, err error) {
	kinds, err := s.waiting(ctx, c.Kinds)
	if err != nil || len(kinds) == 0 {
		return nil, err
	}
	if s.postgres() && s.h.Scope(ctx) == nil {
		// What is claimed is claimed: if another kind fails then, that is told when
		// it fails again.
		if rows, err = s.claimKinds(ctx, kinds, c); len(rows) > 0 {
			return rows, nil
		}
		return nil, err
	}
	err = s.atomically(ctx, func(ctx context.Context) error {
		rows, err = s.claimKinds(ctx, kinds, c)
		return err
	})
	if err != nil {
		return nil, err
	}
	return rows, nil
}

// claimKinds shares the claim out. With an error it returns what was claimed
// before.
func (s *Store) claimKinds(ctx context.Context, kinds []task.KindClaim, c task.Claim) (rows []task.Row, err error) {
	for i, k := range kinds {
		if k.Limit = k.Share(c.Limit-len(rows), len(kinds)-i); k.Limit <= 0 {
			continue
		}
		var taken []task.Row
		if s.postgres() && !limited(k) {
			taken, err = single(ctx, s, k.Limit, scanTaken(k.Kind), s.q.claim, k.Kind, string(k.Behind.Tenant), k.Behind.Name, c.Lease.Microseconds(), k.Limit)
		} else {
			err = s.atomically(ctx, func(ctx context.Context) error {
				taken, err = s.claimLines(ctx, k, c.Lease)
				return err
			})
		}
		if err != nil {
			return rows, err
		}
		if rows == nil {
			rows = taken
		} else {
			rows = append(rows, taken...)
		}
	}
	return rows, nil
}

func scanText(rows *sqlstore.Rows) (t string, err error) {
	err = rows.Scan(&t)
	return t, err
}

// waiting returns the kinds that have something waiting, in their order.
func (s *Store) waiting(ctx context.Context, kinds []task.KindClaim) (busy []task.KindClaim, err error) {
	if s.postgres() && len(kinds) == 1 {
		return kinds, nil // looking costs as much as claiming
	}
	has := make(map[string]bool, len(kinds))
	if s.postgres() {
		names, err := query(ctx, s, scanText, s.q.waiting, texts(len(kinds), func(i int) string { return kinds[i].Kind }))
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			has[name] = true
		}
	}
	for _, k := range kinds {
		if k.Limit <= 0 {
			continue
		}
		if !s.postgres() {
			var one int
			if has[k.Kind], err = s.one(ctx, s.q.waiting, []any{k.Kind}, &one); err != nil {
				return nil, err
			}
		}
		if has[k.Kind] {
			busy = append(busy, k)
		}
	}
	return busy, nil
}

// claimLines claims tasks of one kind line by line.
func (s *Store) claimLines(ctx context.Context, k task.KindClaim, lease time.Duration) ([]task.Row, error) {
	l, free, err := s.limits(ctx, k)
	if err != nil || !free {
		return nil, err
	}
	left := l.whole(k.Limit)
	if left == 0 {
		return nil, nil
	}
	rooms, err := s.rooms(ctx, k, l)
	if err != nil || len(rooms) == 0 {
		return nil, err
	}
	share := (left + len(rooms) - 1) / len(rooms)
	t := s.taking(k, lease, left)
	for _, room := range rooms {
		n := min(share, left, room.n)
		if n == 0 {
			continue
		}
		taken, err := t.line(ctx, room.Line, n)
		if err != nil {
			return nil, err
		}
		left -= taken
		if err := l.began(ctx, room.Line, taken); err != nil {
			return nil, err
		}
	}
	return t.all(ctx)
}

// room is a line and how many of its tasks may begin.
type room struct {
	task.Line
	n int
}

// lookedAt is among how many lines a claim looks for some that are not at their
// limit.
const lookedAt = 4 * task.LinesAtOnce

// rooms returns lines that have something waiting and are not at their limit. Where
// it finds none among many the next claim goes on behind them, so that those at their
// limit hide nobody.
func (s *Store) rooms(ctx context.Context, k task.KindClaim, l *limits) (found []room, err error) {
	if at, ok := s.past.LoadAndDelete(k.Kind); ok {
		k.Behind = at.(task.Line)
	}
	seen := make(map[task.Line]bool)
	for len(seen) < lookedAt {
		lines, err := s.lines(ctx, k)
		if err != nil {
			return nil, err
		}
		for _, line := range lines {
			if seen[line] { // once around
				return found, nil
			}
			seen[line] = true
			n, err := l.line(ctx, line, k.Limit)
			if err != nil {
				return nil, err
			}
			if n > 0 {
				found = append(found, room{line, n})
			}
			if len(found) == task.LinesAtOnce {
				return found, nil
			}
		}
		if len(lines) < task.LinesAtOnce {
			return found, nil
		}
		k.Behind = lines[len(lines)-1]
	}
	if len(found) == 0 {
		s.past.Store(k.Kind, k.Behind)
	}
	return found, nil
}

// taking claims tasks of a kind, line by line.
type taking struct {
	s  *Store
	k  task.KindClaim
	us int64
	// rows are at most so many.
	rows []task.Row
	most int
	scan func(rows *sqlstore.Rows) (task.Row, error)
	// at is the line whose tasks are listed, on SQLite.
	at task.Line
}

func (s *Store) taking(k task.KindClaim, lease time.Duration, most int) *taking {
	t := &taking{s: s, k: k, us: lease.Microseconds(), most: most}
	if s.postgres() {
		t.scan = scanTaken(k.Kind)
		return t
	}
	listed := &takenScan{}
	listed.dest = listed.behind(&listed.r.Place)
	t.scan = func(rows *sqlstore.Rows) (task.Row, error) {
		return listed.scan(rows, task.Row{Name: task.Name{Tenant: t.at.Tenant}, Kind: k.Kind, Line: t.at.Name})
	}
	return t
}

// line takes up to n of a line. On SQLite there is one writer: what is listed is
// what will be taken, with that of all lines.
func (t *taking) line(ctx context.Context, line task.Line, n int) (taken int, err error) {
	before, text, args := len(t.rows), t.s.q.listLine, []any{t.k.Kind, string(line.Tenant), line.Name, n}
	if t.s.postgres() {
		text, args = t.s.q.claimLine, []any{t.k.Kind, string(line.Tenant), line.Name, t.us, n}
	}
	t.at = line
	rows, err := t.s.h.Querier(ctx).Query(ctx, text, args...)
	if t.rows, err = all(rows, err, t.rows, t.most, t.scan); err != nil {
		return 0, err
	}
	return len(t.rows) - before, nil
}

// all returns what was taken.
func (t *taking) all(ctx context.Context) ([]task.Row, error) {
	if t.s.postgres() || len(t.rows) == 0 {
		return t.rows, nil
	}
	var ends int64
	if _, err := t.s.one(ctx, t.s.q.leaseEnds, []any{t.us}, &ends); err != nil {
		return nil, err
	}
	places := intList(len(t.rows), func(i int) int64 { return t.rows[i].Place })
	taken, err := t.s.exec(ctx, t.s.q.takeListed, sought(t.k), t.us, ends, places)
	if err != nil || taken != len(t.rows) {
		return nil, orElse(err, errRow)
	}
	for i := range t.rows {
		r := &t.rows[i]
		r.WakeAt = ends
		r.Attempt++
		r.Fence++
	}
	_, err = t.s.exec(ctx, t.s.q.addLeases, ends, t.us, leasedKindOf(t.k), places)
	return t.rows, err
}

func orElse(err, other error) error {
	if err != nil {
		return err
	}
	return other
}

func scanLine(rows *sqlstore.Rows) (l task.Line, err error) {
	err = rows.Scan(&l.Tenant, &l.Name)
	return l, err
}

// lines returns the lines of the kind that have something waiting: those behind
// the given one first, and then from the beginning.
func (s *Store) lines(ctx context.Context, k task.KindClaim) ([]task.Line, error) {
	return query(ctx, s, scanLine, s.q.lines, k.Kind, string(k.Behind.Tenant), k.Behind.Name)
}

// ClaimOne implements task.SystemStore.
func (s *Store) ClaimOne(ctx context.Context, n task.Name, k task.KindClaim, lease time.Duration) (row task.Row, claimed bool, err error) {
	err = s.atomically(ctx, func(ctx context.Context) error {
		row, claimed = task.Row{}, false
		l, free, err := s.limits(ctx, k)
		if err != nil || !free {
			return err
		}
		line := task.Line{Tenant: n.Tenant}
		var phase int64
		found, err := s.one(ctx, s.q.free, []any{string(n.Tenant), n.ID[:], k.Kind}, &line.Name, &phase)
		if err != nil || !found {
			return err
		}
		if states[phase] == task.Running {
			l.ended(line) // it holds up nobody any more
		}
		may, err := l.line(ctx, line, l.whole(1))
		if err != nil || may == 0 {
			return err
		}
		us := lease.Microseconds()
		if _, err := s.exec(ctx, s.q.takeOne, sought(k), us, us, string(n.Tenant), n.ID[:]); err != nil {
			return err
		}
		if row, claimed, err = s.Task(ctx, n); err != nil {
			return err
		}
		if _, err := s.exec(ctx, s.q.addLeaseOf, row.WakeAt, us, leasedKindOf(k), string(n.Tenant), n.ID[:]); err != nil {
			return err
		}
		return l.began(ctx, line, 1)
	})
	if err != nil {
		return task.Row{}, false, err
	}
	return row, claimed, nil
}

// Task implements task.Store.
func (s *Store) Task(ctx context.Context, n task.Name) (task.Row, bool, error) {
	rows, err := query(ctx, s, scanRow, s.q.task, string(n.Tenant), n.ID[:])
	if err != nil || len(rows) == 0 {
		return task.Row{}, false, err
	}
	return rows[0], true, nil
}

// limitKey is the key of the advisory lock of a kind with limits.
func limitKey(kind string) int64 { return hash("troth.tasksql.limit/1\x00" + kind) }

// limited reports whether anything bounds the kind.
func limited(k task.KindClaim) bool { return k.Whole != (task.Limit{}) || k.PerLine != (task.Limit{}) }
