package consent

import "github.com/trothdev/troth"

// MaxRecord is the longest record of a row, in bytes.
const MaxRecord = 64 << 10

// TermsRow is one version of a purpose.
type TermsRow struct {
	Tenant  troth.Tenant
	Purpose troth.Purpose
	Version uint32
	Record  []byte
}

// NoticeRow is one version of a notice.
type NoticeRow struct {
	Tenant  troth.Tenant
	ID      string
	Version uint32
	Record  []byte
}

// PersonRow is what the ledger knows of a person beside their events.
type PersonRow struct {
	Tenant    troth.Tenant
	SubjectID string
	Record    []byte
}

// EventRow is one event.
type EventRow struct {
	Tenant    troth.Tenant
	SubjectID string
	ID        string
	Purpose   troth.Purpose
	// RecordedAt is microseconds since 1970, UTC.
	RecordedAt int64
	Record     []byte
	// Proof and Content are sealed evidence; nil if there is none.
	Proof, Content []byte
}

// StateRow is what a person's events about a purpose come to.
type StateRow struct {
	Tenant    troth.Tenant
	SubjectID string
	Purpose   troth.Purpose
	Record    []byte
}

// LinkRow says that what a device had said counts for an account.
type LinkRow struct {
	Tenant          troth.Tenant
	Device, Account string
	Record          []byte
}

// RequestRow is a choice that waits for its confirmation.
type RequestRow struct {
	Tenant    troth.Tenant
	SubjectID string
	ID        string
	// Token is a keyed hash of the token that was sent last.
	Token  [32]byte
	Record []byte
}

// DeliveryRow says that a processor is to be told of an event.
type DeliveryRow struct {
	Tenant    troth.Tenant
	EventID   string
	Processor string
	// At is when it was noted, AckedAt when the processor acknowledged, 0 if it
	// has not; microseconds since 1970, UTC.
	At, AckedAt int64
}

// DueKind is what is due.
type DueKind string

// The kinds of what is due.
const (
	// DueRefresh: the person is to be asked again.
	DueRefresh DueKind = "refresh"
	// DueMajority: a child comes of age and is to be asked.
	DueMajority DueKind = "majority"
	// DueRequest: a request was not confirmed in time. Its Purpose is empty, its
	// Ref the request.
	DueRequest DueKind = "request"
	// DueProof: the proof of an erased person is to be destroyed.
	DueProof DueKind = "proof"
)

// DueRow is something that is to be done about a person at an instant.
type DueRow struct {
	Tenant    troth.Tenant
	SubjectID string
	Kind      DueKind
	// Purpose and Ref tell apart what is due of one kind.
	Purpose troth.Purpose
	Ref     string
	// At is microseconds since 1970, UTC.
	At int64
}

// RefusalRow counts refusals on one day, which is days since 1970 in UTC.
type RefusalRow struct {
	Day, Count int64
}

// MovePerson is a person's new id.
type MovePerson struct {
	Tenant troth.Tenant
	// From is the person's id, To what replaces it everywhere.
	From, To string
	// Mark finds the row again, Record replaces its record.
	Mark   [32]byte
	Record []byte
}

// FeedEvent says that something changed that other processes may have cached.
type FeedEvent struct {
	Tenant troth.Tenant
	// SubjectID is whose states changed; empty if the tenant's catalogue did.
	SubjectID string
	// At is microseconds since 1970, UTC.
	At int64
	// Position is given by Follow; 0 if the event has none yet.
	Position int64
}

// Followed is what a look at the feed found.
type Followed struct {
	Events []FeedEvent
	// Head is the highest position known; 0 before the first event.
	Head int64
	// Gap says that an event above the given position is gone, or that the
	// position is above the head, as after a restore: anything may have changed.
	Gap bool
}
