package tasksql

import (
	"context"
	"crypto/sha256"
	"encoding/binary"

	"github.com/trothdev/troth/storage/sqlstore"
	"github.com/trothdev/troth/task"
)

// limits are those of one kind, while a claim is made.
type limits struct {
	s   *Store
	k   task.KindClaim
	now int64
	// count is how many of the kind run, by line; next is the rate of the whole.
	count map[task.Line]int
	all   int
	next  int64
}

type lineCount struct {
	line task.Line
	n    int
}

func scanLineCount(rows *sqlstore.Rows) (c lineCount, err error) {
	err = rows.Scan(&c.line.Tenant, &c.line.Name, &c.n)
	return c, err
}

// limits reads what bounds the kind now. Whoever claims tasks of a kind with
// limits does so alone: free is false where somebody else is at it, who will
// claim what there is.
func (s *Store) limits(ctx context.Context, k task.KindClaim) (l *limits, free bool, err error) {
	l = &limits{s: s, k: k}
	if !limited(k) {
		return l, true, nil
	}
	if s.postgres() {
		if _, err := s.one(ctx, s.q.tryLimits, []any{limitKey(k.Kind)}, &free); err != nil || !free {
			return nil, false, err
		}
	}
	if _, err := s.one(ctx, s.q.currentInstant, nil, &l.now); err != nil {
		return nil, false, err
	}
	running, err := query(ctx, s, scanLineCount, s.q.running, k.Kind, k.Kind)
	if err != nil {
		return nil, false, err
	}
	l.count = make(map[task.Line]int, len(running))
	for _, c := range running {
		l.count[c.line] = c.n
		l.all += c.n
	}
	if k.Whole.Every > 0 {
		l.next, err = l.rate(ctx, task.Line{})
	}
	return l, true, err
}

func (l *limits) rate(ctx context.Context, line task.Line) (next int64, err error) {
	_, err = l.s.one(ctx, l.s.q.rate, []any{l.k.Kind, string(line.Tenant), line.Name}, &next)
	return next, err
}

func (l *limits) whole(want int) int { return l.k.Whole.Admits(l.now, l.next, l.all, want) }

func (l *limits) line(ctx context.Context, line task.Line, want int) (int, error) {
	if l.k.PerLine == (task.Limit{}) || want == 0 {
		return want, nil
	}
	var next int64
	if l.k.PerLine.Every > 0 {
		var err error
		if next, err = l.rate(ctx, line); err != nil {
			return 0, err
		}
	}
	return l.k.PerLine.Admits(l.now, next, l.count[line], want), nil
}

// ended takes one that ran out of the count.
func (l *limits) ended(line task.Line) {
	if l.count != nil {
		l.count[line]--
		l.all--
	}
}

// began counts tasks that begin now.
func (l *limits) began(ctx context.Context, line task.Line, n int) error {
	if n == 0 {
		return nil
	}
	if l.k.Whole.Every > 0 {
		l.next = l.k.Whole.Next(l.now, l.next, n)
		if err := l.set(ctx, task.Line{}, l.next); err != nil {
			return err
		}
	}
	if l.k.PerLine.Every > 0 {
		next, err := l.rate(ctx, line)
		if err != nil {
			return err
		}
		return l.set(ctx, line, l.k.PerLine.Next(l.now, next, n))
	}
	return nil
}

func (l *limits) set(ctx context.Context, line task.Line, next int64) error {
	_, err := l.s.exec(ctx, l.s.q.setRate, l.k.Kind, string(line.Tenant), line.Name, next)
	return err
}

// hash makes the key of an advisory lock. Two that share one only wait for each
// other.
func hash(text string) int64 {
	sum := sha256.Sum256([]byte(text))
	return int64(binary.BigEndian.Uint64(sum[:8]))
}
