package retention

import "time"

// Event declares something that happens to records and that hosts report:
// trashed, restored, account closed, purpose ended, invoice issued.
type Event struct {
	Name string `json:"event"`
	// Scope is whose event it is; empty is [OfRecord].
	Scope Scope `json:"scope,omitempty"`
}

// Scope says what one report of an event is about.
type Scope string

const (
	// OfRecord is an event of one record.
	OfRecord Scope = "record"
	// OfAccount is one of everything that belongs to an account.
	OfAccount Scope = "account"
	// OfSubject is one of everything about a person.
	OfSubject Scope = "subject"
	// OfPurpose is one of everything that is kept for a purpose.
	OfPurpose Scope = "purpose"
)

// Occurrence is an event that happened.
type Occurrence struct {
	// Event is the name of a declared event, or [Created].
	Event string
	// At is when it happened, not when it was reported.
	At time.Time
}
