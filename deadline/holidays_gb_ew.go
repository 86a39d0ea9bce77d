package deadline

import "time"

// proclaimed is a bank holiday in England and Wales that one year had apart from
// the others.
type proclaimed struct {
	holiday
	// insteadOf is the bank holiday that was moved, if one was.
	insteadOf Date
}

// proclamations moves and adds days under section 1(2) and (3) of the Banking
// and Financial Dealings Act 1971, by royal proclamation published in the London
// Gazette. Ordinary years need them too: for New Year's Day, the first Monday in
// May, and days in lieu of a Saturday; those follow the rule below.
var proclamations = []proclaimed{
	// 75 years after the end of the war in Europe (Gazette notice 3326938).
	{holiday{Date{2020, time.May, 8}, "Early May bank holiday (VE day)"}, Date{2020, time.May, 4}},
	{holiday{Date{2022, time.June, 2}, "Spring bank holiday"}, Date{2022, time.May, 30}},
	{holiday{Date{2022, time.June, 3}, "Platinum Jubilee bank holiday"}, Date{}},
	// Gazette notice 4158896.
	{holiday{Date{2022, time.September, 19}, "State Funeral of Queen Elizabeth II"}, Date{}},
	{holiday{Date{2023, time.May, 8}, "Coronation of King Charles III"}, Date{}},
}

// englandAndWales gives the bank holidays of Schedule 1, paragraph 1 of the
// Banking and Financial Dealings Act 1971, those that are proclaimed every year
// (1 January since 1974, the first Monday in May since 1978), and Good Friday and
// Christmas Day, which are holidays at common law.
//
// Scotland and Northern Ireland differ. Later proclamations can only be added
// here when they are made: a day that is missing gives an earlier date.
func englandAndWales(year int) []holiday {
	sunday := easter(year)
	days := append([]holiday{
		newYearsDay(year),
		{sunday.AddDays(-2), "Good Friday"},
		{sunday.AddDays(1), "Easter Monday"},
		{nthWeekday(1, time.Monday, year, time.May), "Early May bank holiday"},
		{lastMonday(year, time.May), "Spring bank holiday"},
		{lastMonday(year, time.August), "Summer bank holiday"},
	}, christmas(year)...)
	for _, p := range proclamations {
		if p.date.Year == year {
			days = p.apply(days)
		}
	}
	return days
}

// apply moves or adds the proclaimed day.
func (p proclaimed) apply(days []holiday) []holiday {
	for i, day := range days {
		if day.date == p.insteadOf {
			days[i] = p.holiday
			return days
		}
	}
	return append(days, p.holiday)
}

// newYearsDay is 1 January, or the Monday after it if it falls on a weekend.
func newYearsDay(year int) holiday {
	switch day := (Date{year, time.January, 1}); day.Weekday() {
	case time.Saturday:
		return holiday{day.AddDays(2), "New Year's Day (substitute day)"}
	case time.Sunday:
		return holiday{day.AddDays(1), "New Year's Day (substitute day)"}
	default:
		return holiday{day, "New Year's Day"}
	}
}

// christmas gives 25 and 26 December. Schedule 1 has 26 December unless it is a
// Sunday, and 27 December if 25 or 26 December is one. What falls on a Saturday
// is proclaimed in lieu on the next day that is free.
func christmas(year int) []holiday {
	on := func(day int, name string) holiday { return holiday{Date{year, time.December, day}, name} }
	switch (Date{year, time.December, 25}).Weekday() {
	case time.Friday:
		return []holiday{on(25, "Christmas Day"), on(28, "Boxing Day (substitute day)")}
	case time.Saturday:
		return []holiday{on(27, "Christmas Day (substitute day)"), on(28, "Boxing Day (substitute day)")}
	case time.Sunday:
		return []holiday{on(26, "Boxing Day"), on(27, "Christmas Day (substitute day)")}
	default:
		return []holiday{on(25, "Christmas Day"), on(26, "Boxing Day")}
	}
}
