package deadline

import "time"

// california gives the days on which the state's agencies close: the holidays
// that California Government Code section 19853(a) gives to all state employees,
// as its Department of Human Resources publishes them. Section 19853(b) moves
// what falls on a Sunday to the Monday, and Veterans Day from a Saturday to the
// Friday; nothing else on a Saturday moves.
//
// Section 6700 lists more: Lunar New Year, 12 February, Good Friday afternoon, 24
// April, 19 June, 9 September, the fourth Friday in September, Columbus Day,
// Diwali. State employees may choose some of these for themselves (19853(e)), and
// offices stay open. Whether a legal period may end the day after one of them is
// doubtful, so they count as working days, which gives the earlier date. The day
// after Thanksgiving is no holiday of section 6700, and a Saturday is a business
// day of Civil Code section 9, which excepts holidays only. Here neither is a
// working day, since the agencies are closed: a rule for which that is doubtful
// has to say so itself.
func california(year int) []holiday {
	thanksgiving := nthWeekday(4, time.Thursday, year, time.November)
	days := []holiday{
		{Date{year, time.January, 1}, "New Year's Day"},
		{nthWeekday(3, time.Monday, year, time.January), "Dr. Martin Luther King, Jr. Day"},
		{nthWeekday(3, time.Monday, year, time.February), "Presidents' Day"},
		{Date{year, time.March, 31}, marchDay(year)},
		{lastMonday(year, time.May), "Memorial Day"},
		{Date{year, time.July, 4}, "Independence Day"},
		{nthWeekday(1, time.Monday, year, time.September), "Labor Day"},
		holiday{Date{year, time.November, 11}, "Veterans Day"}.observed(time.Saturday, -1),
		{thanksgiving, "Thanksgiving Day"},
		{thanksgiving.AddDays(1), "Day after Thanksgiving"},
		{Date{year, time.December, 25}, "Christmas Day"},
	}
	for i, day := range days {
		days[i] = day.observed(time.Sunday, 1)
	}
	return days
}

// marchDay is the name of 31 March, which Assembly Bill 2156 changed in March
// 2026.
func marchDay(year int) string {
	if year < 2026 {
		return "Cesar Chavez Day"
	}
	return "Farmworkers Day"
}
