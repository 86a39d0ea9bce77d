package retention

import "slices"

func (v *validator) classes() {
	p := v.policy
	if p.Default != nil {
		v.want(len(p.Default.Stages) > 0, "default.stages", "there are none")
		v.lifecycle(p.Default, "default")
	}
	types := map[string]bool{}
	for i := range p.Classes {
		c := &p.Classes[i]
		at := under("classes", c.Name)
		v.want(isID(c.Name), at, "is not an id")
		v.want(!slices.ContainsFunc(p.Classes[:i], func(o Class) bool { return o.Name == c.Name }), at, "stands twice")
		v.want(isLine(c.Title), at+".title", "want one line of text")
		v.want(listed(c.End, ends), at+".end", oneOf(ends))
		v.want(len(c.Records) > 0, at+".records", "there are none")
		v.ids(c.Records, at+".records", isID)
		for _, t := range c.Records {
			v.want(!types[t], at+".records", "a type stands in two classes")
			types[t] = true
		}
		v.ids(c.Copies, at+".copies", func(name string) bool {
			on := p.copyNamed(name)
			return on != nil && about(on.Classes, c.Name)
		})
		if v.err != nil {
			return
		}
		v.life(c, at)
	}
}

// life checks what a class does with its records.
func (v *validator) life(c *Class, at string) {
	if c.ZeroRetention {
		v.want(len(c.Stages) == 0 && len(c.On) == 0 && len(c.Copies) == 0 && c.End == "",
			at+".zero_retention", "has no stages, no events, no copies and no end")
		return
	}
	v.want(len(c.On) == 0 || len(c.Stages) > 0, at+".on", "has no stages of its own to move to")
	v.lifecycle(&c.Lifecycle, at)
	life := v.policy.life(c)
	if !v.want(life != nil, at+".stages", "there are none, and no default") {
		return
	}
	all := v.policy.copiesOf(c)
	originals := slices.DeleteFunc(slices.Clone(all), func(name string) bool { return !v.policy.copyNamed(name).original() })
	v.want(len(originals) > 0, at+".copies", "want one that the record itself lies in")
	for _, s := range life.Stages {
		if len(s.Copies) == 0 {
			continue
		}
		where := under(at+".stages", s.Name) + ".copies"
		v.ids(s.Copies, where, func(name string) bool { return slices.Contains(all, name) })
		for _, o := range originals {
			v.want(slices.Contains(s.Copies, o), where, "a stage sheds only what is made of something else")
		}
	}
}

// life returns the life of a class: its own or the default; nil without stages.
func (p *Policy) life(c *Class) *Lifecycle {
	switch {
	case c.ZeroRetention:
		return nil
	case len(c.Stages) > 0:
		return &c.Lifecycle
	}
	return p.Default
}

func (v *validator) lifecycle(l *Lifecycle, at string) {
	v.want(len(l.Stages) <= maxStages, at+".stages", "are too many")
	v.want(len(l.On) <= maxItems, at+".on", "are too many")
	for i, s := range l.Stages {
		where := under(at+".stages", s.Name)
		v.want(isID(s.Name) && s.Name != Purged, where, "is not an id, or is reserved")
		v.want(l.stage(s.Name) == i, where, "stands twice")
		v.want(s.Visible != "" && listed(s.Visible, visibilities), where+".visible", oneOf(visibilities))
		v.optional(s.For, where+".for")
		v.want(s.Until == "" || v.isEvent(s.Until), where+".until", "no such event")
		v.want(s.Then == "" || s.Then == Purged || l.stage(s.Then) >= 0, where+".then", "no such stage")
		v.want(s.Review.IsZero() || s.Review.Valid(), where+".review", "want a day, such as 2026-01-31")
		v.ids(s.Copies, where+".copies", v.isCopy)
	}
	for i := range l.On {
		v.transition(l, i, under(at+".on", l.On[i].Event))
	}
}

// stage returns the place of a stage in the list, or -1.
func (l *Lifecycle) stage(name string) int {
	return slices.IndexFunc(l.Stages, func(s Stage) bool { return s.Name == name })
}

// place is stage, with [Purged] behind all others.
func (l *Lifecycle) place(name string) int {
	if name == Purged {
		return len(l.Stages)
	}
	return l.stage(name)
}

func (v *validator) transition(l *Lifecycle, i int, at string) {
	t := &l.On[i]
	v.want(v.isEvent(t.Event), at, "no such event")
	to := l.place(t.Goto)
	v.want(to >= 0, at+".goto", "no such stage")
	v.ids(t.From, at+".from", func(name string) bool { return l.stage(name) >= 0 })
	for _, from := range t.From {
		n := l.stage(from)
		v.want(n != to, at+".from", "leads to itself")
		v.want(n < to || n >= 0 && l.Stages[n].Restorable, at+".from", "leads back from a stage that is not restorable")
	}
	v.want(!slices.ContainsFunc(l.On[:i], func(o Transition) bool { return o.Event == t.Event && o.Goto == t.Goto }), at, "stands twice")
	for j := range l.Stages {
		if !l.moves(i, j) {
			continue
		}
		v.want(l.Stages[j].Until != t.Event, at, "moves what ends by it")
		for k := range i {
			v.want(l.On[k].Event != t.Event || !l.moves(k, j), at, "leads to two stages")
		}
	}
}

// moves reports whether transition i moves records of stage j.
func (l *Lifecycle) moves(i, j int) bool {
	t := &l.On[i]
	if len(t.From) == 0 {
		return j < l.place(t.Goto)
	}
	return slices.Contains(t.From, l.Stages[j].Name)
}
