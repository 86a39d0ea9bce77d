package deadline

// result tells the two dates and every doubt between them.
func (x *explainer) result(legal, strict tally) {
	r := x.rule
	if r.Sense == NotBefore {
		x.line("It must last to the end of %s.", day(x.Legal))
		return
	}
	x.line("Legal date: %s%s.", day(x.Legal), x.instant(legal))
	timeless := r.Period.Hours > 0 && strict.start.Instant.IsZero()
	doubts := 0
	for _, d := range x.doubts(&legal, &strict) {
		x.line("In doubt (%s): %s.", d.Reading, d.Why)
		doubts++
	}
	if timeless {
		x.line("In doubt: the time of day is not known, so the safe date is the last day of which all is in time from the first instant on.")
		doubts++
	}
	switch {
	case doubts == 0:
		x.line("Safe date: %s; no doubt about the law changes this date.", day(x.Safe))
	default:
		x.line("Safe date: %s%s; every doubt read strictly.", day(x.Safe), x.instant(strict))
	}
}

// doubts returns the doubts that move this deadline: each that matters, or, where
// none does by itself and they move it all the same, all of them.
func (x *explainer) doubts(legal, strict *tally) []*Doubt {
	var applying, mattering []*Doubt
	for i := range x.rule.Doubts {
		d := &x.rule.Doubts[i]
		if strictReadings(x.rule, legal.first)&bit(d.Reading) == 0 {
			continue
		}
		applying = append(applying, d)
		if x.matters(d, legal, strict) {
			mattering = append(mattering, d)
		}
	}
	c := counter{rule: x.rule, events: x.events, cal: x.cal, early: true}
	without, err := c.count()
	if len(mattering) == 0 && (err != nil || strict.sooner(&without)) {
		return applying
	}
	return mattering
}

// matters reports whether a doubt moves this deadline: whether its reading
// alone makes it earlier, or the other ones without it make it later.
func (x *explainer) matters(d *Doubt, legal, strict *tally) bool {
	one := bit(d.Reading)
	c := counter{rule: x.rule, events: x.events, cal: x.cal, strict: one}
	alone, err := c.count()
	if err != nil || alone.sooner(legal) {
		return true
	}
	c.strict, c.early = strict.strict&^one, true
	without, err := c.count()
	return err != nil || strict.sooner(&without)
}

// instant adds the instant of the end, where it is known.
func (x *explainer) instant(t tally) string {
	if t.at.IsZero() {
		return ""
	}
	return " at " + clock(t.at)
}

// source tells how far the figure can be relied on.
func (x *explainer) source() {
	r := x.rule
	switch r.Confidence {
	case Verified:
		x.line("Confidence: verified; the text, or a source that quotes it, was read as of %s.", r.AsOf)
	case Secondary:
		x.line("Confidence: secondary; not verified at its source: only descriptions of it were read, as of %s.", r.AsOf)
	case Unverified:
		x.line("Confidence: unverified; not verified at its source: let counsel check it before relying on it (as of %s).", r.AsOf)
	}
	if r.Note != "" {
		x.line("Note: %s.", r.Note)
	}
}
