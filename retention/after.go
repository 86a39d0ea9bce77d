package retention

import (
	"cmp"
	"slices"
	"time"
)

// Begin returns where a record stands that is created at an instant, under the
// version active then, its cohort. ok is false where that has no such class, or
// none of it is kept.
func (h *History) Begin(class string, created time.Time) (s State, cohort uint32, ok bool) {
	i := h.active(created)
	if i < 0 {
		return State{}, 0, false
	}
	v := h.versions[i]
	c := v.classes[class]
	if c == nil || c.zero {
		return State{}, 0, false
	}
	return State{Stage: c.stages[0].name, Since: created}, v.number, true
}

// After returns where a record of a cohort stands after an event, and whether
// the event moved it. An event that leads onward never puts off the end: where the
// way that the record was on ends earlier, that end stays, as [State.EndBy]. One
// that leads back, from a restorable stage, begins anew.
//
// Of the versions that bind the record, the one decides under which it ends
// earliest. The event is applied to the state as given: stages that were due before
// it are to be taken first, as [History.Replay] does.
func (h *History) After(class string, cohort uint32, s State, o Occurrence) (State, bool) {
	best, end, moved := s, time.Time{}, false
	first, last, ok := h.binding(cohort, o.At)
	if !ok {
		return s, false
	}
	for i := first; i <= last; i++ {
		if !h.binds(first, i) {
			continue
		}
		v := h.versions[i]
		next, over, ok := v.after(v.classes[class], s, o)
		if ok && (!moved || !over.IsZero() && (end.IsZero() || over.Before(end))) {
			best, end, moved = next, over, true
		}
	}
	return best, moved
}

// after is After under one version. It returns the end of the way too.
func (v *version) after(c *classRules, s State, o Occurrence) (State, time.Time, bool) {
	if c == nil || c.zero {
		return s, time.Time{}, false
	}
	stage := c.stage(s.Stage)
	if stage < 0 || stage == len(c.stages) {
		return s, time.Time{}, false
	}
	moves := c.stages[stage].moves
	i := slices.IndexFunc(moves, func(m move) bool { return m.event == o.Event })
	if i < 0 {
		return s, time.Time{}, false
	}
	m := moves[i]
	next := State{Stage: c.nameOf(m.to), Since: o.At}
	over := c.over(m.to, o.At, v.zone)
	if m.back {
		return next, over, true
	}
	before := earlier(c.over(stage, s.Since, v.zone), s.EndBy)
	if !before.IsZero() && (over.IsZero() || before.Before(over)) {
		next.EndBy, over = before, before
	}
	return next, over, true
}

// Replay returns where a record stands at an instant, by everything that happened
// to it, in any order: for what is reported late, and for imports. One of the
// events is [Created]. What happened to its account, its subject or its purpose before
// that is taken to have happened as it was created. ok is false where [Created] is missing
// or [History.Begin] has no answer.
func (h *History) Replay(class string, events []Occurrence, at time.Time) (s State, cohort uint32, ok bool) {
	events = h.life(events, at)
	if len(events) == 0 {
		return State{}, 0, false
	}
	if s, cohort, ok = h.Begin(class, events[0].At); !ok {
		return State{}, 0, false
	}
	for _, o := range events[1:] {
		s = h.Advance(class, cohort, s, o.At)
		s, _ = h.After(class, cohort, s, o)
	}
	return h.Advance(class, cohort, s, at), cohort, true
}

// life returns the events of a record from its creation to an instant, in order:
// of one instant by name, with creation before all.
func (h *History) life(events []Occurrence, at time.Time) []Occurrence {
	events = slices.DeleteFunc(slices.Clone(events), func(o Occurrence) bool { return o.At.After(at) })
	slices.SortFunc(events, func(a, b Occurrence) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(rankOf(a), rankOf(b)), cmp.Compare(a.Event, b.Event))
	})
	i := slices.IndexFunc(events, func(o Occurrence) bool { return o.Event == Created })
	if i < 0 {
		return nil
	}
	created := events[i]
	before := slices.DeleteFunc(events[:i:i], func(o Occurrence) bool { return !h.ofMany(o.Event) })
	for k := range before {
		before[k].At = created.At
	}
	return slices.Concat([]Occurrence{created}, before, events[i+1:])
}

// ofMany reports whether an event is one of many records, in any version.
func (h *History) ofMany(event string) bool {
	return slices.ContainsFunc(h.versions, func(v *version) bool {
		scope, ok := v.events[event]
		return ok && scope != OfRecord
	})
}

func rankOf(o Occurrence) int {
	if o.Event == Created {
		return 0
	}
	return 1
}

// Advance returns where a record stands at an instant if time alone has passed and
// nothing has kept it: also [Purged].
func (h *History) Advance(class string, cohort uint32, s State, at time.Time) State {
	first, last, ok := h.binding(cohort, at)
	if !ok {
		return s
	}
	for range maxStages {
		next, ok := h.step(class, first, last, s)
		if !ok || next.Since.After(at) {
			break
		}
		s = next
	}
	return s
}

// step returns the stage that follows by time under the versions that bind: the
// one that comes first.
func (h *History) step(class string, first, last int, s State) (next State, ok bool) {
	for i := first; i <= last; i++ {
		c := h.versions[i].classes[class]
		if !h.binds(first, i) || c == nil {
			continue
		}
		if n, is := c.advance(s, h.versions[i].zone); is && (!ok || n.Since.Before(next.Since)) {
			next, ok = n, true
		}
	}
	return next, ok
}

// advance returns the stage that follows by time, with the instant at which it
// begins.
func (c *classRules) advance(s State, loc *time.Location) (State, bool) {
	stage := c.stage(s.Stage)
	if stage < 0 || stage == len(c.stages) {
		return s, false
	}
	next := State{Stage: Purged, Since: s.EndBy, EndBy: s.EndBy}
	if r := &c.stages[stage]; !r.last.IsZero() {
		if end := count(s.Since, r.last, loc); s.EndBy.IsZero() || end.Before(s.EndBy) {
			next.Stage, next.Since = c.nameOf(r.next), end
		}
	}
	return next, !next.Since.IsZero()
}
