package deadline

import "slices"

// Clocks are rules that were checked once, to be applied again and again: checking
// a rule takes longer than counting by it. They never change. The zero Clocks are
// no rules at all.
type Clocks struct{ rules []*Rule }

// NewClocks checks rules and keeps copies of them, in their order. It returns a
// [*RuleError] for the first one that [Rule.Validate] refuses.
func NewClocks(rules ...Rule) (Clocks, error) {
	c := Clocks{make([]*Rule, len(rules))}
	for i := range rules {
		if err := validate(&rules[i]); err != nil {
			return Clocks{}, err
		}
		own := rules[i].clone()
		c.rules[i] = &own
	}
	return c, nil
}

// And returns the clocks of c, and those of o after them.
func (c Clocks) And(o Clocks) Clocks {
	switch {
	case len(o.rules) == 0:
		return c
	case len(c.rules) == 0:
		return o
	}
	return Clocks{slices.Concat(c.rules, o.rules)}
}

// Names reports whether a rule names a type of events: those of other types
// move none of its days.
func (c Clocks) Names(typ EventType) bool {
	return slices.ContainsFunc(c.rules, func(r *Rule) bool { return names(r, typ) })
}

// names reports whether counting looks for events of a type.
func names(r *Rule, typ EventType) bool {
	return slices.ContainsFunc(r.Start, func(s Start) bool { return typ == s.Event || typ == s.Asked && typ != "" }) ||
		slices.ContainsFunc(r.Pauses, func(p Pause) bool { return typ == p.From || typ == p.To }) ||
		typ == ExtensionNoticed && r.Extension.Count > 0
}

// Due does what [DueAll] does with these rules. An event that contradicts itself
// is an [*EventError] where there is a rule to apply.
func (c Clocks) Due(events []Event, cal Calendar) (Docket, error) {
	var docket Docket
	if len(c.rules) == 0 {
		return docket, nil
	}
	events, err := inOrder(events)
	if err != nil {
		return Docket{}, err
	}
	for _, rule := range c.rules {
		d, err := due(rule, events, cal)
		switch {
		case idle(err):
			docket.Idle = append(docket.Idle, Idle{Rule: rule.clone(), Reason: err})
		case err != nil:
			return Docket{}, err
		case rule.Sense == NotBefore:
			docket.Minimums = append(docket.Minimums, d)
		default:
			docket.Limits = append(docket.Limits, d)
		}
	}
	slices.SortStableFunc(docket.Limits, sooner)
	slices.SortStableFunc(docket.Minimums, sooner)
	return docket, nil
}
