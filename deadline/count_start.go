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
