package deadline_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/deadline"
)

// The days of 2024 to 2028 as they are published, typed by hand and not computed:
// each line is a year and its days, month and day. Where a year was not found in
// print when this was written, its line was worked out by hand from the rule of the
// list, as the comments say.
var published = map[string]string{
	// GOV.UK, "UK bank holidays", division England and Wales, compared with copies
	// of the list for 2025 to 2028; 2024 and 2025 also with the proclamations of
	// London Gazette notices 4388378 and 4631404.
	"gb-ew": `
		2024 01-01 03-29 04-01 05-06 05-27 08-26 12-25 12-26
		2025 01-01 04-18 04-21 05-05 05-26 08-25 12-25 12-26
		2026 01-01 04-03 04-06 05-04 05-25 08-31 12-25 12-28
		2027 01-01 03-26 03-29 05-03 05-31 08-30 12-27 12-28
		2028 01-03 04-14 04-17 05-01 05-29 08-28 12-25 12-26`,
	// U.S. Office of Personnel Management, "Federal Holidays", days that most
	// employees have off; 2026 to 2028 compared with copies. New Year's Day 2028 is
	// kept in 2027.
	"us-federal": `
		2024 01-01 01-15 02-19 05-27 06-19 07-04 09-02 10-14 11-11 11-28 12-25
		2025 01-01 01-20 02-17 05-26 06-19 07-04 09-01 10-13 11-11 11-27 12-25
		2026 01-01 01-19 02-16 05-25 06-19 07-03 09-07 10-12 11-11 11-26 12-25
		2027 01-01 01-18 02-15 05-31 06-18 07-05 09-06 10-11 11-11 11-25 12-24 12-31
		2028 01-17 02-21 05-29 06-19 07-04 09-04 10-09 11-10 11-23 12-25`,
	// California Department of Human Resources, "State Holidays", compared with a
	// copy of the list for 2024. The years after are by hand from its notes: a
	// Saturday's holiday stays there (4 July 2026, 25 December 2027, 1 January 2028)
	// except Veterans Day (2028); a Sunday's is kept on the Monday (4 July 2027). The
	// copies for 2013, 2014 and 2017 have the same notes, and 2013 and 2017 show them.
	"us-ca": `
		2024 01-01 01-15 02-19 04-01 05-27 07-04 09-02 11-11 11-28 11-29 12-25
		2025 01-01 01-20 02-17 03-31 05-26 07-04 09-01 11-11 11-27 11-28 12-25
		2026 01-01 01-19 02-16 03-31 05-25 07-04 09-07 11-11 11-26 11-27 12-25
		2027 01-01 01-18 02-15 03-31 05-31 07-05 09-06 11-11 11-25 11-26 12-25
		2028 01-01 01-17 02-21 03-31 05-29 07-04 09-04 11-10 11-23 11-24 12-25`,
	// Government of Canada, "Statutory holidays and office closures" of the Canadian
	// Digital Service, compared with a copy of the list for 2025 and 2026, without
	// Boxing Day, the civic holiday and the day of Quebec, which section 35(1) of the
	// Interpretation Act does not give to the whole country. The other years are by
	// hand from section 35(1) and the Canada Revenue Agency's list for 2016.
	"ca-federal": `
		2024 01-01 03-29 04-01 05-20 07-01 09-02 09-30 10-14 11-11 12-25
		2025 01-01 04-18 04-21 05-19 07-01 09-01 09-30 10-13 11-11 12-25
		2026 01-01 04-03 04-06 05-18 07-01 09-07 09-30 10-12 11-11 12-25
		2027 01-01 03-26 03-29 05-24 07-01 09-06 09-30 10-11 11-11 12-25
		2028 01-01 04-14 04-17 05-22 07-01 09-04 09-30 10-09 11-11 12-25`,
	// European Central Bank, "Long-term calendar for TARGET closing days", press
	// release of 14 December 2000: six days, by hand for each year.
	"eu": `
		2024 01-01 03-29 04-01 05-01 12-25 12-26
		2025 01-01 04-18 04-21 05-01 12-25 12-26
		2026 01-01 04-03 04-06 05-01 12-25 12-26
		2027 01-01 03-26 03-29 05-01 12-25 12-26
		2028 01-01 04-14 04-17 05-01 12-25 12-26`,
	"weekdays": ``,
}

func TestCalendars_AgreeWithPublishedLists(t *testing.T) {
	require.Len(t, published, len(deadline.Calendars()))
	for _, cal := range deadline.Calendars() {
		t.Run(cal.Name(), func(t *testing.T) {
			list, known := published[cal.Name()]
			require.True(t, known)
			var want []string
			for line := range strings.Lines(strings.TrimSpace(list)) {
				fields := strings.Fields(line)
				for _, monthDay := range fields[1:] {
					want = append(want, fields[0]+"-"+monthDay)
				}
			}
			var got []string
			for d := day(t, "2024-01-01"); d.Year < 2029; d = d.AddDays(1) {
				if _, kept := cal.Holiday(d); kept {
					got = append(got, d.String())
				}
			}
			require.Equal(t, want, got)
		})
	}
}

// Days that were moved or added, and the years around 2024 to 2028 in which the
// rules take other turns.
func TestCalendars_MovedAndAddedDays(t *testing.T) {
	for _, c := range []struct{ calendar, date, name string }{
		{"gb-ew", "2020-05-04", ""}, // moved
		{"gb-ew", "2020-05-08", "Early May bank holiday (VE day)"},
		{"gb-ew", "2021-12-27", "Christmas Day (substitute day)"},
		{"gb-ew", "2021-12-28", "Boxing Day (substitute day)"},
		{"gb-ew", "2022-01-03", "New Year's Day (substitute day)"},
		{"gb-ew", "2022-05-30", ""}, // moved
		{"gb-ew", "2022-06-02", "Spring bank holiday"},
		{"gb-ew", "2022-06-03", "Platinum Jubilee bank holiday"},
		{"gb-ew", "2022-09-19", "State Funeral of Queen Elizabeth II"},
		{"gb-ew", "2022-12-26", "Boxing Day"},
		{"gb-ew", "2022-12-27", "Christmas Day (substitute day)"},
		{"gb-ew", "2023-01-02", "New Year's Day (substitute day)"}, // Gazette notice 4115743
		{"gb-ew", "2023-05-01", "Early May bank holiday"},          // the same notice
		{"gb-ew", "2023-05-08", "Coronation of King Charles III"},
		{"gb-ew", "2026-12-28", "Boxing Day (substitute day)"},
		{"us-federal", "2018-12-05", ""}, // closed in mourning, no legal holiday
		{"us-federal", "2020-06-19", ""}, // before Public Law 117-17
		{"us-federal", "2021-01-20", ""}, // Inauguration Day
		{"us-federal", "2021-06-18", "Juneteenth National Independence Day (observed)"},
		{"us-federal", "2021-12-31", "New Year's Day (observed)"},
		{"us-federal", "2022-06-20", "Juneteenth National Independence Day (observed)"},
		{"us-federal", "2022-12-26", "Christmas Day (observed)"},
		{"us-federal", "2023-01-02", "New Year's Day (observed)"},
		{"us-federal", "2023-11-10", "Veterans Day (observed)"},
		{"us-federal", "2025-12-24", ""}, // departments closed, no legal holiday
		{"us-federal", "2025-12-26", ""},
		{"us-ca", "2021-07-05", "Independence Day (observed)"}, // Secretary of State, 2021
		{"us-ca", "2021-11-26", "Day after Thanksgiving"},
		{"us-ca", "2023-11-10", "Veterans Day (observed)"},
		{"us-ca", "2025-03-31", "Cesar Chavez Day"},
		{"us-ca", "2026-03-31", "Farmworkers Day"},
		{"us-ca", "2026-07-03", ""}, // nothing moves to the Friday but Veterans Day
		{"us-ca", "2026-10-12", ""}, // Columbus Day
		{"us-ca", "2026-06-19", ""},
		{"ca-federal", "2018-07-02", "Canada Day (observed)"}, // 1 July was a Sunday
		{"ca-federal", "2018-07-01", ""},
		{"ca-federal", "2020-09-30", ""}, // before S.C. 2021, c. 11
		{"ca-federal", "2021-09-30", "National Day for Truth and Reconciliation"},
		{"ca-federal", "2022-09-19", ""},
		{"ca-federal", "2025-12-26", ""}, // Boxing Day
		{"eu", "2026-04-06", "Easter Monday"},
		{"eu", "2026-05-14", ""}, // Ascension Day
	} {
		name, kept := calendar(t, c.calendar).Holiday(day(t, c.date))
		require.Equal(t, c.name, name, "%s %s", c.calendar, c.date)
		require.Equal(t, c.name != "", kept)
	}
}
