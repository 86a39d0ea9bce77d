package retention

import (
	"time"

	"github.com/trothdev/troth/deadline"
)

// count returns when a period ends that begins at t.
//
// Periods of days, weeks, months and years end with a day: the one on which they
// begin does not count, and the last one is over when it is over in loc
// (Regulation (EEC, Euratom) 1182/71, Article 3(1) and (2)). An instant at which a
// day begins is the end of the one before, so periods follow each other without
// a day between them. Hours are hours that really pass.
//
// A later beginning never gives an earlier end, whatever the clocks do.
func count(t time.Time, p deadline.Period, loc *time.Location) time.Time {
	switch {
	case p.IsZero():
		return t
	case p.Hours > 0:
		return t.Add(time.Duration(p.Hours) * time.Hour)
	}
	return endOf(dayOf(t, loc), p, loc)
}

// countYear is count from the end of the calendar year of t.
func countYear(t time.Time, p deadline.Period, loc *time.Location) time.Time {
	return endOf(deadline.Date{Year: dayOf(t, loc).Year, Month: time.December, Day: 31}, p, loc)
}

// dayOf returns the day to which an instant belongs: what happens as a day
// begins is the end of the one before.
func dayOf(t time.Time, loc *time.Location) deadline.Date {
	return deadline.DateOf(t.Add(-time.Nanosecond), loc)
}

func endOf(d deadline.Date, p deadline.Period, loc *time.Location) time.Time {
	end, err := p.AddTo(d)
	if err != nil || end.Year >= 9999 {
		return distant // an instant that no clock shows: it never comes
	}
	return end.End(loc)
}

var distant = time.Date(9999, time.January, 1, 0, 0, 0, 0, time.UTC)

// ahead returns the end of the day that lies days before an instant.
func ahead(t time.Time, days int, loc *time.Location) time.Time {
	d := dayOf(t, loc)
	if end := d.End(loc); !end.Equal(t) {
		d = d.AddDays(-1) // t lies within its day
	}
	if d = d.AddDays(-days); !d.Valid() {
		return time.Time{}.Add(time.Nanosecond)
	}
	return d.End(loc)
}

// earlier returns the earlier of two ends; zero is none.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
