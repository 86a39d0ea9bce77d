package deadline

import (
	"cmp"
	"fmt"
	"time"
)

// Date is a day of the Gregorian calendar, without time of day and without
// zone. Only years 1 to 9999 are valid, and arithmetic is defined for valid dates
// only. The zero Date is no day at all.
type Date struct {
	Year  int
	Month time.Month
	Day   int
}

// DateError says that something is no date. It never quotes what it was given.
type DateError struct {
	// Reason is a phrase of a closed list: "is not written YYYY-MM-DD", "is not a
	// day of the calendar", "lies outside of the years 1 to 9999".
	Reason string
}

func (e *DateError) Error() string { return "deadline: date " + e.Reason }

const secondsOfDay = 24 * 60 * 60

// DateOf returns the day that it is in loc at the instant t.
func DateOf(t time.Time, loc *time.Location) Date {
	y, m, d := t.In(loc).Date()
	return Date{Year: y, Month: m, Day: d}
}

// ParseDate reads a date of exactly the form YYYY-MM-DD. It returns a
// *[DateError] for any other form and for days that do not exist.
func ParseDate(s string) (Date, error) {
	if len(s) != 10 || s[4] != '-' || s[7] != '-' {
		return Date{}, &DateError{Reason: "is not written YYYY-MM-DD"}
	}
	y, okY := digits(s[:4])
	m, okM := digits(s[5:7])
	d, okD := digits(s[8:])
	if !okY || !okM || !okD {
		return Date{}, &DateError{Reason: "is not written YYYY-MM-DD"}
	}
	date := Date{Year: y, Month: time.Month(m), Day: d}
	if err := date.check(); err != nil {
		return Date{}, err
	}
	return date, nil
}

// digits reads a number that is written in ASCII digits only.
func digits(s string) (n int, ok bool) {
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return n, len(s) > 0
}

// outside says that a date was counted beyond the last one that there is.
func outside() error { return &DateError{Reason: "lies outside of the years 1 to 9999"} }

func (d Date) check() error {
	if !d.Valid() {
		return &DateError{Reason: "is not a day of the calendar"}
	}
	return nil
}

// Valid reports whether the day exists, in the years 1 to 9999.
func (d Date) Valid() bool {
	return d.Year >= 1 && d.Year <= 9999 && d.Month >= time.January && d.Month <= time.December &&
		d.Day >= 1 && d.Day <= daysIn(d.Year, d.Month)
}

// daysIn returns the number of days of a month.
func daysIn(year int, month time.Month) int {
	if month == time.February && leap(year) {
		return 29
	}
	return int(monthLengths[month-1])
}

var monthLengths = [12]int8{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}

// leap reports whether a year of the Gregorian calendar has a 29 February.
func leap(year int) bool { return year%4 == 0 && (year%100 != 0 || year%400 == 0) }

// IsZero reports whether d is the zero Date.
func (d Date) IsZero() bool { return d == Date{} }

// String writes the date as YYYY-MM-DD.
func (d Date) String() string {
	return fmt.Sprintf("%04d-%02d-%02d", d.Year, int(d.Month), d.Day)
}

// MarshalText writes the date as YYYY-MM-DD. A date that is not valid gives a
// *[DateError].
func (d Date) MarshalText() ([]byte, error) {
	if err := d.check(); err != nil {
		return nil, err
	}
	return []byte(d.String()), nil
}

// UnmarshalText reads what [ParseDate] reads.
func (d *Date) UnmarshalText(text []byte) error {
	date, err := ParseDate(string(text))
	if err != nil {
		return err
	}
	*d = date
	return nil
}

// number counts days since 1970-01-01. It reckons with years that begin in
// March, so that the leap day is the last one and the months before it have
// lengths that a line of slope 153/5 gives.
func (d Date) number() int {
	year, month := d.Year, int(d.Month)
	if month < 3 {
		year, month = year-1, month+12
	}
	return 365*year + year/4 - year/100 + year/400 + (153*month-457)/5 + d.Day - 719469
}

// dateAt is the inverse of number.
func dateAt(number int) Date {
	return DateOf(time.Unix(int64(number)*secondsOfDay, 0), time.UTC)
}

// far is more days than all valid years have together.
const far = 10_000 * 366

// AddDays returns the date n days later, or earlier when n is negative. A result
// outside of the years 1 to 9999 is not [Date.Valid].
func (d Date) AddDays(n int) Date {
	// From every valid date so many days lead outside; more could come round to
	// a valid one again, since numbers of any kind have an end.
	n = min(max(n, -far), far)
	if day := d.Day + n; day >= 1 && day <= 28 {
		d.Day = day // every month has it
		return d
	}
	return dateAt(d.number() + n)
}

// Sub returns the number of days from other to d: 1 if d is the day after other.
func (d Date) Sub(other Date) int { return d.number() - other.number() }

// Weekday returns the day of the week.
func (d Date) Weekday() time.Weekday {
	const epoch = int(time.Thursday)
	return time.Weekday(((d.number()+epoch)%7 + 7) % 7)
}

// Compare returns -1 if d is before other, 0 if they are one day, and +1 if d
// is after other.
func (d Date) Compare(other Date) int {
	switch {
	case d.Year != other.Year:
		return cmp.Compare(d.Year, other.Year)
	case d.Month != other.Month:
		return cmp.Compare(d.Month, other.Month)
	}
	return cmp.Compare(d.Day, other.Day)
}

// Before reports whether d is an earlier day than other.
func (d Date) Before(other Date) bool { return d.Compare(other) < 0 }

// After reports whether d is a later day than other.
func (d Date) After(other Date) bool { return d.Compare(other) > 0 }
