package deadline

import (
	"slices"
	"time"
)

// Deadline is what follows from one rule and what happened.
type Deadline struct {
	// Legal is the last day on which the duty is done in time, as the law is
	// mostly read; for a minimum, the last day of it.
	Legal Date
	// Safe is the last day under the strict reading of every point on which the
	// law is in doubt. It is never after Legal: work to it.
	Safe Date
	// LegalAt and SafeAt are the instants at which a period of hours ends, UTC,
	// if the instant is known at which it began; else zero. The day is over at
	// the instant, not with it.
	LegalAt, SafeAt time.Time
	// Extended is how many extensions were noticed in time.
	Extended int
	// Waiting is the event that would let a waiting or paused clock run on, or
	// empty. The dates are then the earliest that can still come out.
	Waiting EventType

	rule   *Rule
	events []Event
	cal    Calendar
}

// Rule returns the rule that the deadline follows from.
func (d Deadline) Rule() Rule {
	if d.rule == nil {
		return Rule{}
	}
	return d.rule.clone()
}

// Due applies a rule to events, in any order; those that it does not name are
// ignored. They have their days in one place, that where the law applies: days
// order them before instants do. A nil calendar means the one that the rule names.
//
// The errors are [*NotStartedError], [*NotInForceError], [*EventError],
// [*RuleError] for a rule that [Rule.Validate] refuses, [*DateError] for an end
// after the year 9999, and whatever the calendar returns: a day that it does not
// cover is never taken for a working day, but gives a [*RangeError].
//
// The deadline keeps the rule: who changes its lists afterwards changes what is
// explained.
func Due(rule Rule, events []Event, cal Calendar) (Deadline, error) {
	if err := validate(&rule); err != nil {
		return Deadline{}, err
	}
	events, err := inOrder(events)
	if err != nil {
		return Deadline{}, err
	}
	return due(&rule, events, cal)
}

// inOrder returns the events sorted by time, in a slice of its own.
func inOrder(events []Event) ([]Event, error) {
	for i := range events {
		if err := events[i].Validate(); err != nil {
			return nil, err
		}
	}
	events = slices.Clone(events)
	slices.SortStableFunc(events, Event.compare)
	return events, nil
}

// due applies a rule that is valid to events in their order, and keeps both.
func due(rule *Rule, events []Event, cal Calendar) (Deadline, error) {
	if cal == nil && rule.Calendar != "" {
		named, err := CalendarByName(rule.Calendar)
		if err != nil {
			return Deadline{}, err
		}
		cal = named
	}
	d := Deadline{rule: rule, events: events, cal: cal}
	legal, strict, err := d.tallies()
	if err != nil {
		return Deadline{}, err
	}
	d.Legal, d.LegalAt = legal.last, legal.at
	d.Safe, d.SafeAt = strict.last, strict.at
	d.Extended, d.Waiting = legal.extended, legal.waiting
	return d, nil
}

// tallies counts twice: as the law is mostly read, and as strictly as it can
// be.
func (d Deadline) tallies() (legal, strict tally, err error) {
	c := counter{rule: d.rule, events: d.events, cal: d.cal}
	if legal, err = c.count(); err != nil {
		return tally{}, tally{}, err
	}
	if legal.day.Before(d.rule.From) || !d.rule.To.IsZero() && legal.day.After(d.rule.To) {
		return tally{}, tally{}, &NotInForceError{Rule: d.rule.ID, Day: legal.day, From: d.rule.From, To: d.rule.To}
	}
	strict = legal
	if d.rule.Sense == NotBefore {
		return legal, strict, nil
	}
	c.early = true
	all := strictReadings(d.rule, legal.first)
	for _, loose := range looser {
		if all&loose != loose || loose.has(ChainedExtension) && legal.extended == 0 {
			continue
		}
		c.strict = all &^ loose
		read, err := c.count()
		if err != nil {
			return tally{}, tally{}, err
		}
		if read.sooner(&strict) {
			strict = read
		}
	}
	return legal, strict, nil
}

// looser are the readings without which a count may end earlier, though alone
// they never make it later. All others end it earlier whatever else holds. An
// extension counted from the end of the period ends later than one from its
// start after 29 November, say, if the first day counts and February is short.
// The earliest start takes in pauses that were over before a later one.
var looser = [...]strictness{
	0, bit(ChainedExtension), bit(EarliestStart), bit(ChainedExtension) | bit(EarliestStart),
}

// Docket is what several rules make of the same events.
type Docket struct {
	// Limits are the deadlines, all of them, the earliest safe date first: the
	// first one leads.
	Limits []Deadline
	// Minimums are the days before which something must not end.
	Minimums []Deadline
	// Idle are the rules whose clocks have not started, or that were not in
	// force, each with its reason.
	Idle []Idle
}

// Idle is a rule without a deadline.
type Idle struct {
	Rule Rule
	// Reason is a [*NotStartedError] or a [*NotInForceError].
	Reason error
}

// Lead returns the deadline to work to, and false if no clock runs.
func (d Docket) Lead() (Deadline, bool) {
	if len(d.Limits) == 0 {
		return Deadline{}, false
	}
	return d.Limits[0], true
}

// DueAll applies several rules to the same events and keeps every clock: a
// person may fall under several laws, and one request starts several clocks. A
// nil calendar means that each rule uses the one that it names. Any error but
// those of idle rules ends it: no clock is lost in silence. Who applies the same
// rules again and again has them checked once, see [NewClocks].
func DueAll(rules []Rule, events []Event, cal Calendar) (Docket, error) {
	clocks, err := NewClocks(rules...)
	if err != nil {
		return Docket{}, err
	}
	return clocks.Due(events, cal)
}
