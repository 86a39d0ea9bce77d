package retention

import (
	"slices"
	"time"
)

// promised takes in a promise, if it binds.
func (e *evaluation) promised(v *version, p *promiseRules) {
	from, ok := e.bound(p)
	if !ok || !p.whole {
		return
	}
	by := count(from, p.Within, v.zone)
	if p.To == Hidden {
		if e.d.HiddenBy.IsZero() || by.Before(e.d.HiddenBy) {
			e.d.HiddenBy = by.UTC()
			e.d.Hiding = Reason{Ground: ByPromise, Rule: p.Name, Fact: p.From, At: from.UTC(), Cite: p.Cite}
		}
		if !by.After(e.d.At) {
			e.see(VisibleNone)
		}
		return
	}
	why := Reason{Ground: ByPromise, Rule: p.Name, Fact: p.From, At: from.UTC(), Cite: p.Cite}
	e.gone(by, why)
	e.expire(v, p.begin(from, by, v.zone), why)
}

// begin returns when destruction must begin so that the promise is kept.
func (p *promiseRules) begin(from, by time.Time, loc *time.Location) time.Time {
	if start := ahead(by, p.reserve, loc); start.After(from) {
		return start
	}
	return from
}

// gone notes by when the record was to be gone everywhere.
func (e *evaluation) gone(by time.Time, why Reason) {
	if before(by, why, e.d.GoneBy, e.d.Promise) {
		e.d.GoneBy, e.d.Promise = by.UTC(), why
	}
}

// bound returns when a promise began to count: at the first event that no event
// has ended since, so that a second report never puts it off.
func (e *evaluation) bound(p *promiseRules) (from time.Time, ok bool) {
	var ended time.Time
	over := false
	for i := range p.Unless {
		if at, is := e.last(p.Unless[i]); is && (!over || at.After(ended)) {
			ended, over = at, true
		}
	}
	for i := range e.facts.Events {
		o := &e.facts.Events[i]
		if o.Event != p.From || o.At.After(e.d.At) || over && o.At.Before(ended) {
			continue
		}
		if !ok || o.At.Before(from) {
			from, ok = o.At, true
		}
	}
	return from, ok
}

// conflicts finds what keeps the record beyond a promise that makes no
// exception for it.
func (e *evaluation) conflicts(v, active *version) {
	c, now := v.classes[e.facts.Class], active.classes[e.facts.Class]
	if c == nil || now == nil || e.d.Conflict {
		return
	}
	for i := range c.promises {
		p := &c.promises[i]
		from, ok := e.bound(p)
		if !ok || !p.whole || p.To == Hidden {
			continue
		}
		begin := p.begin(from, count(from, p.Within, v.zone), v.zone)
		why := Reason{Ground: ByPromise, Rule: p.Name, Fact: p.From, At: from.UTC(), Cite: p.Cite}
		if len(e.facts.Holds) > 0 && !begin.After(e.d.At) {
			e.conflict(e.held, why)
		}
		for k := range now.obligations {
			o := &now.obligations[k]
			until, open, is := e.minimumOf(o, active.zone)
			if is && !slices.Contains(p.Yields, o.Name) && (open || until.After(begin)) {
				e.conflict(e.because(o), why)
			}
		}
		if e.excepted.After(begin) {
			e.conflict(e.exceptionWhy, why)
		}
		if e.d.Conflict {
			return
		}
	}
}

// conflict notes what keeps the record against what; of a promise and several
// that keep it, the first.
func (e *evaluation) conflict(keeps, against Reason) {
	if e.d.Conflict && e.d.Against == against {
		return
	}
	e.d.Conflict, e.d.Keeps, e.d.Against = true, keeps, against
}
