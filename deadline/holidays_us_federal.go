package deadline

import "time"

// usFederal gives the legal public holidays of 5 U.S.C. 6103(a), on the day on
// which employees with a week of Monday to Friday keep them: the Friday before a
// Saturday (6103(b)(1)), the Monday after a Sunday (Executive Order 11582,
// section 3).
//
// Left out, so that a count ends earlier rather than later: Inauguration Day
// (6103(c)), which only those who work in and around Washington have off, and
// days on which a President closes the executive departments, such as 24 and 26
// December 2025: such orders are about pay and leave and make no legal public
// holiday.
func usFederal(year int) []holiday {
	days := []holiday{
		{Date{year, time.January, 1}, "New Year's Day"},
		{nthWeekday(3, time.Monday, year, time.January), "Birthday of Martin Luther King, Jr."},
		{nthWeekday(3, time.Monday, year, time.February), "Washington's Birthday"},
		{lastMonday(year, time.May), "Memorial Day"},
		{Date{year, time.July, 4}, "Independence Day"},
		{nthWeekday(1, time.Monday, year, time.September), "Labor Day"},
		{nthWeekday(2, time.Monday, year, time.October), "Columbus Day"},
		{Date{year, time.November, 11}, "Veterans Day"},
		{nthWeekday(4, time.Thursday, year, time.November), "Thanksgiving Day"},
		{Date{year, time.December, 25}, "Christmas Day"},
	}
	if year >= 2021 { // Public Law 117-17 of 17 June 2021, in force at once
		days = append(days, holiday{Date{year, time.June, 19}, "Juneteenth National Independence Day"})
	}
	for i, day := range days {
		days[i] = day.observed(time.Saturday, -1).observed(time.Sunday, 1)
	}
	return days
}

// observed moves what falls on that weekday by so many days.
func (h holiday) observed(on time.Weekday, by int) holiday {
	if h.date.Weekday() != on {
		return h
	}
	return holiday{h.date.AddDays(by), h.name + " (observed)"}
}
