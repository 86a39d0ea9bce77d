package retention

import (
	"slices"
	"time"

	"github.com/trothdev/troth/deadline"
)

// CopyEnd is by when a copy of a destroyed record is gone.
type CopyEnd struct {
	Copy string
	Kind CopyKind
	// By is the last instant at which the copy may still be there, if the order is
	// given at the instant asked about: computed for what rotates, the bound for what
	// is told. Retries come on top.
	By time.Time
}

// copyRules are a copy of a class, and the periods that it outlives the order.
type copyRules struct {
	name string
	kind CopyKind
	wait []deadline.Period
	// of is what it is made of, own the last of wait: its lag or its rotation.
	of  string
	own deadline.Period
}

// Copies returns the copies of a class under a version, and by when each is gone
// if the order to destroy is given at an instant. A copy that is made of another
// waits for it: a backup that is made of an index is counted from when the index
// let go. It is nil for an unknown version or class.
func (h *History) Copies(class string, number uint32, ordered time.Time) []CopyEnd {
	v := h.version(number)
	if v == nil || v.classes[class] == nil {
		return nil
	}
	var list []CopyEnd
	for _, c := range v.classes[class].copies {
		by := ordered
		for _, p := range c.wait {
			by = count(by, p, v.zone)
		}
		list = append(list, CopyEnd{Copy: c.name, Kind: c.kind, By: by.UTC()})
	}
	return list
}

// Sheds returns the copies that lose a record of the class when it enters a stage,
// if they have it still.
func (h *History) Sheds(class string, number uint32, stage string) []string {
	v := h.version(number)
	if v == nil || v.classes[class] == nil {
		return nil
	}
	c := v.classes[class]
	if i := c.stage(stage); i >= 0 && i < len(c.stages) {
		return slices.Clone(c.stages[i].sheds)
	}
	return nil
}

func (h *History) version(number uint32) *version {
	for _, v := range h.versions {
		if v.number == number {
			return v
		}
	}
	return nil
}

func (p *Policy) ends(c *Class) (list []copyRules) {
	for _, name := range p.copiesOf(c) {
		c := p.copyNamed(name)
		r := copyRules{name: name, kind: c.Kind, of: c.Of, own: c.Lag}
		if c.Kind.Rotates() {
			r.own = c.Rotation
		}
		for _, on := range p.way(name) {
			for _, wait := range []deadline.Period{on.Lag, on.Rotation} {
				if !wait.IsZero() {
					r.wait = append(r.wait, wait)
				}
			}
		}
		list = append(list, r)
	}
	return list
}

// sheds fills in which copies each stage sheds. What rotates is never told.
func (p *Policy) sheds(c *Class, life *Lifecycle, stages []stageRules) {
	for i, s := range life.Stages {
		if len(s.Copies) == 0 {
			continue
		}
		for _, name := range p.copiesOf(c) {
			if !slices.Contains(s.Copies, name) && !p.copyNamed(name).Kind.Rotates() {
				stages[i].sheds = append(stages[i].sheds, name)
			}
		}
	}
}
