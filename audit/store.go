package audit

import (
	"context"
	"time"

	"github.com/trothdev/troth"
)

// Store is what the trail needs of storage for one tenant at a time. Methods
// run in the transaction of their context, or, where it has none, each in one
// of its own; reads outside a transaction see committed rows only. No method
// sees, changes or counts another tenant's rows. A cancelled context ends in
// its own error and without effect. Returned slices belong to the caller, and
// those given stay the caller's.
type Store interface {
	// Transactor is the one whose transactions the methods join.
	Transactor() troth.Transactor

	// Append puts an entry into the inbox, its bytes verbatim. appended is
	// false, and nothing changed, if the tenant has one of that ID there. A row
	// that does not pass [InboxRow.Validate] is refused with its error.
	Append(ctx context.Context, row InboxRow) (appended bool, err error)
	// Entries returns the tenant's entries in the inbox whose IDs are above
	// After, in ascending byte order of ID, at most Limit. An envelope longer
	// than [MaxEnvelope] is not loaded: its row comes with none.
	Entries(ctx context.Context, p EntriesPage) ([]InboxRow, error)

	// Pseudonym returns the row of that name. A row whose pseudonym or tag has
	// the wrong length, or whose pseudonym is zero, is [ErrPseudonym].
	Pseudonym(ctx context.Context, name PseudonymName) (row PseudonymRow, found bool, err error)
	// InsertPseudonym adds a row. inserted is false, and nothing changed, if
	// there is one of that name; a transaction that is about to add one is
	// waited for. A conflict is no error.
	InsertPseudonym(ctx context.Context, row PseudonymRow) (inserted bool, err error)
	// DeletePseudonym removes the row. deleted is false if there is none.
	DeletePseudonym(ctx context.Context, name PseudonymName) (deleted bool, err error)
}

// InboxRow is one entry that waits to be sequenced.
type InboxRow struct {
	Tenant troth.Tenant
	ID     troth.EntryID
	// RecordedAt is microseconds since 1970, UTC.
	RecordedAt int64
	// Envelope is never empty, and at most [MaxEnvelope] bytes.
	Envelope []byte
	// Tag authenticates the envelope, under a key that the store has not: who
	// can only write to the database cannot put evidence there.
	Tag [32]byte
}

// Validate returns ErrEnvelope where the envelope is empty or too long.
func (r InboxRow) Validate() error {
	if len(r.Envelope) == 0 || len(r.Envelope) > MaxEnvelope {
		return ErrEnvelope
	}
	return nil
}

// EntriesPage chooses entries of one tenant.
type EntriesPage struct {
	Tenant troth.Tenant
	// After is the last id that was seen; the zero id begins at the beginning.
	After troth.EntryID
	// Limit is at least 1.
	Limit int
}

// PseudonymName is the name under which a pseudonym is found: a keyed hash of
// the person.
type PseudonymName struct {
	Tenant troth.Tenant
	Lookup [32]byte
}

// PseudonymRow links a person to a pseudonym.
type PseudonymRow struct {
	PseudonymName
	Pseudonym Pseudonym
	// Tag authenticates the row, under a key that the store has not.
	Tag [32]byte
	// Identity is who it is, sealed.
	Identity []byte
	// CreatedAt is microseconds since 1970, UTC.
	CreatedAt int64
}

// SystemStore is what crosses tenants.
type SystemStore interface {
	// Backlog counts the entries of all tenants that wait in the inbox.
	Backlog(ctx context.Context) (Backlog, error)

	// Managed reports whether a retention keeper has taken the store over.
	Managed(ctx context.Context) (bool, error)
	// SetManaged makes Managed true, for ever.
	SetManaged(ctx context.Context) error
}

// Backlog is what waits in the inbox.
type Backlog struct {
	Count int
	// Oldest is the earliest time of recording among them, UTC; the zero time
	// if none waits.
	Oldest time.Time
	// Quarantined counts the rows that were found in the inbox and are not
	// evidence: changed, forged, or put back. They wait for a person to look.
	Quarantined int
}

// Backend is a store of all kinds, as adapters provide it.
type Backend interface {
	Store
	LogStore
	SystemStore
	LogSystem
}
