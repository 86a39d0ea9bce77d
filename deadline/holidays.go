package deadline

import "time"

// easter returns Easter Sunday of the western churches, by the tables of the
// Gregorian calendar: the first Sunday after the ecclesiastical full moon on or
// after 21 March.
func easter(year int) Date {
	century := year / 100
	// The age of the moon follows a cycle of 19 years, corrected for the leap days
	// that centuries leave out and for the drift of the cycle.
	correction := century - century/4 - (8*century+13)/25
	cycle := year % 19
	moon := (19*cycle + correction + 15) % 30
	// The tables hold two full moons back by a day, so that no date comes twice
	// in a cycle.
	if moon == 29 || moon == 28 && cycle > 10 {
		moon--
	}
	full := Date{year, time.March, 21}.AddDays(moon)
	return full.AddDays(7 - int(full.Weekday()))
}

// nthWeekday returns the nth such weekday of a month, counted from 1.
func nthWeekday(n int, weekday time.Weekday, year int, month time.Month) Date {
	first := Date{year, month, 1}
	return first.AddDays((int(weekday)-int(first.Weekday())+7)%7 + 7*(n-1))
}

// lastMonday returns the last Monday of a month.
func lastMonday(year int, month time.Month) Date {
	end := Date{year, month, daysIn(year, month)}
	return end.AddDays(-((int(end.Weekday()) - int(time.Monday) + 7) % 7))
}
