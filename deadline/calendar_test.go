package deadline_test

import (
	"testing"

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
}
