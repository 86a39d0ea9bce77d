package deadline

import "time"

// Start returns the first instant of the day in loc. Where the clocks are put
// forward at midnight that is later than 00:00; where midnight comes twice it is
// the first one. A day that a zone leaves out, as Samoa did on 2011-12-30, starts
// when the next one does.
func (d Date) Start(loc *time.Location) time.Time {
	midnight := int64(d.number()) * secondsOfDay // as shown by a local clock
	// time.Date may err to either side of a gap, so walk the offsets that were in
	// force, from well before: the first whose clock passes midnight holds it.
	at := time.Unix(midnight-2*secondsOfDay, 0).In(loc)
	for {
		from, to := at.ZoneBounds()
		_, offset := at.Zone()
		// On the last day of a leap year, where a zone's rules go on for ever, the
		// time package gives an end that is not after the instant: nothing changes.
		if to.IsZero() || !to.After(at) || to.Unix()+int64(offset) > midnight {
			start := time.Unix(midnight-int64(offset), 0).In(loc)
			if start.Before(from) {
				return from
			}
			return start
		}
		at = to
	}
}

// End returns the instant at which the day is over in loc: the first of the next
// day. Something that is due on d is in time before End.
func (d Date) End(loc *time.Location) time.Time { return d.AddDays(1).Start(loc) }
