package deadline

import (
	"testing"
	"time"
)

// Easter Sundays from published tables: of the years covered, and of years that
// tell a wrong rule: the earliest and the latest possible, and those in which the
// tables hold the full moon back.
func TestEaster(t *testing.T) {
	for _, want := range []string{
		"2018-04-01", "2019-04-21", "2020-04-12", "2021-04-04", "2022-04-17", "2023-04-09", "2024-03-31",
		"2025-04-20", "2026-04-05", "2027-03-28", "2028-04-16", "2029-04-01", "2030-04-21", "2031-04-13",
		"2032-03-28", "2033-04-17", "2034-04-09", "2035-03-25",
		"1818-03-22", "1886-04-25", "1943-04-25", "1954-04-18", "1961-04-02", "1981-04-19", "2000-04-23",
		"2038-04-25", "2049-04-18", "2076-04-19", "2285-03-22",
	} {
		d, err := ParseDate(want)
		if err != nil {
			t.Fatal(err)
		}
		if got := easter(d.Year); got != d {
			t.Errorf("Easter is on %s, not %s", want, got)
		}
	}
}

// In every year of the calendar, Easter agrees with the formula that Nature printed
// on 20 April 1876, which reckons quite differently.
func TestEaster_AgreesWithAnotherFormula(t *testing.T) {
	for year := 1583; year <= 9999; year++ {
		a, b, c := year%19, year/100, year%100
		h := (19*a + b - b/4 - (b-(b+8)/25+1)/3 + 15) % 30
		l := (32 + 2*(b%4) + 2*(c/4) - h - c%4) % 7
		n := h + l - 7*((a+11*h+22*l)/451) + 114
		want := Date{Year: year, Month: time.Month(n / 31), Day: n%31 + 1}
		if got := easter(year); got != want {
			t.Fatalf("Easter is on %s, not %s", want, got)
		}
	}
}
