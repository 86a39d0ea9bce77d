package deadline_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/deadline"
)

// calendar returns one that comes with the package.
func calendar(tb testing.TB, name string) deadline.Calendar {
	tb.Helper()
	cal, err := deadline.CalendarByName(name)
	require.NoError(tb, err)
	return cal
}

func TestAddBusinessDays_Weekdays(t *testing.T) {
	cal := calendar(t, "weekdays")
	for _, c := range []struct {
		from, want string
		n          int
	}{
		{"2026-11-20", "2026-11-23", 1},  // Friday to Monday
		{"2026-11-21", "2026-11-23", 1},  // from a Saturday
		{"2026-11-20", "2026-12-04", 10}, // two weeks
		{"2026-11-22", "2026-11-22", 0},
		{"2026-11-23", "2026-11-20", -1},
		{"2026-11-22", "2026-11-16", -5},
	} {
		got, err := deadline.AddBusinessDays(cal, day(t, c.from), c.n)
		require.NoError(t, err)
		require.Equal(t, c.want, got.String(), "%s %d", c.from, c.n)
	}
}

func TestNextAndLastWorking(t *testing.T) {
	cal := calendar(t, "weekdays")
	for _, c := range []struct{ date, next, last string }{
		{"2026-11-20", "2026-11-20", "2026-11-20"},
		{"2026-11-21", "2026-11-23", "2026-11-20"},
		{"2026-11-22", "2026-11-23", "2026-11-20"},
	} {
		next, err := deadline.NextWorking(cal, day(t, c.date))
		require.NoError(t, err)
		require.Equal(t, c.next, next.String())
		last, err := deadline.LastWorking(cal, day(t, c.date))
		require.NoError(t, err)
		require.Equal(t, c.last, last.String())
	}
}

func TestCalendarByName_RefusesAnUnknownName(t *testing.T) {
	_, err := deadline.CalendarByName("gb-xx")
	require.ErrorIs(t, err, deadline.ErrUnknownCalendar)
}

func TestAddBusinessDays_StopsAtTheEndOfTheCalendar(t *testing.T) {
	var outside *deadline.RangeError
	_, err := deadline.AddBusinessDays(calendar(t, "weekdays"), day(t, "9999-12-31"), 1)
	require.ErrorAs(t, err, &outside)
	require.Equal(t, "weekdays", outside.Calendar)
	_, err = calendar(t, "gb-ew").Working(day(t, "2036-01-01"))
	require.EqualError(t, err, "deadline: calendar gb-ew covers 2018-01-01 to 2035-12-31, not 2036-01-01")
}

// Numbers that no calendar reaches end where it ends, in both directions.
func TestAddBusinessDays_OfAnyNumber(t *testing.T) {
	cal := calendar(t, "gb-ew")
	for _, n := range []int{math.MaxInt, math.MinInt, math.MinInt + 1} {
		_, err := deadline.AddBusinessDays(cal, day(t, "2026-01-31"), n)
		var outside *deadline.RangeError
		require.ErrorAs(t, err, &outside, "%d", n)
		require.Equal(t, n > 0, outside.Date.After(outside.Last))
	}
}

func TestCalendars_AreSortedByName(t *testing.T) {
	var names []string
	for _, cal := range deadline.Calendars() {
		names = append(names, cal.Name())
		found, err := deadline.CalendarByName(cal.Name())
		require.NoError(t, err)
		require.Equal(t, cal, found)
	}
	require.Equal(t, []string{"ca-federal", "eu", "gb-ew", "us-ca", "us-federal", "weekdays"}, names)
	deadline.Calendars()[0] = nil
	require.NotNil(t, deadline.Calendars()[0], "a caller has changed the list")
}

// On every day that a calendar covers, a working day is what is neither Saturday
// nor Sunday nor holiday.
func TestCalendars_WorkingDays(t *testing.T) {
	for _, cal := range deadline.Calendars() {
		for d := day(t, "2018-01-01"); d.Year < 2036; d = d.AddDays(1) {
			working, err := cal.Working(d)
			_, kept := cal.Holiday(d)
			free := kept || d.Weekday() == time.Saturday || d.Weekday() == time.Sunday
			if err != nil || working == free {
				t.Fatalf("%s %s: %v %v", cal.Name(), d, working, err)
			}
		}
	}
}

// Asked about a day outside, a calendar never guesses.
func TestCalendars_RefuseDaysOutside(t *testing.T) {
	for _, cal := range deadline.Calendars() {
		first, last := cal.Covers()
		want := [2]string{"2018-01-01", "2035-12-31"}
		if cal.Name() == "weekdays" {
			want = [2]string{"0001-01-01", "9999-12-31"}
		}
		require.Equal(t, want, [2]string{first.String(), last.String()})
		for _, d := range []deadline.Date{first.AddDays(-1), last.AddDays(1)} {
			_, err := cal.Working(d)
			var outside *deadline.RangeError
			require.ErrorAs(t, err, &outside, "%s %s", cal.Name(), d)
			require.Equal(t, deadline.RangeError{Calendar: cal.Name(), Date: d, First: first, Last: last}, *outside)
			_, kept := cal.Holiday(d)
			require.False(t, kept)
			_, err = deadline.AddBusinessDays(cal, d, 1)
			require.ErrorAs(t, err, &outside)
		}
		_, err := deadline.AddBusinessDays(cal, last, 1)
		var outside *deadline.RangeError
		require.ErrorAs(t, err, &outside)
		_, err = deadline.AddBusinessDays(cal, first, -1)
		require.ErrorAs(t, err, &outside)
		_, err = cal.Working(deadline.Date{Year: 2026, Month: time.February, Day: 30})
		require.EqualError(t, err, "deadline: date is not a day of the calendar")
	}
}

// Counting n days passes n working days and ends on one; a later start never ends
// earlier; counting back undoes it.
func TestAddBusinessDays_Properties(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 3))
	for _, cal := range deadline.Calendars() {
		for range 300 {
			from, n := day(t, "2018-03-01").AddDays(rng.IntN(17*365)), 1+rng.IntN(60)
			end, err := deadline.AddBusinessDays(cal, from, n)
			require.NoError(t, err)
			passed := 0
			for d := from.AddDays(1); !d.After(end); d = d.AddDays(1) {
				working, err := cal.Working(d)
				require.NoError(t, err)
				if working {
					passed++
				}
			}
			require.Equal(t, n, passed, "%s %s %d", cal.Name(), from, n)
			working, err := cal.Working(end)
			require.NoError(t, err)
			require.True(t, working)
			later, err := deadline.AddBusinessDays(cal, from.AddDays(1), n)
			require.NoError(t, err)
			require.False(t, later.Before(end), "%s %s %d", cal.Name(), from, n)
			back, err := deadline.AddBusinessDays(cal, end, -n)
			require.NoError(t, err)
			start, err := deadline.LastWorking(cal, from)
			require.NoError(t, err)
			require.Equal(t, start, back, "%s %s %d", cal.Name(), from, n)
		}
	}
}

// never is a host's calendar without working days that forgets to look where it
// ends.
type never struct{ deadline.Calendar }

func (never) Working(deadline.Date) (bool, error) { return false, nil }

func TestAddBusinessDays_EndsOnACalendarWithoutWorkingDays(t *testing.T) {
	_, err := deadline.AddBusinessDays(never{calendar(t, "eu")}, day(t, "2026-01-01"), 1)
	var outside *deadline.RangeError
	require.ErrorAs(t, err, &outside)
	require.Equal(t, "2036-01-01", outside.Date.String())
}

// closed is a host's calendar that cannot be read.
type closed struct{ deadline.Calendar }

var errClosed = errors.New("closed")

func (closed) Working(deadline.Date) (bool, error) { return false, errClosed }

func TestAddBusinessDays_PassesTheCalendarsErrorOn(t *testing.T) {
	_, err := deadline.AddBusinessDays(closed{calendar(t, "eu")}, day(t, "2026-01-01"), 1)
	require.ErrorIs(t, err, errClosed)
}

// Across holidays of every kind, counted by hand.
func TestAddBusinessDays_OverHolidays(t *testing.T) {
	for _, c := range []struct {
		calendar, from string
		n              int
		want           string
	}{
		// 24, 29, 30, 31 December; 25 and 28 are holidays, 26 and 27 a weekend.
		{"gb-ew", "2026-12-23", 4, "2026-12-31"},
		// 24, 28, 29, 30: only the 25th is a holiday.
		{"us-federal", "2026-12-23", 4, "2026-12-30"},
		// 29, 30 December, 3 January: the 31st is New Year's Day 2028.
		{"us-federal", "2027-12-28", 3, "2028-01-03"},
		// 29, 30, 31 December: California moves nothing from a Saturday.
		{"us-ca", "2027-12-28", 3, "2027-12-31"},
		// Wednesday 25, then Monday 30: Thanksgiving and the day after.
		{"us-ca", "2026-11-24", 2, "2026-11-30"},
		// 7 and 8 April: Good Friday, the weekend, Easter Monday.
		{"eu", "2026-04-02", 2, "2026-04-08"},
		// 29 September, 1 October.
		{"ca-federal", "2026-09-28", 2, "2026-10-01"},
	} {
		got, err := deadline.AddBusinessDays(calendar(t, c.calendar), day(t, c.from), c.n)
		require.NoError(t, err)
		require.Equal(t, c.want, got.String(), "%s %s %d", c.calendar, c.from, c.n)
	}
}
