package deadline

// AddBusinessDays returns the nth working day after from, which is not counted
// itself, whether it is a working day or not; with a negative n, the nth before.
// With n = 0 it returns from. It returns a *[RangeError] when the count leaves
// what the calendar covers, and whatever error the calendar returns.
func AddBusinessDays(cal Calendar, from Date, n int) (Date, error) {
	if err := covered(cal, from); err != nil {
		return Date{}, err
	}
	step := 1
	if n < 0 {
		step = -1
	}
	// Counted towards zero: the smallest number has no opposite.
	for ; n != 0; n -= step {
		next, err := seek(cal, from.AddDays(step), step)
		if err != nil {
			return Date{}, err
		}
		from = next
	}
	return from, nil
}

// NextWorking returns d if it is a working day, else the first one after it.
// Errors are those of [AddBusinessDays].
func NextWorking(cal Calendar, d Date) (Date, error) { return seek(cal, d, 1) }

// LastWorking returns d if it is a working day, else the last one before it.
// Errors are those of [AddBusinessDays].
func LastWorking(cal Calendar, d Date) (Date, error) { return seek(cal, d, -1) }

// seek walks from d, in steps of one day forward or back, to a working day.
// It asks Covers itself: a host's calendar that forgets to would never end.
func seek(cal Calendar, d Date, step int) (Date, error) {
	for ; ; d = d.AddDays(step) {
		if err := covered(cal, d); err != nil {
			return Date{}, err
		}
		working, err := cal.Working(d)
		if err != nil {
			return Date{}, err
		}
		if working {
			return d, nil
		}
	}
}
