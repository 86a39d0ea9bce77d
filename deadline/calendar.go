package deadline

import (
	"errors"
	"fmt"
	"slices"
	"sync"
)

// Calendar tells working days from others. Those that come with this package
// are listed by [Calendars]; a host may bring its own. Implementations are safe
// for concurrent use and always answer alike.
type Calendar interface {
	// Name identifies the calendar, as in "gb-ew".
	Name() string
	// Covers returns the first and the last day that the calendar knows about.
	Covers() (first, last Date)
	// Working reports whether d is a working day. It returns a *[RangeError] for a
	// day that the calendar does not cover, never a guess.
	Working(d Date) (bool, error)
	// Holiday returns the name of the holiday that is kept on d, for explanations.
	// It returns false for other days, for weekends that are nothing else, and
	// outside of what the calendar covers.
	Holiday(d Date) (name string, ok bool)
}

// ErrUnknownCalendar says that no calendar of that name comes with the package.
var ErrUnknownCalendar = errors.New("deadline: unknown calendar")

// RangeError says that a calendar was asked about a day that it does not cover.
type RangeError struct {
	// Calendar is the name of the calendar.
	Calendar string
	// Date is the day asked about; First and Last are the ends of what is covered.
	Date, First, Last Date
}

func (e *RangeError) Error() string {
	return fmt.Sprintf("deadline: calendar %s covers %s to %s, not %s", e.Calendar, e.First, e.Last, e.Date)
}

// covered returns a *[RangeError] unless cal covers d, and a *[DateError] if there
// is no such day between its ends.
func covered(cal Calendar, d Date) error {
	first, last := cal.Covers()
	if d.Before(first) || d.After(last) {
		return &RangeError{Calendar: cal.Name(), Date: d, First: first, Last: last}
	}
	return d.check()
}

// shipped are computed once, when somebody first asks.
var shipped = sync.OnceValue(func() []Calendar {
	return []Calendar{
		compute("ca-federal", canadaFederal),
		compute("eu", europeanUnion),
		compute("gb-ew", englandAndWales),
		compute("us-ca", california),
		compute("us-federal", usFederal),
		weekdays{},
	}
})

// Calendars returns the calendars that come with this package, by name:
//
//   - ca-federal: holidays of the federal Interpretation Act of Canada
//   - eu: six days that the institutions of the European Union keep together; no
//     Member State's calendar
//   - gb-ew: bank holidays in England and Wales
//   - us-ca: days on which the agencies of the State of California close
//   - us-federal: legal public holidays of the United States
//   - weekdays: Monday to Friday, no holidays, every year
//
// Saturdays and Sundays are working days in none of them. All but weekdays cover
// 2018 to 2035, as the law stood in November 2026. A holiday made since is
// missing, which makes a date that is counted in working days earlier; one that
// was moved or abolished since is still there, which makes it later.
func Calendars() []Calendar { return slices.Clone(shipped()) }

// CalendarByName returns one of [Calendars], or an error that wraps
// [ErrUnknownCalendar].
func CalendarByName(name string) (Calendar, error) {
	for _, cal := range shipped() {
		if cal.Name() == name {
			return cal, nil
		}
	}
	return nil, fmt.Errorf("%w: %q", ErrUnknownCalendar, name)
}
