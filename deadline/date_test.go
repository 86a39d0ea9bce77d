package deadline_test

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"testing"
	"time"
	_ "time/tzdata" // the tests name zones

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/deadline"
)

// day reads a date that the test itself has typed.
func day(tb testing.TB, s string) deadline.Date {
	tb.Helper()
	d, err := deadline.ParseDate(s)
	require.NoError(tb, err)
	return d
}

func TestParseDate(t *testing.T) {
	require.Equal(t, deadline.Date{Year: 2024, Month: time.February, Day: 29}, day(t, "2024-02-29"))
	for _, c := range []struct{ text, reason string }{
		{"", "is not written YYYY-MM-DD"},
		{"2026-1-31", "is not written YYYY-MM-DD"},
		{"2026/01/31", "is not written YYYY-MM-DD"},
		{"20260131", "is not written YYYY-MM-DD"},
		{"+026-01-31", "is not written YYYY-MM-DD"},
		{"2026-01-3a", "is not written YYYY-MM-DD"},
		{"2026-01-31 ", "is not written YYYY-MM-DD"},
		{"2026-02-29", "is not a day of the calendar"},
		{"1900-02-29", "is not a day of the calendar"},
		{"2026-13-01", "is not a day of the calendar"},
		{"2026-00-01", "is not a day of the calendar"},
		{"2026-04-31", "is not a day of the calendar"},
		{"2026-04-00", "is not a day of the calendar"},
		{"0000-01-01", "is not a day of the calendar"},
	} {
		_, err := deadline.ParseDate(c.text)
		var refused *deadline.DateError
		require.ErrorAs(t, err, &refused, "%q", c.text)
		require.Equal(t, c.reason, refused.Reason, "%q", c.text)
	}
}

func TestDate_Arithmetic(t *testing.T) {
	require.Equal(t, day(t, "2024-03-01"), day(t, "2024-02-28").AddDays(2))
	require.Equal(t, day(t, "1969-12-31"), day(t, "1970-01-01").AddDays(-1))
	require.Equal(t, 366, day(t, "2025-01-01").Sub(day(t, "2024-01-01")))
	require.Equal(t, time.Sunday, day(t, "2026-11-22").Weekday())
	require.False(t, day(t, "9999-12-31").AddDays(1).Valid())
	require.False(t, deadline.Date{}.Valid())
	require.True(t, deadline.Date{}.IsZero())
}

// No number of days leads out of the valid years and in again.
func TestDate_AddDaysOfAnyNumber(t *testing.T) {
	for _, from := range []string{"0001-01-01", "2026-01-31", "9999-12-31"} {
		for _, n := range []int{
			math.MaxInt, math.MinInt, math.MaxInt / 2, math.MinInt / 2, math.MaxInt / 86400, math.MaxInt/86400 + 1,
			213503982334601, 427007964669202, 3660000, -3660000,
		} {
			require.False(t, day(t, from).AddDays(n).Valid(), "%s %d", from, n)
		}
	}
	require.Equal(t, day(t, "9999-12-31"), day(t, "0001-01-01").AddDays(3652058))
}

// Over random days of forty years, arithmetic agrees with the order of dates and
// with the clock of package time.
func TestDate_Properties(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 1))
	first := day(t, "2005-01-01")
	for range 5000 {
		d, n := first.AddDays(rng.IntN(40*366)), rng.IntN(2000)-1000
		moved := d.AddDays(n)
		require.True(t, moved.Valid())
		require.Equal(t, n, moved.Sub(d))
		require.Equal(t, d, moved.AddDays(-n))
		require.Equal(t, n < 0, moved.Before(d))
		require.Equal(t, n > 0, moved.After(d))
		require.Equal(t, d, day(t, d.String()))
		require.Equal(t, time.Weekday(((int(d.Weekday())+n)%7+7)%7), moved.Weekday())
	}
}

// Every day of the valid years agrees with the calendar of package time.
func TestDate_AgreesWithTime(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and nothing at once")
	}
	d, clock := day(t, "0001-01-01"), time.Date(1, time.January, 1, 0, 0, 0, 0, time.UTC)
	for n := 0; d.Valid(); n++ {
		if d != deadline.DateOf(clock, time.UTC) || d.Weekday() != clock.Weekday() ||
			d.Sub(deadline.Date{Year: 1, Month: time.January, Day: 1}) != n {
			t.Fatalf("day %d is %s, not %s", n, d, clock)
		}
		d, clock = d.AddDays(1), clock.AddDate(0, 0, 1)
	}
	require.Equal(t, deadline.Date{Year: 10000, Month: time.January, Day: 1}, d)
}

func TestDate_JSON(t *testing.T) {
	text, err := json.Marshal(day(t, "2026-01-31"))
	require.NoError(t, err)
	require.JSONEq(t, `"2026-01-31"`, string(text))
	var d deadline.Date
	require.NoError(t, json.Unmarshal(text, &d))
	require.Equal(t, day(t, "2026-01-31"), d)
	require.Error(t, json.Unmarshal([]byte(`"2026-02-31"`), &d))
	_, err = json.Marshal(deadline.Date{})
	require.Error(t, err)
}

func TestDateOf(t *testing.T) {
	t.Parallel()
	instant := time.Date(2026, time.March, 31, 22, 30, 0, 0, time.UTC)
	require.Equal(t, day(t, "2026-03-31"), deadline.DateOf(instant, time.UTC))
	require.Equal(t, day(t, "2026-04-01"), deadline.DateOf(instant, zone(t, "Europe/Berlin")))
}

func zone(tb testing.TB, name string) *time.Location {
	tb.Helper()
	loc, err := time.LoadLocation(name)
	require.NoError(tb, err)
	return loc
}

// The boundaries of days that clock changes and a date line have made odd.
func TestDate_StartAndEnd(t *testing.T) {
	for _, c := range []struct{ zone, date, start, end string }{
		{"UTC", "2026-01-31", "2026-01-31T00:00:00Z", "2026-02-01T00:00:00Z"},
		// 23 and 25 hours: summer time begins and ends at 01:00 UTC.
		{"Europe/Berlin", "2026-03-29", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"},
		{"Europe/Berlin", "2026-10-25", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"},
		// Midnight did not exist: 00:00 at -3 became 01:00 at -2.
		{"America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00:00Z", "2018-11-05T02:00:00Z"},
		// Midnight fell back to 23:00 of the day before.
		{"America/Sao_Paulo", "2018-02-18", "2018-02-18T03:00:00Z", "2018-02-19T03:00:00Z"},
		// Midnight comes twice: 01:00 at -4 becomes 00:00 at -5.
		{"America/Havana", "2025-11-02", "2025-11-02T04:00:00Z", "2025-11-03T05:00:00Z"},
		// Samoa left this day out: it went from -10 to +14 at 10:00 UTC.
		{"Pacific/Apia", "2011-12-30", "2011-12-30T10:00:00Z", "2011-12-30T10:00:00Z"},
		{"Pacific/Apia", "2011-12-29", "2011-12-29T10:00:00Z", "2011-12-30T10:00:00Z"},
	} {
		loc, d := zone(t, c.zone), day(t, c.date)
		require.Equal(t, c.start, d.Start(loc).UTC().Format(time.RFC3339), "%s %s", c.zone, c.date)
		require.Equal(t, c.end, d.End(loc).UTC().Format(time.RFC3339), "%s %s", c.zone, c.date)
	}
}

// Whatever the zone: the first instant belongs to the day, the one before does
// not, and neither does the end.
func TestDate_StartIsTheFirstInstant(t *testing.T) {
	for _, name := range []string{
		"Europe/London", "America/New_York", "America/Sao_Paulo", "America/Havana", "Asia/Kolkata",
		"Asia/Beirut", "Africa/Cairo", "Australia/Lord_Howe", "Antarctica/Troll", "America/St_Johns",
	} {
		loc := zone(t, name)
		for d := day(t, "2005-01-01"); d.Before(day(t, "2030-01-01")); d = d.AddDays(1) {
			start, end := d.Start(loc), d.End(loc)
			if deadline.DateOf(start, loc) != d || deadline.DateOf(end, loc) != d.AddDays(1) ||
				!deadline.DateOf(start.Add(-time.Nanosecond), loc).Before(d) || !end.After(start) {
				t.Fatalf("%s %s: %s to %s", name, d, start, end)
			}
		}
	}
}

func FuzzParseDate(f *testing.F) {
	f.Add("2026-01-31")
	f.Add("2024-02-30")
	f.Add("0000-00-00")
	f.Fuzz(func(t *testing.T, s string) {
		d, err := deadline.ParseDate(s)
		if err == nil && (d.String() != s || !d.Valid()) {
			t.Fatalf("%q read as %s", s, d)
		}
		if _, other := time.Parse(time.DateOnly, s); (err == nil) != (other == nil) && s[:min(4, len(s))] != "0000" {
			t.Fatalf("%q: %v, but package time says %v", s, err, other)
		}
	})
}
