package deadline

// start finds the event that started the clock.
func (c counter) start() (tally, error) {
	first := c.rule.Start[0]
	e, ok := firstOf(c.events, first.Event)
	if !ok {
		return tally{}, &NotStartedError{Rule: c.rule.ID, Event: first.Event}
	}
	t := tally{strict: c.strict, first: e.Date, start: e}
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
// was asked for, or came unasked, after the period had ended revives nothing,
// and undoes nothing that was asked and answered in time.
func (c counter) later(t *tally, s *Start) error {
	end, err := c.span(t.day, 0)
	if err != nil {
		return err
	}
	asked := Event{}
	if s.Asked != "" {
		asked, _ = lastUntil(c.events, s.Asked, end)
	}
	if asked.Type == "" {
		if e, happened := lastUntil(c.events, s.Event, end); happened {
			return t.move(s, e)
		}
		return nil
	}
	for i := range c.events {
		if e := c.events[i]; e.Type == s.Event && !e.before(asked) {
			return t.move(s, e)
		}
	}
	// It cannot have been answered before it was asked.
	t.waiting = s.Event
	return t.move(s, asked)
}

// move starts the clock with an event, if that is later.
func (t *tally) move(s *Start, e Event) error {
	day, err := s.After.AddTo(e.Date)
	if err == nil && day.After(t.day) {
		t.start, t.day = e, day
	}
	return err
}
