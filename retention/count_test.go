package retention

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/deadline"
)

func in(t *testing.T, zone string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(zone)
	require.NoError(t, err)
	return loc
}

func TestCount(t *testing.T) {
	berlin := in(t, "Europe/Berlin")
	at := func(s string) time.Time {
		t.Helper()
		got, err := time.ParseInLocation("2006-01-02 15:04", s, berlin)
		require.NoError(t, err)
		return got
	}
	for _, c := range []struct{ from, period, end string }{
		{"2026-01-31 12:00", "P1M", "2026-03-01 00:00"},     // the last of February is over
		{"2024-01-31 12:00", "P1M", "2024-03-01 00:00"},     // a leap year
		{"2026-03-28 12:00", "P1D", "2026-03-30 00:00"},     // clocks go forward on the day counted
		{"2026-03-28 12:00", "PT24H", "2026-03-29 13:00"},   // hours really pass
		{"2026-10-24 12:00", "PT24H", "2026-10-25 11:00"},   // and when clocks go back
		{"2026-01-01 00:00", "P25D", "2026-01-26 00:00"},    // begins as the day does: 25 days
		{"2026-01-01 00:01", "P25D", "2026-01-27 00:00"},    // a minute later: the whole of the 25th after
		{"2026-02-01 23:59", "P1Y", "2027-02-02 00:00"},     //
		{"2026-01-15 08:00", "P1M1W1D", "2026-02-24 00:00"}, //
	} {
		p, err := deadline.ParsePeriod(c.period)
		require.NoError(t, err)
		require.Equal(t, at(c.end).UTC(), count(at(c.from), p, berlin).UTC(), "%s %s", c.from, c.period)
	}
	require.Equal(t, at("2035-01-01 00:00").UTC(), countYear(at("2026-05-05 10:00"), deadline.Period{Years: 8}, berlin).UTC())
	// As the year begins it is the end of the one before.
	require.Equal(t, at("2034-01-01 00:00").UTC(), countYear(at("2026-01-01 00:00"), deadline.Period{Years: 8}, berlin).UTC())
}

// Stages follow each other without a day between them, so that 25 and 30 days are 55.
func TestCount_PeriodsOfDaysAddUp(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, zone := range []string{"UTC", "Europe/Berlin", "America/Santiago", "Pacific/Apia", "Australia/Lord_Howe"} {
		loc := in(t, zone)
		for range 500 {
			at := time.Date(2009+r.IntN(6), 1, r.IntN(366), 0, 0, r.IntN(86400), 0, loc)
			a, b := 1+r.IntN(60), 1+r.IntN(60)
			chained := count(count(at, deadline.Period{Days: a}, loc), deadline.Period{Days: b}, loc)
			require.Equal(t, count(at, deadline.Period{Days: a + b}, loc), chained, "%s %s %d %d", zone, at, a, b)
		}
	}
}

// A later beginning never gives an earlier end, and an end is never before as many
// days have passed. Every change of clocks of a year is stepped over.
func TestCount_IsMonotone(t *testing.T) {
	periods := []deadline.Period{{Days: 1}, {Days: 25}, {Months: 1}, {Months: 6}, {Years: 1}, {Hours: 7}, {Months: 1, Days: 3}}
	for _, zone := range []string{"UTC", "Europe/Berlin", "America/Santiago", "America/Sao_Paulo", "Pacific/Apia", "Australia/Lord_Howe"} {
		loc := in(t, zone)
		for _, p := range periods {
			var last time.Time
			for at := time.Date(2011, 12, 1, 0, 0, 0, 0, loc); at.Year() < 2013; at = at.Add(97 * time.Minute) {
				end := count(at, p, loc)
				require.False(t, end.Before(last), "%s %s %s", zone, p, at)
				require.True(t, end.After(at))
				last = end
			}
		}
	}
}

func TestAhead(t *testing.T) {
	end := time.Date(2026, 2, 20, 0, 0, 0, 0, time.UTC) // of the 19th
	require.Equal(t, time.Date(2026, 1, 20, 0, 0, 0, 0, time.UTC), ahead(end, 31, time.UTC))
	require.Equal(t, time.Date(2026, 1, 20, 0, 0, 0, 0, time.UTC), ahead(end.Add(time.Hour), 31, time.UTC), "never less than 31 days")
	require.Equal(t, end, ahead(end, 0, time.UTC))
}

func TestCount_EndsBeyondEveryCalendarNeverCome(t *testing.T) {
	late := time.Date(9990, 1, 1, 0, 0, 0, 0, time.UTC)
	require.Equal(t, distant, count(late, deadline.Period{Years: 100}, time.UTC))
	require.Equal(t, distant, count(time.Time{}.AddDate(-5, 0, 0), deadline.Period{Years: 1}, time.UTC))
}
