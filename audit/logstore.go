package audit

import (
	"context"

	"github.com/trothdev/troth"
)

// LogStore is what the trail needs of storage for one tenant's entries in the
// log. The rules of [Store] hold. Columns beside the leaf are an index of it:
// what is believed is the leaf.
type LogStore interface {
	// LogEntries returns the tenant's entries behind the cursor that fit the
	// filters, in ascending order of log and number, at most Limit. A leaf
	// longer than [MaxLeaf] is not loaded: its row comes with none and
	// Oversized set.
	LogEntries(ctx context.Context, p LogPage) ([]LogRow, error)
	// LogEntry returns the tenant's entry of that id.
	LogEntry(ctx context.Context, tenant troth.Tenant, id troth.EntryID) (row LogRow, found bool, err error)
	// TenantHead returns where the tenant's entries in the log end.
	TenantHead(ctx context.Context, log int, tenant troth.Tenant) (head TenantHead, found bool, err error)
	// Redact destroys the leaf of the tenant's entry of that id, and the columns
	// made from it but for its place, id and hash, and keeps By. redacted is
	// false, and nothing changed, if there is no such entry or it was redacted
	// before.
	Redact(ctx context.Context, r Redaction) (redacted bool, err error)

	// InsertParts adds the sealed parts of the payload of an entry. It returns
	// [ErrDuplicate] if the entry has one of that number, and the error of
	// [PartRow.Validate]; the transaction must end then.
	InsertParts(ctx context.Context, tenant troth.Tenant, parts []PartRow) error
	// Parts returns the parts of an entry in order.
	Parts(ctx context.Context, tenant troth.Tenant, id troth.EntryID) ([]PartRow, error)
	// DropParts destroys salt and box of the chosen parts and keeps By. It
	// returns how many it destroyed; those dropped before are not counted, nor
	// changed.
	DropParts(ctx context.Context, d PartsDrop) (dropped int, err error)
}

// LogRow is one entry in a log.
type LogRow struct {
	// Log is the number of the log in the store, from 1.
	Log int
	// Index is the position in the log, from 0.
	Index  uint64
	Tenant troth.Tenant
	ID     troth.EntryID
	// Number counts the tenant's entries in the log, from 1.
	Number uint64
	// Hash is that of the leaf, see [HashLeaf].
	Hash [32]byte
	// Leaf is nil once it was redacted.
	Leaf []byte
	// Oversized says that the stored leaf is too long and was not loaded.
	Oversized bool
	// RedactedBy is the entry that tells why the leaf is gone; zero while it is
	// there.
	RedactedBy troth.EntryID

	// RecordedAt, Act and Subject repeat the envelope's, for queries.
	// Microseconds since 1970, UTC; all three are zero once the leaf is gone. The
	// first 48 bits of the ID are the milliseconds of RecordedAt, so that a store
	// may find entries by their time where it finds them by id.
	RecordedAt int64
	Act        string
	Subject    Pseudonym
}

// LogPage chooses entries of one tenant.
type LogPage struct {
	Tenant troth.Tenant
	// Log and Number are of the last entry that was seen; zeros begin at the
	// beginning.
	Log    int
	Number uint64
	// Limit is at least 1.
	Limit int
	// Subject and Act choose entries of that pseudonym and act; zero values
	// choose all. Redacted entries have neither.
	Subject Pseudonym
	Act     string
	// From and To bound the time of recording, From included, To not; in
	// microseconds since 1970, UTC. Zero is no bound. Redacted entries have no
	// time, so a bound leaves them out.
	From, To int64
}

// TenantHead is where the entries of a tenant end in a log.
type TenantHead struct {
	Tenant troth.Tenant
	// Number, Index and Hash are those of its newest leaf.
	Number, Index uint64
	Hash          [32]byte
}

// Redaction names an entry to redact, and the entry that tells of it.
type Redaction struct {
	Tenant troth.Tenant
	ID, By troth.EntryID
}

// PartRow is one sealed part of the payload of an entry.
type PartRow struct {
	Entry troth.EntryID
	// Part counts from 0, in the order of the envelope's commitments.
	Part int
	Name string
	// Subject is the pseudonym of whom it concerns, under whose key it is
	// sealed, and Compartment the class of data.
	Subject     Pseudonym
	Compartment troth.Compartment
	// RecordedAt is microseconds since 1970, UTC.
	RecordedAt int64
	// Salt and Box are what the commitment is to; nil once dropped.
	Salt, Box []byte
	// DroppedBy is the entry that tells why they are gone; zero before.
	DroppedBy troth.EntryID
}

// MaxBox is the longest box of a part, in bytes: the longest content, and what a
// sealer may add to it. Longer ones are neither stored nor read.
const MaxBox = troth.MaxPart + 1<<10

// Validate returns [ErrPart] unless the salt has 32 bytes and the box 1 to
// [MaxBox].
func (r PartRow) Validate() error {
	if len(r.Salt) != 32 || len(r.Box) == 0 || len(r.Box) > MaxBox {
		return ErrPart
	}
	return nil
}

// PartsDrop chooses parts of one tenant to destroy, and names the entry that
// tells of it.
type PartsDrop struct {
	Tenant troth.Tenant
	By     troth.EntryID
	// Entry chooses the parts of one entry, Before those recorded before that
	// instant, in microseconds since 1970, UTC; one of the two is set.
	Entry  troth.EntryID
	Before int64
	// Limit is the most entries whose parts are dropped, at least 1; the oldest
	// first.
	Limit int
}
