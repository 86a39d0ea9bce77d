package rights

import "github.com/trothdev/troth"

// MaxRecord is the longest record of a row, in bytes; MaxSealed the longest sealed
// bytes.
const (
	MaxRecord = 512 << 10
	MaxSealed = 256 << 10
)

// Instants in rows are microseconds since 1970, UTC; 0 means never.

// RequestRow is one request.
type RequestRow struct {
	Tenant troth.Tenant
	// ID is the host's, or made at random. It is not about a person.
	ID string
	// SubjectID is whom it is about, once that is known; empty before.
	SubjectID string
	State     State
	Right     Right
	// Owner is the role that it waits for; empty for nobody in particular.
	Owner string
	// DueAt is when the earliest of its clocks ends, by which staff's queue is ordered;
	// [Parked] where none runs, or the request is closed.
	DueAt int64
	// Open says that the state is not final.
	Open bool
	// ReceivedAt is when it reached the controller.
	ReceivedAt int64
	// Record is all that is known of it, with a tag, see docs/formats/rights.md.
	Record []byte
}

// Parked is the DueAt of requests that no clock waits for.
const Parked = int64(1) << 62

// EventRow are events of a request that happened in one transaction. They are never changed.
type EventRow struct {
	Tenant  troth.Tenant
	Request string
	// Seq is the number of the first of them; a request's events are counted from 1.
	Seq    uint32
	Record []byte
}

// ItemKey names one item.
type ItemKey struct {
	Tenant troth.Tenant
	// Owner is the request that it belongs to, or a name that begins with "~" where it
	// belongs to none.
	Owner string
	// Kind is what it is, ID which one.
	Kind ItemKind
	ID   string
}

// ItemKind is what an item is.
type ItemKind string

// The kinds of items that belong to a request.
const (
	// ItemContents: its personal data, sealed.
	ItemContents ItemKind = "contents"
	// ItemProof: that somebody proved who they are.
	ItemProof ItemKind = "proof"
	// ItemCode: a code that was sent, as a keyed hash.
	ItemCode ItemKind = "code"
	// ItemMessage: something that the person is to be told, sealed.
	ItemMessage ItemKind = "message"
	// ItemRefusal: what was refused, and why.
	ItemRefusal ItemKind = "refusal"
	// ItemObligation: what is left to do, also after the request is closed.
	ItemObligation ItemKind = "obligation"
	// ItemAlarm: when its clock is to be looked at next.
	ItemAlarm ItemKind = "alarm"
	// ItemLapse: when it lapses, if the person says nothing.
	ItemLapse ItemKind = "lapse"
	// ItemEnd: when its personal data, or all of it, is to be destroyed.
	ItemEnd ItemKind = "end"
	// ItemClaim: that it is the one open request of a person for a right. It belongs to
	// no request.
	ItemClaim ItemKind = "claim"
)

// ItemRow is something of a request that has a row of its own.
type ItemRow struct {
	ItemKey
	// DueAt is when it is to be looked at; 0 for never.
	DueAt int64
	// Record says what it is, with a tag.
	Record []byte
	// Sealed is personal data under seal; nil if there is none.
	Sealed []byte
}

// Cursor is a place in staff's queue.
type Cursor struct {
	DueAt int64
	ID    string
}

// Listing says which requests of a tenant are asked for.
type Listing struct {
	Tenant troth.Tenant
	// State, Owner and Right narrow it; empty narrows nothing.
	State State
	Owner string
	Right Right
	// Closed asks for closed requests instead of open ones.
	Closed bool
	// After is the last one of the page before.
	After Cursor
	// Limit is how many at most.
	Limit int
}
