package deadline

import "time"

// roll moves the last day on, where the rule says so.
func (c counter) roll(d Date) (Date, error) {
	if c.rule.Roll == RollNone || c.strict.has(NoRoll) {
		return d, nil
	}
	saturday := c.rule.Roll == RollHoliday || c.strict.has(SaturdayWorks)
	for {
		ok, err := c.working(d, saturday)
		if err != nil || ok {
			return d, err
		}
		d = d.AddDays(1)
	}
}

// working reports whether a day is a working day. If saturday is set, then so
// is a Saturday that is no holiday.
//
// It asks what the calendar covers itself: a host's calendar that forgets to
// would be believed outside of it, and could be walked for ever.
func (c counter) working(d Date, saturday bool) (bool, error) {
	if err := covered(c.cal, d); err != nil {
		return false, err
	}
	ok, err := c.cal.Working(d)
	if err != nil || ok {
		return ok, err
	}
	_, holiday := c.cal.Holiday(d)
	if holiday && !c.strict.has(WeekendsOnly) {
		return false, nil
	}
	switch d.Weekday() {
	case time.Sunday:
		return false, nil
	case time.Saturday:
		return saturday, nil
	default:
		return holiday, nil
	}
}

// hours ends a period of hours. It ends when it ends, on whatever day: no
// period of hours is moved to a working day (Regulation (EEC, Euratom) No
// 1182/71, Art. 3(4), and nothing elsewhere says that it would be).
func (c counter) hours(t *tally) error {
	loc := t.start.location()
	length := time.Duration(c.rule.Period.Hours) * time.Hour
	included := c.rule.FirstDay == FirstIncluded || c.strict.has(FirstDayCounts)
	from := t.start.Instant
	known := !from.IsZero()
	switch {
	case known:
	case c.early:
		from = t.day.Start(loc)
	default:
		// The end of the day stands for its last instant, which no clock shows.
		from, included = t.day.End(loc), true
	}
	if !included {
		from = nextHour(from, loc)
	}
	end := from.Add(length)
	if t.base = DateOf(end.Add(-1), loc); !known && c.early {
		// No instant tells where that day is over, so only a day counts of which
		// none is too late: not the one on which clocks have moved the end.
		t.base = DateOf(end, loc).AddDays(-1)
		if t.base.Before(t.day) {
			t.base = t.day
		}
	}
	if !t.base.Valid() {
		return outside()
	}
	t.end, t.last = t.base, t.base
	if known {
		t.at = end.UTC()
	}
	return nil
}

// nextHour returns the end of the hour in which an instant falls, on the clocks
// of loc: the hour of the event is not counted (the same, Art. 3(1)).
func nextHour(at time.Time, loc *time.Location) time.Time {
	at = at.In(loc)
	into := time.Duration(at.Minute())*time.Minute + time.Duration(at.Second())*time.Second +
		time.Duration(at.Nanosecond())
	return at.Add(time.Hour - into)
}
