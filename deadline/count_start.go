package deadline

// start finds the event that started the clock.
func (c counter) start() (tally, error) {
	first := c.rule.Start[0]
	e, ok := firstOf(c.events, first.Event)
	if !ok {
		return tally{}, &NotStartedError{Rule: c.rule.ID, Event: first.Event}
	}
	t := tally{start: e}
	var err error
	if t.day, err = first.After.AddTo(e.Date); err != nil {
		return tally{}, err
	}
	if c.strict.has(EarliestStart) {
		return t, nil
	}
	for i := range c.rule.Start[1:] {
		if err := c.later(&t, &c.rule.Start[1+i]); err != nil {
			return tally{}, err
		}
	}
	return t, nil
}

// later moves the start to another event of the rule, if that came later. What
// was asked for after the period had ended revives nothing.
func (c counter) later(t *tally, s *Start) error {
	e, happened := lastOf(c.events, s.Event)
	trigger := e
	waits := false
	if s.Asked != "" {
		if asked, ok := lastOf(c.events, s.Asked); ok {
			trigger = asked
			waits = !happened || e.compare(asked) < 0
		}
	}
	if !happened && !waits {
		return nil
	}
	end, err := c.span(t.day, 0)
	if err != nil || trigger.Date.After(end) {
		return err
	}
	if waits {
		// It cannot have been answered before it was asked.
		e = trigger
	}
	day, err := s.After.AddTo(e.Date)
	if err != nil {
		return err
	}
	if waits {
		t.waiting = s.Event
	}
	if day.After(t.day) {
		t.start, t.day = e, day
	}
	return nil
}

// pauses returns how many days of a period from start to end, both of them
// calendar days, do not count, and the event that an open pause waits for.
// Pauses that overlap are one. What was asked for after the period had ended
// pauses nothing.
func (c counter) pauses(start, end Date) (days int, waiting EventType) {
	var open uint
	var from Date
	var opener *Pause
	var last Date
	for i := range c.events {
		e := &c.events[i]
		for j := range c.rule.Pauses {
			p := &c.rule.Pauses[j]
			bit := uint(1) << j
			switch {
			case e.Type == p.From && !e.Date.After(end.AddDays(days)):
				if open == 0 {
					from, opener = e.Date, p
				}
				open |= bit
				waiting = p.To
			case e.Type == p.To && open&bit != 0:
				if open &^= bit; open == 0 {
					days += pauseLength(opener, from, e.Date, start, &last)
				}
			}
		}
	}
	if open == 0 {
		return days, ""
	}
	// Open: it lasts at least until the day on which it began.
	return days + pauseLength(opener, from, from, start, &last), waiting
}

// pauseLength counts the days of a pause that are not before start and not up to
// last, the last day of the pause before it.
func pauseLength(p *Pause, from, to, start Date, last *Date) int {
	// The days after lo count.
	lo, floor := from, start
	if p.Days == BothEnds {
		lo, floor = from.AddDays(-1), start.AddDays(-1)
	}
	if lo.Before(floor) {
		lo = floor
	}
	if last.After(lo) {
		lo = *last
	}
	if !to.After(lo) {
		return 0
	}
	*last = to
	return to.Sub(lo)
}
