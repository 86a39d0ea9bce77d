package retention

import (
	"slices"
	"time"
)

// stages finds the stage that is due, and what comes after it.
func (e *evaluation) stages(c *classRules, stage int, loc *time.Location) {
	e.d.End = c.end
	var begun time.Time // of the stage due, if it is not the one it stands in
	since, due := e.facts.Since, stage
	for range c.stages {
		s := &c.stages[due]
		if s.last.IsZero() || s.next == len(c.stages) {
			break
		}
		end := count(since, s.last, loc)
		if end.After(e.d.At) {
			break
		}
		since, due, begun = end, s.next, end
	}
	e.see(c.stages[due].visible)
	if due != stage {
		e.next(c.stages[due].name, begun)
		return
	}
	if s := &c.stages[due]; !s.last.IsZero() {
		e.next(c.nameOf(s.next), count(since, s.last, loc))
	}
}

func (c *classRules) nameOf(stage int) string {
	if stage == len(c.stages) {
		return Purged
	}
	return c.stages[stage].name
}

// see narrows who can see the record.
func (e *evaluation) see(v Visibility) {
	if e.d.Visible == "" || v.rank() < e.d.Visible.rank() {
		e.d.Visible = v
	}
}

// rank orders visibilities.
func (v Visibility) rank() int {
	for i := range visibilities {
		if visibilities[i] == v {
			return i
		}
	}
	return 0
}

// next notes the stage that comes first.
func (e *evaluation) next(name string, at time.Time) {
	if e.d.NextAt.IsZero() || at.Before(e.d.NextAt) {
		e.d.Next, e.d.NextAt = name, at.UTC()
	}
}

// own finds the expiry by label, or else by the life of the class.
func (e *evaluation) own(v *version, c *classRules, stage int) {
	var end time.Time
	var why Reason
	labelled := false
	for i := range c.labels {
		l := &c.labels[i]
		if !slices.Contains(e.facts.Labels, l.Name) {
			continue
		}
		labelled = true
		from, ok := e.last(l.From)
		if !ok {
			e.lack(l.From) // the label says that it counts, and nobody knows from when
			continue
		}
		if at := count(from, l.For, v.zone); end.IsZero() || at.Before(end) {
			end, why = at, Reason{Ground: ByLabel, Rule: l.Name, Fact: l.From, At: from.UTC(), Cite: l.Why}
		}
	}
	if !labelled {
		end = c.over(stage, e.facts.Since, v.zone)
		why = Reason{Ground: c.ground, Rule: c.name, Fact: e.facts.Stage, At: e.facts.Since.UTC()}
		if by := e.facts.EndBy; !by.IsZero() && (end.IsZero() || by.Before(end)) {
			end, why.Fact, why.At = by, "the earlier end", by.UTC()
		}
	}
	e.expire(v, end, why)
}

// last returns when an event happened for the last time until now.
func (e *evaluation) last(event string) (at time.Time, ok bool) {
	for i := range e.facts.Events {
		if o := &e.facts.Events[i]; o.Event == event && !o.At.After(e.d.At) && (!ok || o.At.After(at)) {
			at, ok = o.At, true
		}
	}
	return at, ok
}
