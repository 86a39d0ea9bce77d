package deadline

import "strings"

// ParsePeriod reads a period of the form PnYnMnWnDTnH, a subset of ISO 8601, in
// which every part may be missing, or PnB for n business days, which is our
// extension. There is one way to write each period: no part is zero, no number
// has leading zeros or more than four digits, and the zero Period is "P0D".
// Anything else returns a *[PeriodError].
func ParsePeriod(s string) (Period, error) {
	if s == "P0D" {
		return Period{}, nil
	}
	p, ok := parsePeriod(s)
	if !ok {
		return Period{}, &PeriodError{Reason: "is not an ISO 8601 period"}
	}
	if err := p.Validate(); err != nil {
		return Period{}, err
	}
	return p, nil
}

func parsePeriod(s string) (p Period, ok bool) {
	rest, ok := strings.CutPrefix(s, "P")
	if !ok || rest == "" {
		return Period{}, false
	}
	order := designators // what may still come
	for rest != "" {
		afterT := rest[0] == 'T'
		if afterT {
			rest = rest[1:]
		}
		end := strings.IndexAny(rest, designators)
		if end < 1 || end > 4 || rest[0] == '0' {
			return Period{}, false
		}
		n, isNumber := digits(rest[:end])
		letter := rest[end]
		place := strings.IndexByte(order, letter)
		if !isNumber || place < 0 || afterT != (letter == 'H') {
			return Period{}, false
		}
		*part(&p, letter) = n
		rest, order = rest[end+1:], order[place+1:]
	}
	return p, true
}

// part returns where the part of a designator is kept.
func part(p *Period, designator byte) *int {
	switch designator {
	case 'Y':
		return &p.Years
	case 'M':
		return &p.Months
	case 'W':
		return &p.Weeks
	case 'D':
		return &p.Days
	case 'H':
		return &p.Hours
	}
	return &p.BusinessDays
}
