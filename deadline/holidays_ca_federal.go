package deadline

import "time"

// canadaFederal gives the holidays of section 35(1) of the Interpretation Act
// (R.S.C. 1985, c. I-21), which section 26 of it excludes as the last day of a
// time limit. Victoria Day and Canada Day are defined in the Holidays Act (c.
// H-5); Thanksgiving is a day appointed by the proclamation of 31 January 1957.
// The Act moves no holiday from a weekend; only Canada Day moves from a Sunday.
//
// Left out, so that a count ends earlier rather than later: Boxing Day and days
// in lieu, which are holidays of employees (Canada Labour Code, sections 166 and
// 193) and closures of offices; days of one province; and 19 September 2022, on
// which the proclamation asked people to honour the Queen's memory without
// plainly appointing a day of general mourning. The federal list has no Saturday.
// It is no working day here, and the Canada Revenue Agency counts it as a holiday
// under section 26, by way of the provinces (document 2015-0598291C6).
func canadaFederal(year int) []holiday {
	sunday := easter(year)
	may25 := Date{year, time.May, 25}
	days := []holiday{
		{Date{year, time.January, 1}, "New Year's Day"},
		{sunday.AddDays(-2), "Good Friday"},
		{sunday.AddDays(1), "Easter Monday"},
		// Holidays Act, section 4: the first Monday immediately before 25 May.
		{may25.AddDays(-1 - (int(may25.Weekday())+5)%7), "Victoria Day"},
		// Holidays Act, section 2.
		holiday{Date{year, time.July, 1}, "Canada Day"}.observed(time.Sunday, 1),
		{nthWeekday(1, time.Monday, year, time.September), "Labour Day"},
		{nthWeekday(2, time.Monday, year, time.October), "Thanksgiving Day"},
		{Date{year, time.November, 11}, "Remembrance Day"},
		{Date{year, time.December, 25}, "Christmas Day"},
	}
	if year >= 2021 { // S.C. 2021, c. 11, section 3, in force on 3 August 2021
		days = append(days, holiday{Date{year, time.September, 30}, "National Day for Truth and Reconciliation"})
	}
	return days
}
