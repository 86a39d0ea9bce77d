package retention

import "github.com/trothdev/troth/deadline"

// Promise is what people were told: after an event, the data is gone, or out of
// reach, within a time. Where several bind a record, the earliest does.
type Promise struct {
	Name string `json:"promise"`
	// Classes are those it is about; empty is every class.
	Classes []string `json:"classes,omitempty"`
	// From is the event it counts from, the last time that it happened.
	From string `json:"from"`
	// To is what is promised; empty is [Gone].
	To Goal `json:"to,omitempty"`
	// Within is the time it gives, and AtOnce says that there is none. One of the two
	// is given.
	Within deadline.Period `json:"within,omitzero"`
	AtOnce bool            `json:"at_once,omitempty"`
	// Copies are those it is about; empty is all.
	Copies []string `json:"copies,omitempty"`
	// Unless are events that end the promise when they happen after From, such as the
	// restoring of what was trashed.
	Unless []string `json:"unless,omitempty"`
	// Yields are the obligations that the promise itself makes exception for.
	Yields []string `json:"yields,omitempty"`
	// Cite is where it is promised.
	Cite string `json:"cite"`
}

// Goal is what a promise promises.
type Goal string

const (
	// Gone is destroyed in every copy.
	Gone Goal = "gone"
	// Hidden is out of everybody's reach.
	Hidden Goal = "hidden"
)

// Obligation is what must be kept, by law or by contract, against every
// promise: a legal minimum.
type Obligation struct {
	Name string `json:"obligation"`
	// Classes are those it is about.
	Classes []string `json:"classes"`
	// Labels limit it to records that have one of them; empty is all.
	Labels []string `json:"labels,omitempty"`
	// From is the event it counts from, the last time that it happened. A record of
	// which that event is not known is kept.
	From string `json:"from"`
	// For is how long; empty is without an end, and needs a Review.
	For deadline.Period `json:"for,omitzero"`
	// YearEnd says that it counts from the end of the calendar year of the event, as
	// § 147(4) of the German Abgabenordnung does.
	YearEnd bool `json:"year_end,omitempty"`
	// Review is the day on which people look whether it still stands.
	Review deadline.Date `json:"review,omitzero"`
	// Cite is the law, with its section.
	Cite string `json:"cite"`
}

// Label gives the records that carry it an end of their own, in place of that
// of their class: earlier or later, but no promise is put off by it.
type Label struct {
	Name string `json:"label"`
	// Classes are those it may be set in; empty is every class.
	Classes []string `json:"classes,omitempty"`
	// From and For say when the record is destroyed.
	From string          `json:"from"`
	For  deadline.Period `json:"for"`
	// Why is for people.
	Why string `json:"why"`
}
