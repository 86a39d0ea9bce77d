package deadline

// rule fills in the template and converts. The caller has refused what is
// absent in no rule's [Rule.Validate].
func (w wireRule) rule(templates map[string]wireBody) (Rule, error) {
	template, ok := templates[w.Use]
	if !ok {
		return Rule{}, &RuleError{Rule: w.ID, Field: "use", Problem: "no such template"}
	}
	b := template.over(w.wireBody)
	r := Rule{
		ID: w.ID, Title: b.Title, Duty: Duty(w.Duty), Kind: Kind(b.Kind), Sense: Sense(b.Sense),
		FirstDay: FirstDay(b.FirstDay), Roll: Roll(b.Roll), Calendar: b.Calendar,
		Citation: w.Citation, Confidence: Confidence(w.Confidence), Note: w.Note,
	}
	c := converter{rule: w.ID}
	r.Period = c.period("period", b.Period)
	r.AsOf = c.date("as_of", w.AsOf)
	for _, s := range b.Start {
		start := Start{Event: EventType(s.Event), Asked: EventType(s.Asked)}
		if s.After != "" {
			start.After = c.period("start", s.After)
		}
		r.Start = append(r.Start, start)
	}
	if x := b.Extension; x != nil {
		r.Extension = Extension{Period: c.period("extension", x.Period), Count: x.Count, Chain: Chain(x.Chain)}
		if r.Extension == (Extension{}) {
			c.fail("extension", "is empty")
		}
	}
	for _, p := range b.Pauses {
		r.Pauses = append(r.Pauses, Pause{From: EventType(p.From), To: EventType(p.To), Days: PauseDays(p.Days)})
	}
	if b.InForce != nil {
		r.From = c.date("in_force", b.InForce.From)
		if b.InForce.To != "" {
			r.To = c.date("in_force", b.InForce.To)
		}
	}
	for _, d := range b.Doubts {
		doubt := Doubt{Reading: Reading(d.Reading), Why: d.Why}
		if d.Before != "" {
			doubt.Before = c.date("doubts", d.Before)
		}
		r.Doubts = append(r.Doubts, doubt)
	}
	if c.err != nil {
		return Rule{}, c.err
	}
	return r, r.Validate()
}

// converter reads periods and dates and keeps the first error.
type converter struct {
	rule string
	err  error
}

func (c *converter) fail(field, problem string) {
	if c.err == nil {
		c.err = &RuleError{Rule: c.rule, Field: field, Problem: problem}
	}
}

func (c *converter) period(field, s string) Period {
	p, err := ParsePeriod(s)
	switch {
	case err != nil:
		c.fail(field, "want a period such as P1M, P45D, PT72H or P10B")
	case p.String() != s:
		c.fail(field, "is not written the one way, "+p.String())
	}
	return p
}

func (c *converter) date(field, s string) Date {
	d, err := ParseDate(s)
	if err != nil {
		c.fail(field, "want a day written YYYY-MM-DD")
	}
	return d
}
