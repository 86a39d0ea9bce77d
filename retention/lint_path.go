package retention

import (
	"fmt"
	"slices"
	"strings"

	"github.com/trothdev/troth/deadline"
)

// Path is the longest way from the event of a promise to what it promises.
type Path struct {
	Class, Promise string
	// Parts add up to Days.
	Parts []Part
	Days  int
	// Within is how many days were promised, at the least.
	Within int
}

// Part is a term of a sum of days.
type Part struct {
	// Name is of a stage, a copy, a label, or "sweep" or "retry".
	Name string
	Days int
}

// Slack is how many days are left over; it is negative where the promise is
// broken.
func (p Path) Slack() int { return p.Within - p.Days }

// String prints the arithmetic in one line.
func (p Path) String() string {
	sum := sumOf(p.Parts, p.Days)
	if p.Slack() < 0 {
		return fmt.Sprintf("%s > %d, %d over", sum, p.Within, -p.Slack())
	}
	return fmt.Sprintf("%s <= %d, slack %d", sum, p.Within, p.Slack())
}

func sumOf(parts []Part, days int) string {
	if len(parts) == 0 {
		return fmt.Sprintf("at once = %d", days)
	}
	terms := make([]string, len(parts))
	for i, part := range parts {
		terms[i] = fmt.Sprintf("%s %d", part.Name, part.Days)
	}
	return fmt.Sprintf("%s = %d", strings.Join(terms, " + "), days)
}

func total(parts []Part) (days int) {
	for _, part := range parts {
		days += part.Days
	}
	return days
}

// minDays is the shortest that a period of a valid policy lasts, in whole days.
func minDays(p deadline.Period) int {
	if p.Hours > 0 {
		return p.Hours / 24
	}
	for n := maxDays(p); n > 0; n-- {
		switch order, ok := p.Compare(deadline.Period{Weeks: n / 7, Days: n % 7}); {
		case ok && order == 0:
			return n
		case ok && order > 0:
			return n + 1 // the order of months and days is not certain where they may be equal
		}
	}
	return 0
}

// promises measures the ways of a class to the promises about it.
func (l *linter) promises(c *Class) {
	life := l.policy.life(c)
	if life == nil {
		return // nothing of it is kept
	}
	stages := life.rules()
	for i := range l.policy.Promises {
		m := &l.policy.Promises[i]
		if !about(m.Classes, c.Name) {
			continue
		}
		w := way{policy: l.policy, class: c, life: life, stages: stages, promise: m}
		if w.about() {
			l.measure(&w)
		}
	}
}

// measure finds the longest way to a promise.
func (l *linter) measure(w *way) {
	longest := Path{Class: w.class.Name, Promise: w.promise.Name, Within: minDays(w.promise.Within)}
	for n, start := range w.starts() {
		parts, stuck := w.walk(start)
		if stuck != "" {
			l.find(PromiseOpen, longest.Class, longest.Promise, "%s has no end by time, and %d days were promised",
				strings.Join(append(names(parts), stuck), " + "), longest.Within)
			return
		}
		if days := total(parts); n == 0 || days > longest.Days {
			longest.Parts, longest.Days = parts, days
		}
	}
	for _, parts := range w.labels() {
		if days := total(parts); days > longest.Days {
			longest.Parts, longest.Days = parts, days
		}
	}
	l.report.Paths = append(l.report.Paths, longest)
	if longest.Slack() < 0 {
		l.find(PromiseBroken, longest.Class, longest.Promise, "%s", longest)
	}
	l.revived(w)
	l.obliged(w)
}

func names(parts []Part) []string {
	list := make([]string, 0, len(parts)+1)
	for _, part := range parts {
		list = append(list, fmt.Sprintf("%s %d", part.Name, part.Days))
	}
	return list
}

// revived finds events that bring records back and do not end the promise.
func (l *linter) revived(w *way) {
	told := map[string]bool{}
	after := make([]bool, len(w.stages)+1) // which stages can follow the event
	for _, start := range w.starts() {
		for i, is := range reach(w.stages, start) {
			after[i] = after[i] || is
		}
	}
	for i := range w.stages {
		if !after[i] {
			continue
		}
		for _, m := range w.stages[i].moves {
			if m.back && m.event != w.promise.From && !told[m.event] && !slices.Contains(w.promise.Unless, m.event) {
				told[m.event] = true
				l.find(PromiseRevived, w.class.Name, w.promise.Name, "%s brings records back to %s, and does not end the promise",
					m.event, w.stages[m.to].name)
			}
		}
	}
}

// obliged finds obligations that keep longer than the promise lets them, and that
// it makes no exception for.
func (l *linter) obliged(w *way) {
	if !w.whole() || w.promise.To == Hidden {
		return
	}
	over := w.over()
	room := minDays(w.promise.Within) - total(over)
	left := strings.Join(append([]string{fmt.Sprint(minDays(w.promise.Within))}, names(over)...), " - ")
	for _, o := range l.policy.Obligations {
		if !about(o.Classes, w.class.Name) || slices.Contains(w.promise.Yields, o.Name) {
			continue
		}
		days := maxDays(o.For)
		if o.YearEnd {
			days += 365 // from the first of January of the year to its end
		}
		switch {
		case o.For.IsZero():
			l.find(ObligationConflict, w.class.Name, o.Name, "keeps without end, against promise %s: %s = %d", w.promise.Name, left, room)
		case days > room:
			l.find(ObligationConflict, w.class.Name, o.Name, "keeps %d > %s = %d of promise %s", days, left, room, w.promise.Name)
		}
	}
}
