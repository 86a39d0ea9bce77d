package deadline

// pausing counts the days that pauses take out of a period. Pauses that overlap
// are one.
type pausing struct {
	rule *Rule
	// start and end bound the period as it is without pauses.
	start, end Date
	// days are counted so far; last is the last one of the pause before.
	days int
	last Date
	// open has a bit for each pause that is open. The first of them began on the
	// day from, which itself is taken out if first is set; known is the last day
	// of which it is known that the clock stood still.
	open        uint
	from, known Date
	first       bool
}

// pauses returns how many days of a period from start to end do not count, and
// the event that an open pause waits for, or nothing. What was asked for after
// the period had ended pauses nothing.
func (c counter) pauses(start, end Date) (days int, waiting EventType) {
	p := pausing{rule: c.rule, start: start, end: end}
	for i := 0; i < len(c.events); {
		n := i + 1
		for n < len(c.events) && c.events[i].compare(c.events[n]) == 0 {
			n++
		}
		p.moment(c.events[i:n])
		i = n
	}
	if p.open == 0 {
		return p.days, ""
	}
	for i := range p.rule.Pauses {
		if p.open&(1<<i) != 0 {
			waiting = p.rule.Pauses[i].To
		}
	}
	p.close(p.known)
	return p.days, waiting
}

// moment takes events of one time, such as a day of which no more is known. A
// pause that was open is ended before one begins; one that was not begins
// before it ends. Where that is wrong a pause stays open that was over, and an
// open pause gains no day.
func (p *pausing) moment(events []Event) {
	before, day := p.open, events[0].Date
	for i := range p.rule.Pauses {
		if before&(1<<i) != 0 && has(events, p.rule.Pauses[i].To) {
			p.clear(i, day)
		}
	}
	if p.open == 0 && day.After(p.end.AddDays(p.days)) {
		return
	}
	for i := range p.rule.Pauses {
		pause := &p.rule.Pauses[i]
		if p.open&(1<<i) != 0 || !has(events, pause.From) {
			continue
		}
		if p.open == 0 {
			p.from, p.first = day, false
		}
		p.first = p.first || day == p.from && pause.Days == BothEnds
		p.open |= 1 << i
		p.known = day
	}
	for i := range p.rule.Pauses {
		if before&(1<<i) == 0 && p.open&(1<<i) != 0 && has(events, p.rule.Pauses[i].To) {
			p.clear(i, day)
		}
	}
}

func has(events []Event, typ EventType) bool {
	_, ok := firstOf(events, typ)
	return ok
}

// clear ends one pause, and counts if none is open any more.
func (p *pausing) clear(i int, day Date) {
	p.known = day
	if p.open &^= 1 << i; p.open == 0 {
		p.close(day)
	}
}

// close counts the days to the end of a pause that lie in the period and were
// not counted before.
func (p *pausing) close(to Date) {
	// The days after lo count.
	lo, floor := p.from, p.start
	if p.first {
		lo, floor = lo.AddDays(-1), floor.AddDays(-1)
	}
	if lo.Before(floor) {
		lo = floor
	}
	if p.last.After(lo) {
		lo = p.last
	}
	if to.After(lo) {
		p.days += to.Sub(lo)
		p.last = to
	}
}
