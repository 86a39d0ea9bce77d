package task

// Rates are kept as one instant, at which the next task would begin if tasks
// began as evenly as they may (the generic cell rate algorithm of ITU-T I.371,
// in its virtual scheduling form). 0 is the instant of a rate that nobody used.

// Admits returns how many tasks may begin now, in microseconds since 1970, where
// so many run already and next is the instant of the rate.
func (l Limit) Admits(now, next int64, running, want int) int {
	if l.AtOnce > 0 {
		want = min(want, l.AtOnce-running)
	}
	if l.Every > 0 {
		gap := l.gap()
		want = min(want, int((now+l.slack()-l.from(now, next))/gap)+1)
		if l.from(now, next) > now+l.slack() {
			want = 0
		}
	}
	return max(want, 0)
}

// Next returns the instant of the rate after n more tasks began now.
func (l Limit) Next(now, next int64, n int) int64 {
	if l.Every <= 0 {
		return next
	}
	return l.from(now, next) + int64(n)*l.gap()
}

// gap is the time between two tasks, in microseconds.
func (l Limit) gap() int64 { return max(l.Every.Microseconds(), 1) }

// slack is how far ahead of an even pace tasks may run.
func (l Limit) slack() int64 { return int64(max(l.Burst, 1)-1) * l.gap() }

// from is where to count from. An instant further ahead than any burst can bring
// it is from before the clock jumped back, and counts as none.
func (l Limit) from(now, next int64) int64 {
	if next > now+l.slack()+l.gap() {
		return now
	}
	return max(now, next)
}
