package retention

import "slices"

func (v *validator) copies() {
	p := v.policy
	for i, c := range p.Copies {
		at := under("copies", c.Name)
		v.want(isID(c.Name), at, "is not an id")
		v.want(!slices.ContainsFunc(p.Copies[:i], func(o Copy) bool { return o.Name == c.Name }), at, "stands twice")
		v.want(c.Kind != "" && listed(c.Kind, copyKinds), at+".kind", oneOf(copyKinds))
		v.want(c.Of == "" || c.Of != c.Name && v.isCopy(c.Of), at+".of", "no such copy")
		v.ids(c.Classes, at+".classes", v.isClass)
		v.optional(c.Lag, at+".lag")
		v.want(c.Rotation.IsZero() || isSpan(c.Rotation), at+".rotation", "want a period, such as P30D")
		v.want(c.Rotation.IsZero() != c.Kind.Rotates(), at+".rotation", "is given for what rotates, and for nothing else")
		v.want(!c.Kind.Rotates() || c.Lag.IsZero(), at+".lag", "what rotates has none")
	}
	for _, c := range p.Copies {
		v.want(p.way(c.Name) != nil, under("copies", c.Name)+".of", "is made of itself")
	}
}

func (p *Policy) copyNamed(name string) *Copy {
	for i := range p.Copies {
		if p.Copies[i].Name == name {
			return &p.Copies[i]
		}
	}
	return nil
}

// way returns a copy and those that it is made of, beginning with the one that
// is made of the record; nil if it goes round.
func (p *Policy) way(name string) []*Copy {
	var way []*Copy
	for name != "" {
		c := p.copyNamed(name)
		if c == nil || len(way) == len(p.Copies) {
			return nil
		}
		way = append(way, c)
		name = c.Of
	}
	slices.Reverse(way)
	return way
}

// original reports whether a copy is one that the record itself lies in: it is
// made of none, and single records can be deleted from it.
func (c *Copy) original() bool { return c.Of == "" && !c.Kind.Rotates() }

// copiesOf returns all copies of a class: those that it names and those that are
// made of them, in the policy's order.
func (p *Policy) copiesOf(c *Class) []string {
	var all []string
	for i := range p.Copies {
		holds := false
		for _, on := range p.way(p.Copies[i].Name) {
			holds = (holds || slices.Contains(c.Copies, on.Name)) && about(on.Classes, c.Name)
		}
		if holds {
			all = append(all, p.Copies[i].Name)
		}
	}
	return all
}
