package taskmem

import (
	"context"
	"time"

	"github.com/trothdev/troth/storage/memory"
	"github.com/trothdev/troth/task"
)

// Claim implements task.SystemStore.
func (s *Store) Claim(ctx context.Context, c task.Claim) (rows []task.Row, err error) {
	err = s.db.Atomically(ctx, func(ctx context.Context) error {
		rows = nil
		busy, err := s.busy(ctx, c.Kinds)
		if err != nil {
			return err
		}
		for i, k := range busy {
			k.Limit = k.Share(c.Limit-len(rows), len(busy)-i)
			taken, err := s.claimKind(ctx, k, c.Lease)
			if err != nil {
				return err
			}
			rows = append(rows, taken...)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return rows, nil
}

// busy returns the kinds that have something waiting.
func (s *Store) busy(ctx context.Context, kinds []task.KindClaim) (busy []task.KindClaim, err error) {
	for _, k := range kinds {
		next, err := s.linesBehind(ctx, k.Kind, task.Line{}, nil, nil)
		if err != nil {
			return nil, err
		}
		if len(next) > 0 {
			busy = append(busy, k)
		}
	}
	return busy, nil
}

func (s *Store) claimKind(ctx context.Context, k task.KindClaim, lease time.Duration) (rows []task.Row, err error) {
	if k.Limit <= 0 {
		return nil, nil
	}
	l, err := s.limits(ctx, k)
	if err != nil {
		return nil, err
	}
	lines, err := s.lines(ctx, k, l)
	if err != nil || len(lines) == 0 {
		return nil, err
	}
	left := l.whole(k.Limit)
	share := (left + len(lines) - 1) / len(lines)
	for _, line := range lines {
		n, err := l.line(ctx, line, min(share, left))
		if err != nil {
			return nil, err
		}
		waiting, err := s.waitingOf(ctx, k.Kind, line, n)
		if err != nil {
			return nil, err
		}
		for _, t := range waiting {
			row, err := s.take(ctx, task.Name{Tenant: line.Tenant, ID: t.Key.id}, lease)
			if err != nil {
				return nil, err
			}
			rows = append(rows, row)
		}
		if err := l.began(ctx, line, len(waiting)); err != nil {
			return nil, err
		}
		left -= len(waiting)
	}
	return rows, nil
}

// lines returns the lines of the kind that have something waiting and are not at
// their limit: those behind the given one first, and then from the beginning.
func (s *Store) lines(ctx context.Context, k task.KindClaim, l *limits) (found []task.Line, err error) {
	found, err = s.linesBehind(ctx, k.Kind, k.Behind, l, nil)
	if err != nil || k.Behind == (task.Line{}) {
		return found, err
	}
	return s.linesBehind(ctx, k.Kind, task.Line{}, l, found)
}

func (s *Store) linesBehind(ctx context.Context, kind string, at task.Line, l *limits, found []task.Line) ([]task.Line, error) {
	for len(found) < task.LinesAtOnce {
		// No task has the greatest instant and id; the zero line has none.
		after := turn{kind, at, 1<<63 - 1, lastID}
		next, err := s.waiting.Scan(ctx, &after, 1, nil)
		if err != nil {
			return nil, err
		}
		if len(next) == 0 || next[0].Key.kind != kind {
			return found, nil
		}
		at = next[0].Key.line
		if len(found) > 0 && found[0] == at {
			return found, nil // once around
		}
		if l != nil {
			n, err := l.line(ctx, at, 1)
			if err != nil {
				return nil, err
			}
			if n == 0 {
				continue
			}
		}
		found = append(found, at)
	}
	return found, nil
}

var lastID = func() (id task.ID) {
	for i := range id {
		id[i] = 0xff
	}
	return id
}()

func (s *Store) waitingOf(ctx context.Context, kind string, line task.Line, n int) ([]memory.Row[turn, struct{}], error) {
	if n <= 0 {
		return nil, nil
	}
	after := turn{kind: kind, line: line, at: -1 << 63}
	rows, err := s.waiting.Scan(ctx, &after, n, nil)
	if err != nil {
		return nil, err
	}
	for i, r := range rows {
		if r.Key.kind != kind || r.Key.line != line {
			return rows[:i], nil
		}
	}
	return rows, nil
}

// take claims one task.
func (s *Store) take(ctx context.Context, n task.Name, lease time.Duration) (task.Row, error) {
	r, _, err := s.get(ctx, n)
	if err != nil {
		return task.Row{}, err
	}
	r.State, r.span = task.Running, lease.Microseconds()
	r.WakeAt = s.micros() + r.span
	r.Attempt++
	r.Fence++
	return r.Row, s.put(ctx, r)
}

// ClaimOne implements task.SystemStore.
func (s *Store) ClaimOne(ctx context.Context, n task.Name, k task.KindClaim, lease time.Duration) (row task.Row, claimed bool, err error) {
	err = s.db.Atomically(ctx, func(ctx context.Context) error {
		r, found, err := s.get(ctx, n)
		if err != nil || !found || r.Kind != k.Kind {
			return err
		}
		free := r.State == task.Waiting || (r.State == task.Delayed || r.State == task.Running) && r.WakeAt <= s.micros()
		if !free {
			return nil
		}
		if r.State == task.Running { // it is nobody's any more, and does not count
			r.State, r.WakeAt = task.Waiting, s.micros()
			if err := s.put(ctx, r); err != nil {
				return err
			}
		}
		l, err := s.limits(ctx, k)
		if err != nil {
			return err
		}
		may, err := l.line(ctx, lineOf(r), l.whole(1))
		if err != nil || may == 0 {
			return err
		}
		if row, err = s.take(ctx, n, lease); err != nil {
			return err
		}
		claimed = true
		return l.began(ctx, lineOf(r), 1)
	})
	if err != nil {
		return task.Row{}, false, err
	}
	return row, claimed, nil
}

// Extend implements task.SystemStore.
func (s *Store) Extend(ctx context.Context, held []task.Held, lease time.Duration) (lost []task.Name, err error) {
	err = s.db.Atomically(ctx, func(ctx context.Context) error {
		lost = nil
		for _, h := range held {
			r, found, err := s.get(ctx, h.Name)
			if err != nil {
				return err
			}
			if !found || r.State != task.Running || r.Fence != h.Fence {
				lost = append(lost, h.Name)
				continue
			}
			r.span = lease.Microseconds()
			r.WakeAt = s.micros() + r.span
			if err := s.put(ctx, r); err != nil {
				return err
			}
		}
		return nil
	})
	return lost, err
}
