package retention

import (
	"fmt"
	"slices"
	"time"
)

// Moment is a line of a timeline.
type Moment struct {
	At time.Time
	// What happens or is due, in words, with the rule that says so.
	What string
}

// Timeline tells what becomes of a record of a class to which these events
// happened, with nothing to hold it: its stages, its end, by when its copies are
// gone, and what was promised, by date. It is for people who write or check a policy.
// The error is a *[PolicyError] for a class that is not there or of which nothing is
// kept, and for events without creation or before the first version.
func (h *History) Timeline(class string, events []Occurrence) ([]Moment, error) {
	if len(events) == 0 {
		return nil, &PolicyError{Problem: "no events"}
	}
	now := slices.MaxFunc(events, func(a, b Occurrence) int { return a.At.Compare(b.At) }).At
	l := timeline{history: h, class: class, events: h.life(events, now), shed: map[string]bool{}}
	ok := len(l.events) > 0
	if ok {
		l.state, l.cohort, ok = h.Begin(class, l.events[0].At)
	}
	if !ok {
		return nil, &PolicyError{Where: under("classes", class), Problem: "no such class at that time, or nothing of it is kept"}
	}
	for i, o := range l.events {
		l.until(o.At)
		l.add(o.At, "event %s", o.Event)
		if next, moved := h.After(class, l.cohort, l.state, o); moved || i == 0 {
			l.enter(next)
		}
	}
	l.rest(now)
	slices.SortStableFunc(l.list, func(a, b Moment) int { return a.At.Compare(b.At) })
	return l.list, nil
}

// timeline is one call of Timeline.
type timeline struct {
	history *History
	class   string
	cohort  uint32
	events  []Occurrence
	state   State
	shed    map[string]bool
	list    []Moment
}

func (l *timeline) add(at time.Time, format string, args ...any) {
	l.list = append(l.list, Moment{At: at.UTC(), What: fmt.Sprintf(format, args...)})
}

// decide is the decision in the present state.
func (l *timeline) decide(at time.Time) Decision {
	return l.history.Evaluate(&Facts{
		Class: l.class, State: l.state, Cohort: l.cohort, Events: l.events, Known: KnownAll,
	}, at)
}

// enter adds a stage that begins, and the copies that it sheds.
func (l *timeline) enter(s State) {
	l.state = s
	if s.Stage == Purged {
		return
	}
	d := l.decide(s.Since)
	l.add(s.Since, "stage %s, visible to %s", s.Stage, d.Visible)
	sheds := l.history.Sheds(l.class, d.Version, s.Stage)
	for _, c := range l.history.Copies(l.class, d.Version, s.Since) {
		if slices.Contains(sheds, c.Copy) && !l.shed[c.Copy] {
			l.shed[c.Copy] = true
			l.add(c.By, "gone from %s, if it was told when the stage began", c.Copy)
		}
	}
}

// step returns the stage that follows by time, unless the record is gone by then.
func (l *timeline) step() (State, bool) {
	first, last, ok := l.history.binding(l.cohort, l.state.Since)
	if !ok || l.state.Stage == Purged {
		return State{}, false
	}
	return l.history.step(l.class, first, last, l.state)
}

// until adds the stages that begin by time before an event.
func (l *timeline) until(at time.Time) {
	for range maxStages {
		next, ok := l.step()
		if !ok || next.Since.After(at) {
			return
		}
		l.enter(next)
	}
}

// rest adds what comes by time alone after everything that happened.
func (l *timeline) rest(now time.Time) {
	for range maxStages {
		d := l.decide(later(l.state.Since, now))
		next, ok := l.step()
		if !ok || next.Stage == Purged || !d.DestroyAt.IsZero() && !next.Since.Before(d.DestroyAt) {
			l.finish(d)
			return
		}
		l.enter(next)
	}
}

// finish adds the end, and what follows from it.
func (l *timeline) finish(d Decision) {
	if !d.KeepUntil.IsZero() {
		l.add(d.KeepUntil, "may be destroyed, no longer kept by %s", d.Keep)
	}
	if !d.HiddenBy.IsZero() {
		l.add(d.HiddenBy, "promised to be hidden")
	}
	if !d.GoneBy.IsZero() {
		l.add(d.GoneBy, "promised to be gone by %s", d.Promise)
	}
	if d.DestroyAt.IsZero() {
		return
	}
	l.add(d.DestroyAt, "%s, by %s", d.End, d.Purge)
	for _, c := range l.history.Copies(l.class, d.Version, d.DestroyAt) {
		if c.By.After(d.DestroyAt) && !l.shed[c.Copy] {
			l.add(c.By, "gone from %s, if it was told when due", c.Copy)
		}
	}
}
