package retention

import (
	"slices"
	"time"
)

// minima takes in what the law demands to be kept.
func (e *evaluation) minima(c *classRules, loc *time.Location) {
	for i := range e.facts.Holds {
		h := &e.facts.Holds[i]
		if !e.d.KeepOpen || h.Hold < e.d.Keep.Rule {
			e.d.KeepOpen = true
			e.held = Reason{Ground: ByHold, Rule: h.Hold, Fact: h.Matter}
			e.d.Keep = e.held
		}
	}
	if c == nil {
		e.lack("class")
		return
	}
	for i := range c.obligations {
		o := &c.obligations[i]
		until, open, ok := e.minimumOf(o, loc)
		if !ok {
			continue
		}
		why := e.because(o)
		if open {
			if !e.minimumOpen {
				e.minimumOpen, e.minimumWhy = true, why
			}
			if !e.d.KeepOpen {
				e.d.KeepOpen, e.d.Keep = true, why
			}
			continue
		}
		if until.After(e.minimum) {
			if e.minimum = until; !e.minimumOpen {
				e.minimumWhy = why
			}
		}
		e.keep(until, why)
	}
}

// minimumOf returns until when an obligation keeps the record; ok is false if it
// does not bind it.
func (e *evaluation) minimumOf(o *Obligation, loc *time.Location) (until time.Time, open, ok bool) {
	if !e.carries(o.Labels) {
		return time.Time{}, false, false
	}
	from, known := e.latest(o.From)
	switch {
	case !known || o.For.IsZero():
		return time.Time{}, true, true
	case o.YearEnd:
		return countYear(from, o.For, loc), false, true
	}
	return count(from, o.For, loc), false, true
}

// because is an obligation as a reason.
func (e *evaluation) because(o *Obligation) Reason {
	from, _ := e.latest(o.From)
	return Reason{Ground: ByObligation, Rule: o.Name, Fact: o.From, At: from.UTC(), Cite: o.Cite}
}

func (e *evaluation) carries(labels []string) bool {
	for i := range labels {
		if slices.Contains(e.facts.Labels, labels[i]) {
			return true
		}
	}
	return len(labels) == 0
}

// latest is last, and takes in what is dated after now: that keeps the longer.
func (e *evaluation) latest(event string) (at time.Time, ok bool) {
	for i := range e.facts.Events {
		if o := &e.facts.Events[i]; o.Event == event && (!ok || o.At.After(at)) {
			at, ok = o.At, true
		}
	}
	return at, ok
}

// keep notes until when the record must stay: the longest counts, and of equal
// ones of a kind the first by name.
func (e *evaluation) keep(until time.Time, why Reason) {
	was := &e.d.Keep
	if until.After(e.d.KeepUntil) || until.Equal(e.d.KeepUntil) && why.Ground == was.Ground && why.Rule < was.Rule {
		e.d.KeepUntil = until.UTC()
		if !e.d.KeepOpen {
			e.d.Keep = why
		}
	}
}

func (e *evaluation) exceptions() {
	for i := range e.facts.Exceptions {
		x := &e.facts.Exceptions[i]
		if x.Until.IsZero() {
			e.lack("end of an exception")
			continue
		}
		why := Reason{Ground: ByException, Rule: x.ID, Fact: x.Reason}
		if x.Until.After(e.excepted) || x.Until.Equal(e.excepted) && x.ID < e.exceptionWhy.Rule {
			e.excepted, e.exceptionWhy = x.Until, why
		}
		e.keep(x.Until, why)
	}
}

// erasures takes in what was granted: leave to destroy under the active version.
func (e *evaluation) erasures(active *version) {
	for i := range e.facts.Erasures {
		x := &e.facts.Erasures[i]
		why := Reason{Ground: ByErasure, Rule: x.Request, At: x.At.UTC()}
		if x.At.IsZero() {
			e.lack("date of an erasure")
			continue
		}
		e.erase = earlier(e.erase, x.At)
		if before(x.At, why, e.d.PurgeBy, e.d.Purge) {
			e.d.PurgeBy, e.d.Purge = x.At.UTC(), why
			e.d.Version, e.d.Policy = active.number, active.hash
		}
		if x.By.IsZero() {
			continue
		}
		e.gone(x.By, why)
		switch first := !e.d.Conflict || x.Request < e.d.Against.Rule; {
		case !first:
		case len(e.facts.Holds) > 0 && !x.By.After(e.d.At):
			e.conflict(e.held, why)
		case e.minimumOpen || e.minimum.After(x.By):
			e.conflict(e.minimumWhy, why)
		}
	}
}

// before reports whether an end comes before another, or, of two erasures at one
// instant, by name.
func before(at time.Time, why Reason, than time.Time, was Reason) bool {
	return than.IsZero() || at.Before(than) ||
		at.Equal(than) && why.Ground == ByErasure && was.Ground == ByErasure && why.Rule < was.Rule
}
