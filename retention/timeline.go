package retention

import (
	"cmp"
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
// The error is a *[PolicyError] for a class that is not there, or for events
// without creation, or before the first version.
func (h *History) Timeline(class string, events []Occurrence) ([]Moment, error) {
	if len(events) == 0 {
		return nil, &PolicyError{Problem: "no events"}
	}
	now := slices.MaxFunc(events, func(a, b Occurrence) int { return a.At.Compare(b.At) }).At
	s, cohort, ok := h.Replay(class, events, now)
	if !ok {
		return nil, &PolicyError{Where: under("classes", class), Problem: "no such class at that time, or nothing of it is kept"}
	}
	var list []Moment
	add := func(at time.Time, format string, args ...any) {
		list = append(list, Moment{At: at.UTC(), What: fmt.Sprintf(format, args...)})
	}
	for _, o := range events {
		add(o.At, "event %s", o.Event)
	}
	first, last, _ := h.binding(cohort, now)
	shed := map[string]bool{}
	for i := 0; s.Stage != Purged && i <= maxStages; i++ {
		d := h.Evaluate(&Facts{Class: class, State: s, Cohort: cohort, Events: events, Known: KnownAll}, later(s.Since, now))
		add(s.Since, "stage %s, visible to %s", s.Stage, d.Visible)
		for _, c := range h.Copies(class, d.Version, s.Since) {
			if slices.Contains(h.Sheds(class, d.Version, s.Stage), c.Copy) && !shed[c.Copy] {
				shed[c.Copy] = true
				add(c.By, "gone from %s, if it was told when the stage began", c.Copy)
			}
		}
		next, ok := h.step(class, first, last, s)
		if !ok || next.Stage == Purged || !d.DestroyAt.IsZero() && !next.Since.Before(d.DestroyAt) {
			h.finish(class, d, shed, add)
			break
		}
		s = next
	}
	slices.SortStableFunc(list, func(a, b Moment) int { return cmp.Or(a.At.Compare(b.At)) })
	return list, nil
}

// finish adds the end, and what follows from it.
func (h *History) finish(class string, d Decision, shed map[string]bool, add func(time.Time, string, ...any)) {
	if !d.KeepUntil.IsZero() {
		add(d.KeepUntil, "may be destroyed, no longer kept by %s", d.Keep)
	}
	if !d.HiddenBy.IsZero() {
		add(d.HiddenBy, "promised to be hidden")
	}
	if !d.GoneBy.IsZero() {
		add(d.GoneBy, "promised to be gone by %s", d.Promise)
	}
	if d.DestroyAt.IsZero() {
		return
	}
	add(d.DestroyAt, "%s, by %s", d.End, d.Purge)
	for _, c := range h.Copies(class, d.Version, d.DestroyAt) {
		if c.By.After(d.DestroyAt) && !shed[c.Copy] {
			add(c.By, "gone from %s, if it was told when due", c.Copy)
		}
	}
}
