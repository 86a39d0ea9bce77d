package retention

import "slices"

// way finds the ways of a class from the event of a promise to what it promises.
type way struct {
	policy  *Policy
	class   *Class
	life    *Lifecycle
	stages  []stageRules
	promise *Promise
}

// about reports whether the promise is about any copy of the class.
func (w *way) about() bool {
	all := w.policy.copiesOf(w.class)
	return len(w.promise.Copies) == 0 ||
		slices.ContainsFunc(w.promise.Copies, func(name string) bool { return slices.Contains(all, name) })
}

// whole reports whether the record itself must be gone.
func (w *way) whole() bool {
	return len(w.promise.Copies) == 0 ||
		slices.ContainsFunc(w.promise.Copies, func(name string) bool { return w.policy.copyNamed(name).original() })
}

// starts returns the stages that can begin as the event happens: the one that it
// leads to, and at worst the one that it leaves a record in, just begun.
func (w *way) starts() (starts []int) {
	if w.promise.From == Created {
		return []int{0}
	}
	reached := reach(w.stages, 0)
	for i := range w.stages {
		if !reached[i] {
			continue
		}
		start := i
		for _, m := range w.stages[i].moves {
			if m.event == w.promise.From {
				start = m.to
			}
		}
		if !slices.Contains(starts, start) {
			starts = append(starts, start)
		}
	}
	return starts
}

// walk adds up the days from the beginning of a stage. stuck names the stage that
// has no end by time.
func (w *way) walk(stage int) (parts []Part, stuck string) {
	timed := false
	for range len(w.stages) + 1 {
		if w.there(stage) {
			return append(parts, w.rest(timed)...), ""
		}
		s := &w.stages[stage]
		if s.last.IsZero() {
			return parts, s.name
		}
		parts = append(parts, Part{Name: s.name, Days: maxDays(s.last)})
		stage, timed = s.next, true
	}
	return parts, w.stages[stage].name
}

// there reports whether a stage is what is promised: nothing is left but the
// orders to the copies.
func (w *way) there(stage int) bool {
	if stage == len(w.stages) {
		return true
	}
	if w.promise.To == Hidden {
		return w.stages[stage].visible == VisibleNone
	}
	keeps := w.life.Stages[stage].Copies
	return !w.whole() && len(keeps) > 0 &&
		!slices.ContainsFunc(w.promise.Copies, func(name string) bool { return slices.Contains(keeps, name) })
}

// rest is what comes after the last stage of a way. What an event hides is hidden
// with it, what time hides when a sweep comes.
func (w *way) rest(timed bool) []Part {
	if w.promise.To == Hidden {
		if !timed {
			return nil
		}
		return w.delays(nil)
	}
	return w.over()
}

// over is what comes on top of the order to destroy: the copies that outlive it,
// and the time until the order is given and carried out.
func (w *way) over() []Part {
	return w.delays(w.policy.tail(w.class, w.promise.Copies).parts)
}

func (w *way) delays(parts []Part) []Part {
	parts = append(slices.Clone(parts), Part{Name: "sweep", Days: maxDays(w.policy.Sweep)})
	if days := maxDays(w.policy.Retry); days > 0 {
		parts = append(parts, Part{Name: "retry", Days: days})
	}
	return parts
}

// labels returns the ways by labels, which take the place of the stages' end.
func (w *way) labels() (all [][]Part) {
	if !w.whole() || w.promise.To == Hidden {
		return nil
	}
	for _, l := range w.policy.Labels {
		if about(l.Classes, w.class.Name) {
			all = append(all, append([]Part{{Name: "label " + l.Name, Days: maxDays(l.For)}}, w.over()...))
		}
	}
	return all
}
