package deadline

import "time"

// europeanUnion gives six days which the institutions of the Union keep
// together every year: those of the European Central Bank's long-term calendar (14
// December 2000, from 2002 until further notice), each of which is also among the
// days that the Commission decides for the staff in Brussels and Luxembourg, such
// as Decision 2021/C 201 I/02 for 2023. Nothing is moved from a weekend.
//
// Regulation (EEC, Euratom) 1182/71 counts as working days all days but Saturdays,
// Sundays and public holidays (Article 2(2)), and as public holidays those of the
// Member State or institution in which action is to be taken (Article 2(1)). This
// is therefore a default for want of a better one, and no Member State's calendar:
// Member States have more holidays, and some work on Good Friday, on Easter
// Monday, on 1 May or on 26 December. Who has a duty there brings the calendar of
// that state. Nor is it all the Commission's staff have off.
func europeanUnion(year int) []holiday {
	sunday := easter(year)
	return []holiday{
		{Date{year, time.January, 1}, "New Year's Day"},
		{sunday.AddDays(-2), "Good Friday"},
		{sunday.AddDays(1), "Easter Monday"},
		{Date{year, time.May, 1}, "Labour Day"},
		{Date{year, time.December, 25}, "Christmas Day"},
		{Date{year, time.December, 26}, "26 December"},
	}
}
