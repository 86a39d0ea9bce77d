package deadline

import "time"

// AddTo returns the day that lies p after d. Years and months come first: they
// keep the day of the month, or take the last one of a month that is too short
// (Regulation (EEC, Euratom) 1182/71, Article 3(2)(c)). Then weeks and days are
// added. So 2026-01-31 and P1M give 2026-02-28.
//
// It counts from d and never rolls: which day counts as the first, and what a
// weekend at the end does, is a matter of the rule. Hours and business days
// return a *[PeriodError], a result after the year 9999 a *[DateError].
func (p Period) AddTo(d Date) (Date, error) {
	switch err := p.Validate(); {
	case err != nil:
		return Date{}, err
	case p.BusinessDays > 0:
		return Date{}, &PeriodError{Reason: "has business days and needs a calendar"}
	case p.Hours > 0:
		return Date{}, &PeriodError{Reason: "has hours and needs an instant"}
	}
	if err := d.check(); err != nil {
		return Date{}, err
	}
	sum := d.addMonths(p.months()).AddDays(p.days())
	if !sum.Valid() {
		return Date{}, outside()
	}
	return sum, nil
}

// AddToInstant returns the instant that lies p after t: years to days are moved
// on the calendar of loc at the same time of day, then hours are added as time
// that really passes, so that 72 hours are 72 hours in the week of a clock
// change too. A time of day that does not exist on the day reached falls on the
// side that [time.Date] chooses. The result is in loc. Errors are those of
// [Period.AddTo], except that hours are welcome.
func (p Period) AddToInstant(t time.Time, loc *time.Location) (time.Time, error) {
	if err := p.Validate(); err != nil {
		return time.Time{}, err
	}
	hours := time.Duration(p.Hours) * time.Hour
	p.Hours = 0
	t = t.In(loc)
	if !p.IsZero() {
		d, err := p.AddTo(DateOf(t, loc))
		if err != nil {
			return time.Time{}, err
		}
		t = time.Date(d.Year, d.Month, d.Day, t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), loc)
	}
	if t = t.Add(hours); !DateOf(t, loc).Valid() {
		return time.Time{}, outside()
	}
	return t, nil
}

// months returns years and months together, in months.
func (p Period) months() int { return 12*p.Years + p.Months }

// days returns weeks and days together, in days.
func (p Period) days() int { return 7*p.Weeks + p.Days }

// addMonths moves d by n months, onto the last day of a month that is too short.
func (d Date) addMonths(n int) Date {
	month := 12*d.Year + int(d.Month) - 1 + n
	d.Year, d.Month = month/12, time.Month(month%12+1)
	d.Day = min(d.Day, daysIn(d.Year, d.Month))
	return d
}
