package deadline

import (
	"strconv"
	"strings"
	"time"
)

// words writes a period in words, such as "1 month" or "10 business days".
func words(p Period) string {
	var parts []string
	for _, part := range [...]struct {
		n    int
		unit string
	}{
		{p.Years, "year"},
		{p.Months, "month"},
		{p.Weeks, "week"},
		{p.Days, "day"},
		{p.Hours, "hour"},
		{p.BusinessDays, "business day"},
	} {
		if part.n > 0 {
			parts = append(parts, plural(part.n, part.unit))
		}
	}
	return strings.Join(parts, " and ")
}

func plural(n int, unit string) string {
	if n != 1 {
		unit += "s"
	}
	return strconv.Itoa(n) + " " + unit
}

func does(n int) string {
	if n == 1 {
		return "does"
	}
	return "do"
}

func extensions(n int) string { return capital(plural(n, "extension")) }

// capital makes the first letter a capital one, if it is one of ASCII.
func capital(s string) string {
	if s != "" && 'a' <= s[0] && s[0] <= 'z' {
		return string(s[0]-'a'+'A') + s[1:]
	}
	return s
}

// day writes a date with its day of the week.
func day(d Date) string { return d.String() + " (" + d.Weekday().String() + ")" }

// clock writes an instant.
func clock(at time.Time) string { return at.UTC().Format(time.RFC3339) }
