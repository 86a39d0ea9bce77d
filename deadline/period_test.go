package deadline_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/deadline"
)

// period reads a period that the test itself has typed.
func period(tb testing.TB, s string) deadline.Period {
	tb.Helper()
	p, err := deadline.ParsePeriod(s)
	require.NoError(tb, err, s)
	return p
}

func TestParsePeriod(t *testing.T) {
	for s, want := range map[string]deadline.Period{
		"P0D":          {},
		"P1M":          {Months: 1},
		"P45D":         {Days: 45},
		"PT72H":        {Hours: 72},
		"P10B":         {BusinessDays: 10},
		"P1Y6M":        {Years: 1, Months: 6},
		"P1Y2M3W4DT5H": {Years: 1, Months: 2, Weeks: 3, Days: 4, Hours: 5},
		"P2W":          {Weeks: 2},
		"P9999D":       {Days: 9999},
		"P1YT9999H":    {Years: 1, Hours: 9999},
	} {
		require.Equal(t, want, period(t, s), s)
		require.Equal(t, s, want.String())
	}
}

func TestParsePeriod_Refuses(t *testing.T) {
	for _, s := range []string{
		"", "P", "PT", "1M", "p1m", "P1", "PM", "P0M", "P01D", "P-1D", "P+1D", "P1.5D", "P10000D", "P1D ",
		"P1M1Y", "P1D1D", "PT1D", "P1H", "P1DT", "PTT1H", "PT1M", "P1DT1H1D", "P00D", "P0B", "P1S", "P１D",
	} {
		_, err := deadline.ParsePeriod(s)
		var refused *deadline.PeriodError
		require.ErrorAs(t, err, &refused, "%q", s)
		require.Equal(t, "is not an ISO 8601 period", refused.Reason)
	}
	for _, s := range []string{"P1M10B", "PT1H1B"} {
		_, err := deadline.ParsePeriod(s)
		require.EqualError(t, err, "deadline: period mixes business days with other parts", s)
	}
}

func TestPeriod_Validate(t *testing.T) {
	require.NoError(t, deadline.Period{}.Validate())
	require.Error(t, deadline.Period{Days: -1}.Validate())
	require.Error(t, deadline.Period{Hours: deadline.MaxPeriod + 1}.Validate())
	require.Error(t, deadline.Period{BusinessDays: 1, Months: 1}.Validate())
}

func TestPeriod_JSON(t *testing.T) {
	text, err := json.Marshal(deadline.Period{Months: 1})
	require.NoError(t, err)
	require.JSONEq(t, `"P1M"`, string(text))
	var p deadline.Period
	require.NoError(t, json.Unmarshal(text, &p))
	require.Equal(t, deadline.Period{Months: 1}, p)
	require.Error(t, json.Unmarshal([]byte(`"P0M"`), &p))
	_, err = json.Marshal(deadline.Period{Days: -1})
	require.Error(t, err)
}

func TestPeriod_AddTo(t *testing.T) {
	for _, c := range []struct{ from, period, want string }{
		{"2026-01-31", "P0D", "2026-01-31"},
		{"2026-01-31", "P1M", "2026-02-28"}, // clamped, not 3 March
		{"2024-01-30", "P1M", "2024-02-29"},
		{"2026-01-31", "P3M", "2026-04-30"},
		{"2026-08-31", "P1M", "2026-09-30"},
		{"2026-03-05", "P1M", "2026-04-05"},
		{"2026-12-31", "P2M", "2027-02-28"},
		{"2024-02-29", "P1Y", "2025-02-28"},
		{"2024-02-29", "P4Y", "2028-02-29"},
		{"2026-01-31", "P1M1D", "2026-03-01"}, // the month first
		{"2026-01-31", "P2W", "2026-02-14"},
		{"2026-01-01", "P45D", "2026-02-15"}, // 30 left in January, 15 more
		{"2026-11-30", "P14M", "2028-01-30"},
	} {
		got, err := period(t, c.period).AddTo(day(t, c.from))
		require.NoError(t, err)
		require.Equal(t, c.want, got.String(), "%s %s", c.from, c.period)
	}
}

func TestPeriod_AddToRefuses(t *testing.T) {
	for _, c := range []struct{ from, period, want string }{
		{"2026-01-31", "P10B", "deadline: period has business days and needs a calendar"},
		{"2026-01-31", "PT72H", "deadline: period has hours and needs an instant"},
		{"9999-12-31", "P1D", "deadline: date lies outside of the years 1 to 9999"},
		{"2026-01-31", "P9999Y", "deadline: date lies outside of the years 1 to 9999"},
	} {
		_, err := period(t, c.period).AddTo(day(t, c.from))
		require.EqualError(t, err, c.want)
	}
	_, err := period(t, "P1D").AddTo(deadline.Date{})
	require.EqualError(t, err, "deadline: date is not a day of the calendar")
	_, err = deadline.Period{Days: -1}.AddTo(day(t, "2026-01-31"))
	require.EqualError(t, err, "deadline: period has a part outside of 0 to 9999")
}

// 72 hours are that many hours in the week of a clock change; three days are not.
func TestPeriod_AddToInstant(t *testing.T) {
	berlin := zone(t, "Europe/Berlin")
	from := time.Date(2026, time.March, 27, 12, 0, 0, 0, berlin) // two days before summer time
	for s, want := range map[string]string{
		"PT72H":   "2026-03-30T13:00:00+02:00",
		"P3D":     "2026-03-30T12:00:00+02:00",
		"P1MT1H":  "2026-04-27T13:00:00+02:00",
		"P0D":     "2026-03-27T12:00:00+01:00",
		"P1D":     "2026-03-28T12:00:00+01:00",
		"P1DT24H": "2026-03-29T13:00:00+02:00",
	} {
		got, err := period(t, s).AddToInstant(from.UTC(), berlin)
		require.NoError(t, err)
		require.Equal(t, want, got.Format(time.RFC3339), s)
	}
	_, err := period(t, "P10B").AddToInstant(from, berlin)
	require.Error(t, err)
	_, err = deadline.Period{Hours: -1}.AddToInstant(from, berlin)
	require.Error(t, err)
	_, err = period(t, "PT72H").AddToInstant(time.Date(9999, time.December, 30, 12, 0, 0, 0, berlin), berlin)
	require.EqualError(t, err, "deadline: date lies outside of the years 1 to 9999")
}

func FuzzParsePeriod(f *testing.F) {
	for _, s := range []string{"P1M", "P1Y2M3W4DT5H", "P10B", "P0D", "PT72H", "P1M10B"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := deadline.ParsePeriod(s)
		if err == nil && (p.String() != s || p.Validate() != nil) {
			t.Fatalf("%q read as %s", s, p)
		}
	})
}
