package retention

import "time"

// Facts are what is known of one record. Evaluation reads nothing else.
//
// The zero value says that nothing is known, and nothing is destroyed by it: an
// empty list counts as "there is none" only where Known says that somebody
// looked.
type Facts struct {
	// Record names the record in explanations. It must not be about a person.
	Record string
	// Class is what it is, and State where it stands.
	Class string
	State
	// Cohort is the version of the policy that was active when the record came.
	Cohort uint32
	// Events are those of the record, its account, its subject and its purpose, in
	// any order. Of one that happened twice the last counts.
	Events []Occurrence
	// Labels are those that it carries.
	Labels []string
	// Holds are the legal holds that cover it.
	Holds []Held
	// Exceptions are those that cover it, whether they have ended or not.
	Exceptions []Exception
	// Erasures are those granted to its subject.
	Erasures []Erasure
	// Known says what was looked up with success.
	Known Known
}

// State is where a record stands in the life of its class.
type State struct {
	// Stage is the stage, or [Purged].
	Stage string
	// Since is the anchor: when the clock of the stage started. A stage that follows
	// another begins when that was due to end, however late a sweep comes.
	Since time.Time
	// EndBy is the instant at which the life ends at the latest, where an event moved
	// the record onto a way that would end later; zero where none did. See
	// [History.After].
	EndBy time.Time
}

// Known is a set of what was looked up about a record.
type Known uint8

const (
	// KnownEvents says that Events is complete.
	KnownEvents Known = 1 << iota
	// KnownLabels says that Labels is complete.
	KnownLabels
	// KnownHolds says that Holds is complete.
	KnownHolds
	// KnownExceptions says that Exceptions is complete.
	KnownExceptions
	// KnownErasures says that Erasures is complete.
	KnownErasures

	// KnownAll is needed for every destruction.
	KnownAll = KnownEvents | KnownLabels | KnownHolds | KnownExceptions | KnownErasures
)

// Held names a legal hold that covers a record.
type Held struct {
	// Hold is its id, and Matter what it is for. Neither is about a person.
	Hold, Matter string
}

// Exception lets a record stay for a while after the policy's own expiry, also
// after a promise, which is then in conflict. It never puts off an erasure that
// was granted.
type Exception struct {
	// ID names it; Reason is the data-protection officer's, and not about a person.
	ID, Reason string
	// Until is when it ends. Every exception has an end.
	Until time.Time
}

// Erasure is leave and duty to destroy that was granted to a data subject. Only
// holds and obligations stand against it.
type Erasure struct {
	// Request names the request.
	Request string
	// At is from when it is to be done, after any time to think it over.
	At time.Time
	// By is when it must be done everywhere; zero if that is not said.
	By time.Time
}
