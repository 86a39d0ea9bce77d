package deadline

import (
	"cmp"
	"time"
)

// clockChange is how many hours the clocks of a zone may be moved during a
// period: summer time, with room to spare. Moves across the date line are left
// out of account.
const clockChange = 2

// Compare compares two periods where their order does not depend on the day on
// which they start: it returns -1 if p always ends first, 0 if both always end
// together, +1 if q always ends first, and true. Otherwise it returns false: a
// month and 30 days, three days and 72 hours (the clocks may change), business
// days and any others. Business days are compared as if on one calendar. Periods
// that do not validate have no order.
func (p Period) Compare(q Period) (int, bool) {
	switch {
	case p.Validate() != nil || q.Validate() != nil:
		return 0, false
	case p.IsZero() || q.IsZero() || p.BusinessDays > 0 && q.BusinessDays > 0:
		return cmp.Compare(p.total(), q.total()), true
	case p.BusinessDays > 0 || q.BusinessDays > 0:
		return 0, false
	}
	// The months of one that exceed the other's are as long as some months in a
	// row, wherever the common ones ended and whether or not days were clamped.
	shortest, longest := monthSpan(p.months() - q.months())
	days, hours := p.days()-q.days(), p.Hours-q.Hours
	least, most := 24*(shortest+days), 24*(longest+days)
	if (least != 0 || most != 0) && hours != 0 {
		least, most = least-clockChange, most+clockChange
	}
	return sign(least+hours, most+hours)
}

// sign tells the sign of a number between least and most, if it is certain.
func sign(least, most int) (int, bool) {
	switch {
	case least > 0:
		return 1, true
	case most < 0:
		return -1, true
	}
	return 0, least == 0 && most == 0
}

// total adds up all parts: it is zero only for the zero Period.
func (p Period) total() (sum int) {
	for _, n := range p.parts() {
		sum += n
	}
	return sum
}

// MaxDays returns the longest that the period can last, in days: 31 for a month,
// 92 for three, 366 for a year; hours count as days begun. It returns false for
// business days, whose length only a calendar knows, and for a period that does
// not validate.
func (p Period) MaxDays() (int, bool) {
	if p.BusinessDays > 0 || p.Validate() != nil {
		return 0, false
	}
	_, longest := monthSpan(p.months())
	return longest + p.days() + (p.Hours+23)/24, true
}

// monthSpan returns the least and the greatest number of days that n months in a
// row have, over the 400 years in which the calendar repeats. Both are negative
// for negative n.
func monthSpan(n int) (shortest, longest int) {
	if n < 0 {
		shortest, longest = monthSpan(-n)
		return -longest, -shortest
	}
	const (
		cycle     = 400 * 12
		cycleDays = 146097
	)
	whole, n := n/cycle*cycleDays, n%cycle
	if n == 0 { // most periods: every span of whole cycles is as long as the others
		return whole, whole
	}
	span := 0
	for month := range n {
		span += monthDays(month)
	}
	shortest, longest = span, span
	for month := range cycle {
		span += monthDays(month+n) - monthDays(month)
		shortest, longest = min(shortest, span), max(longest, span)
	}
	return whole + shortest, whole + longest
}

// monthDays returns the days of the month that lies n months after January of a
// year divisible by 400.
func monthDays(n int) int { return daysIn(n/12, time.Month(n%12+1)) }
