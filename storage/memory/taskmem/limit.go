package taskmem

import (
	"context"

	"github.com/trothdev/troth/task"
)

// limits are those of one kind, while a claim is made.
type limits struct {
	s   *Store
	k   task.KindClaim
	now int64
	// running counts the tasks of the kind by line; next are rates.
	running map[task.Line]int
	all     int
	next    int64
}

func (s *Store) limits(ctx context.Context, k task.KindClaim) (*limits, error) {
	l := &limits{s: s, k: k, now: s.micros(), running: map[task.Line]int{}}
	if k.Whole == (task.Limit{}) && k.PerLine == (task.Limit{}) {
		return l, nil
	}
	rows, err := s.tasks.Scan(ctx, nil, 0, func(_ task.Name, r record) bool {
		return r.Kind == k.Kind && r.State == task.Running
	})
	if err != nil {
		return nil, err
	}
	l.all = len(rows)
	for _, r := range rows {
		l.running[lineOf(r.Value)]++
	}
	l.next, _, err = s.rates.Get(ctx, rate{kind: k.Kind})
	return l, err
}

func (l *limits) whole(want int) int { return l.k.Whole.Admits(l.now, l.next, l.all, want) }

func (l *limits) line(ctx context.Context, line task.Line, want int) (int, error) {
	next, _, err := l.s.rates.Get(ctx, rate{l.k.Kind, line})
	return l.k.PerLine.Admits(l.now, next, l.running[line], want), err
}

// began counts tasks that begin now.
func (l *limits) began(ctx context.Context, line task.Line, n int) error {
	if n == 0 {
		return nil
	}
	if l.k.Whole.Every > 0 {
		l.next = l.k.Whole.Next(l.now, l.next, n)
		if err := l.s.rates.Put(ctx, rate{kind: l.k.Kind}, l.next); err != nil {
			return err
		}
	}
	if l.k.PerLine.Every > 0 {
		next, _, err := l.s.rates.Get(ctx, rate{l.k.Kind, line})
		if err != nil {
			return err
		}
		return l.s.rates.Put(ctx, rate{l.k.Kind, line}, l.k.PerLine.Next(l.now, next, n))
	}
	return nil
}
