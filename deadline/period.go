package deadline

import (
	"strconv"
	"strings"
)

// MaxPeriod is the largest number that each part of a [Period] may have.
const MaxPeriod = 9999

// Period is a length of time as laws give it: a month, 45 days, 72 hours, ten
// business days. It is no duration, since how long a month or a business day
// lasts depends on when it starts. BusinessDays stands alone.
type Period struct {
	Years, Months, Weeks, Days, Hours int
	// BusinessDays are counted on a [Calendar] with [AddBusinessDays].
	BusinessDays int
}

// PeriodError says what is wrong with a period, or why it cannot be added. It
// never quotes what it was given.
type PeriodError struct {
	// Reason is a phrase of a closed list: "is not an ISO 8601 period", "has a
	// part outside of 0 to 9999", "mixes business days with other parts", "has
	// hours and needs an instant", "has business days and needs a calendar".
	Reason string
}

func (e *PeriodError) Error() string { return "deadline: period " + e.Reason }

// Validate returns a *[PeriodError] unless every part lies between 0 and
// [MaxPeriod] and business days stand alone.
func (p Period) Validate() error {
	for _, n := range p.parts() {
		if n < 0 || n > MaxPeriod {
			return &PeriodError{Reason: "has a part outside of 0 to 9999"}
		}
	}
	if p.BusinessDays > 0 && p != (Period{BusinessDays: p.BusinessDays}) {
		return &PeriodError{Reason: "mixes business days with other parts"}
	}
	return nil
}

// designators are the letters of the parts, in the order in which ISO 8601
// writes them; B, for business days, is ours.
const designators = "YMWDHB"

func (p Period) parts() [len(designators)]int {
	return [...]int{p.Years, p.Months, p.Weeks, p.Days, p.Hours, p.BusinessDays}
}

// IsZero reports whether the period has no length: "immediately".
func (p Period) IsZero() bool { return p == Period{} }

// String writes the period as [ParsePeriod] reads it: "P1M", "P45D", "PT72H",
// "P10B". The zero Period is "P0D".
func (p Period) String() string {
	if p.IsZero() {
		return "P0D"
	}
	var b strings.Builder
	b.WriteByte('P')
	for i, n := range p.parts() {
		if n == 0 {
			continue
		}
		if designators[i] == 'H' {
			b.WriteByte('T')
		}
		b.WriteString(strconv.Itoa(n))
		b.WriteByte(designators[i])
	}
	return b.String()
}

// MarshalText writes what [Period.String] writes. A period that does not
// validate gives a *[PeriodError].
func (p Period) MarshalText() ([]byte, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	return []byte(p.String()), nil
}

// UnmarshalText reads what [ParsePeriod] reads.
func (p *Period) UnmarshalText(text []byte) error {
	period, err := ParsePeriod(string(text))
	if err != nil {
		return err
	}
	*p = period
	return nil
}
