package retention

import "time"

// Evaluate decides for a record at an instant. It is pure: the same facts at the
// same instant give the same decision, in whatever order they are listed; it
// reads no clock and allocates nothing.
//
// What must be kept and what must go are found separately. A hold goes before a
// legal minimum, and both before everything else. What expires by the policy
// itself does so by the record's label, else by its class, else by the default;
// of labels, of promises and of versions that bind, the earliest does. An exception
// puts that off, and never an erasure that was granted. Whatever keeps a
// record from being destroyed does not keep it in sight.
//
// Where something is not known the verdict is [Unknown], except that a stage that
// is due is due all the same.
func (h *History) Evaluate(f *Facts, at time.Time) Decision {
	e := evaluation{facts: f, d: Decision{
		At: at.UTC(), Record: f.Record, Class: f.Class, Stage: f.Stage, End: Destroy,
	}}
	e.run(h)
	return e.d
}

// evaluation is one call of Evaluate.
type evaluation struct {
	facts *Facts
	d     Decision
	// missing is the first thing that is not known.
	missing string
	// soft is when the policy's own expiry is due, and erase a granted erasure.
	soft, erase time.Time
	// minimum is until when obligations keep; minimumOpen for ever.
	minimum     time.Time
	minimumOpen bool
	// excepted is the end of the last exception. The reasons are of a hold, of the
	// longest minimum, and of that exception.
	excepted                       time.Time
	held, minimumWhy, exceptionWhy Reason
}

func (e *evaluation) run(h *History) {
	first, last, ok := h.binding(e.facts.Cohort, e.d.At)
	if !ok {
		e.lack("version")
		e.verdict()
		return
	}
	active := h.versions[last]
	e.d.Version, e.d.Policy = active.number, active.hash
	for i := first; i <= last; i++ {
		if h.binds(first, i) {
			e.apply(h.versions[i])
		}
	}
	if e.d.Stage == Purged {
		e.d.Verdict, e.d.Visible = Done, VisibleNone
		return
	}
	e.look()
	e.minima(active.classes[e.facts.Class], active.zone)
	e.exceptions()
	e.erasures(active)
	for i := first; i <= last; i++ {
		if h.binds(first, i) {
			e.conflicts(h.versions[i], active)
		}
	}
	e.verdict()
}

// lack notes what is not known.
func (e *evaluation) lack(what string) {
	if e.missing == "" {
		e.missing = what
	}
}

// look notes what was not looked up.
func (e *evaluation) look() {
	known := e.facts.Known
	switch {
	case known&KnownEvents == 0:
		e.lack("events")
	case known&KnownLabels == 0:
		e.lack("labels")
	case known&KnownHolds == 0:
		e.lack("holds")
	case known&KnownExceptions == 0:
		e.lack("exceptions")
	case known&KnownErasures == 0:
		e.lack("erasures")
	}
}

// apply takes in what one version of the policy says about when the record goes.
func (e *evaluation) apply(v *version) {
	c := v.classes[e.facts.Class]
	if c == nil {
		e.lack("class")
		return
	}
	if e.facts.Since.IsZero() || e.facts.Since.After(e.d.At) {
		e.lack("anchor")
		return
	}
	if c.zero {
		e.expire(v, e.facts.Since, Reason{Ground: ByZeroRetention, Rule: c.name, Fact: Created, At: e.facts.Since})
		e.d.Visible = VisibleNone
		return
	}
	stage := c.stage(e.facts.Stage)
	if stage < 0 {
		e.lack("stage")
		return
	}
	if stage == len(c.stages) {
		return
	}
	e.stages(c, stage, v.zone)
	e.own(v, c, stage)
	for i := range c.promises {
		e.promised(v, &c.promises[i])
	}
}

// expire notes when the policy's own expiry is due: the earliest counts.
func (e *evaluation) expire(v *version, at time.Time, why Reason) {
	if at.IsZero() || !e.soft.IsZero() && !at.Before(e.soft) {
		return
	}
	e.soft = at
	e.d.PurgeBy, e.d.Purge = at.UTC(), why
	e.d.Version, e.d.Policy = v.number, v.hash
}
