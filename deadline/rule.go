package deadline

import "slices"

// Rule is one clock of a law or a promise: what must be done, until when, how
// that is counted, where it is written, and where the law leaves a doubt. The
// same fields stand in the JSON of a [Set].
type Rule struct {
	// ID is "regime.duty.clock", such as "gdpr.access.respond".
	ID string
	// Title says in a few words what must be done.
	Title string
	// Duty is the right or duty that the clock belongs to; the second part of
	// the id.
	Duty Duty
	// Kind tells what must have happened when the clock ends; it fixes the
	// third part of the id.
	Kind Kind
	// Sense tells a limit from a minimum.
	Sense Sense
	// Period is how long the clock runs.
	Period Period
	// Start names the events that start the clock: the latest of those that
	// happened counts, and the first of the list must have happened.
	Start []Start
	// FirstDay tells whether the day, or the hour, of the start counts.
	FirstDay FirstDay
	// Roll tells what becomes of an end on a day that is not a working day.
	Roll Roll
	// Calendar names the calendar of working days; empty if none is needed.
	Calendar string
	// Extension is what may be added; its zero value if nothing.
	Extension Extension
	// Pauses are the intervals whose days do not count.
	Pauses []Pause
	// From and To are the first and the last day on which the clock may start
	// under this rule. A zero To means until further notice.
	From, To Date
	// Doubts are the points on which the law can be read more strictly. They
	// make the safe date.
	Doubts []Doubt
	// Citation is the article or section.
	Citation string
	// AsOf is the day on which the citation was looked at.
	AsOf Date
	// Confidence tells how well the figure was checked.
	Confidence Confidence
	// Note is a remark for the explanation, or empty.
	Note string
}

// Regime returns the first part of the id.
func (r Rule) Regime() string {
	regime, _, _ := cutID(r.ID)
	return regime
}

// Limit reports whether the rule sets a latest day, and not a minimum.
func (r Rule) Limit() bool { return r.Sense != NotBefore }

// clone returns a rule that shares no slice with r.
func (r Rule) clone() Rule {
	r.Start, r.Pauses, r.Doubts = slices.Clone(r.Start), slices.Clone(r.Pauses), slices.Clone(r.Doubts)
	return r
}

// Start is an event that starts a clock.
type Start struct {
	Event EventType
	// Asked, if not empty, is the event that makes Event necessary: once it
	// happened, the clock waits for Event.
	Asked EventType
	// After is added to the day of Event, such as a time to think it over.
	After Period
}

// Extension is what a controller may add to a period by giving notice of it.
type Extension struct {
	// Period is the length of one extension; zero if there is none.
	Period Period
	// Count is how often it may be taken.
	Count int
	// Chain tells from where it is counted.
	Chain Chain
}

// Pause is an interval whose days do not count.
type Pause struct {
	From, To EventType
	Days     PauseDays
}

// Doubt is a point on which the law can be read more strictly than it mostly
// is. The safe date is what follows when all the strict readings hold.
type Doubt struct {
	Reading Reading
	// Before limits the doubt to clocks whose first start event lies before this
	// day, though they may have waited for another since; zero if it has no end.
	Before Date
	// Why says where the doubt comes from.
	Why string
}
