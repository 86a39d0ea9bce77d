package deadline

import "time"

// weekdays counts Monday to Friday and knows no holidays.
type weekdays struct{}

func (weekdays) Name() string { return "weekdays" }

func (weekdays) Covers() (first, last Date) {
	return Date{1, time.January, 1}, Date{9999, time.December, 31}
}

func (w weekdays) Working(d Date) (bool, error) {
	if err := covered(w, d); err != nil {
		return false, err
	}
	return !weekend(d), nil
}

func (weekdays) Holiday(Date) (string, bool) { return "", false }

// weekend reports whether d is a Saturday or a Sunday.
func weekend(d Date) bool {
	day := d.Weekday()
	return day == time.Saturday || day == time.Sunday
}
