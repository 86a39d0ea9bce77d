package deadline

import (
	"slices"
	"time"
)

// strictness is a set of strict readings, a bit for each of the list readings.
type strictness uint16

func (s strictness) has(r Reading) bool { return s != 0 && s&bit(r) != 0 }

func bit(r Reading) strictness { return 1 << slices.Index(readings, r) }

// strictReadings returns the strict readings of a clock whose first event was
// on a day.
func strictReadings(r *Rule, first Date) (s strictness) {
	for i := range r.Doubts {
		d := &r.Doubts[i]
		if d.Before.IsZero() || first.Before(d.Before) {
			s |= bit(d.Reading)
		}
	}
	return s
}

// counter counts one clock under one set of readings.
type counter struct {
	rule   *Rule
	events []Event
	cal    Calendar
	strict strictness
	// early takes the first instant of a day of which no more is known; else it
	// is the last one.
	early bool
}

// tally is a count with its steps, which the explanation tells.
type tally struct {
	// strict are the readings by which was counted.
	strict strictness
	// first is the day of the first start event, without which there is no
	// clock; start the event that started it, day the day from which it is
	// counted.
	first Date
	start Event
	day   Date
	// base is the last day without extension, pauses and roll; end with the
	// first two; last with all.
	base, end, last Date
	// at is the instant of the end of a period of hours, if it is known.
	at       time.Time
	paused   int
	extended int
	waiting  EventType
}

// sooner reports whether a count of the same clock ends before another.
func (t *tally) sooner(o *tally) bool { return t.last.Before(o.last) || t.at.Before(o.at) }

func (c counter) count() (tally, error) {
	t, err := c.start()
	if err != nil {
		return tally{}, err
	}
	if c.rule.Period.Hours > 0 {
		err := c.hours(&t)
		return t, err
	}
	if t.base, err = c.span(t.day, 0); err != nil {
		return tally{}, err
	}
	if err := c.finish(&t); err != nil {
		return tally{}, err
	}
	for i := range c.events {
		e := &c.events[i]
		if t.extended == c.rule.Extension.Count {
			break
		}
		// A notice that comes before there is a clock, or when the period is
		// over, extends nothing.
		if e.Type != ExtensionNoticed || e.Date.Before(t.first) || e.Date.After(t.last) {
			continue
		}
		t.extended++
		if err := c.finish(&t); err != nil {
			return tally{}, err
		}
	}
	return t, nil
}

// finish counts extensions, pauses and roll.
func (c counter) finish(t *tally) error {
	end, err := c.span(t.day, t.extended)
	if err != nil {
		return err
	}
	waiting := t.waiting
	t.paused = 0
	if !c.strict.has(NoPause) {
		var open EventType
		if t.paused, open = c.pauses(t.day, end); open != "" {
			waiting = open
		}
	}
	t.waiting = waiting
	if t.end = end.AddDays(t.paused); !t.end.Valid() {
		return outside()
	}
	t.last, err = c.roll(t.end)
	return err
}

// span returns the last day of the period with so many extensions.
func (c counter) span(start Date, extensions int) (Date, error) {
	p, x := c.rule.Period, c.rule.Extension
	included := c.rule.FirstDay == FirstIncluded || c.strict.has(FirstDayCounts)
	chained := x.Chain == Chained || c.strict.has(ChainedExtension)
	if !chained {
		p = times(p, x.Period, extensions)
	}
	end, err := c.add(start, p, included)
	if chained {
		for i := 0; i < extensions && err == nil; i++ {
			end, err = c.add(end, x.Period, false)
		}
	}
	return end, err
}

// add returns the last day of a period from a day on, which is day one if it
// is included.
func (c counter) add(from Date, p Period, included bool) (Date, error) {
	if p.BusinessDays > 0 {
		return c.addBusiness(from, p.BusinessDays, included)
	}
	end, err := p.AddTo(from)
	if err != nil {
		return Date{}, err
	}
	if included && end.After(from) {
		end = end.AddDays(-1)
	}
	return end, nil
}

func (c counter) addBusiness(from Date, n int, included bool) (Date, error) {
	d := from
	if included {
		d = d.AddDays(-1)
	}
	for n > 0 {
		d = d.AddDays(1)
		ok, err := c.working(d, c.strict.has(SaturdayWorks))
		if err != nil {
			return Date{}, err
		}
		if ok {
			n--
		}
	}
	return d, nil
}

// times returns a period with an extension added n times.
func times(p, extension Period, n int) Period {
	for range n {
		p = plus(p, extension)
	}
	return p
}

func plus(a, b Period) Period {
	return Period{
		Years: a.Years + b.Years, Months: a.Months + b.Months, Weeks: a.Weeks + b.Weeks, Days: a.Days + b.Days,
		Hours: a.Hours + b.Hours, BusinessDays: a.BusinessDays + b.BusinessDays,
	}
}
