package retention

import "github.com/trothdev/troth"

// Many names what many records of a tenant belong to: an account, a person or a purpose.
type Many struct {
	Scope Scope
	// ID is the host's, and opaque. An account without one is the tenant as a whole.
	ID string
}

// EventKey names one event of many records.
type EventKey struct {
	Tenant troth.Tenant
	Many
	Event string
	At    int64
}

// EventRow is one event of many records, and how far it has come to them.
type EventRow struct {
	EventKey
	// Handle is a random name for it, which evidence uses.
	Handle     string
	ReportedAt int64
	// Horizon is that of the store when somebody looked at it first; 0 before.
	Horizon int64
	// Last says that this is the last way through the records: nobody can add one any
	// more who did not see the event.
	Last bool
	// AfterType and AfterID are the record that it came to last.
	AfterType, AfterID string
	// Reached counts the records that it came to.
	Reached int64
	// DoneAt is when it had come to all of them; 0 before.
	DoneAt int64
}

// Place is where a search for records goes on: behind the record that stands at At in its
// order. The zero value is before all.
type Place struct {
	At int64
	RecordKey
}
