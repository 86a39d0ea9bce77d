package vault

import (
	"context"

	"github.com/trothdev/troth"
)

// LineRow is a line of the erasure journal as the store keeps it: written with
// the shredding, so that it is there if and only if that committed.
type LineRow struct {
	// Tenant is whose data was shredded; [troth.Platform] where a replay did not
	// find that out.
	Tenant troth.Tenant
	// Entry is the evidence of the shredding.
	Entry troth.EntryID
	// Line is what the journal is given.
	Line []byte
	// At is when the shredding was, AckedAt when the journal was seen to hold the
	// line; microseconds since 1970, UTC. AckedAt is 0 while the line waits.
	At, AckedAt int64
}

// JournalState is what the store knows of its journal.
type JournalState struct {
	// Position is that of the last line up to which the journal was seen to
	// hold nothing that the store does not; 0 before the first. Digest is
	// SHA-256 of that line.
	Position int64
	Digest   [32]byte
	// Waiting counts the lines that are not acknowledged; Oldest is the At of the
	// oldest, 0 if there is none.
	Waiting, Oldest int64
}

// BuriedName is the keyed hash of a name that died in a part of the history
// which the store does not have: no key is made under it again.
type BuriedName struct {
	Name  [32]byte
	Entry troth.EntryID
	At    int64
}

// PersonName names a person.
type PersonName struct {
	Tenant    troth.Tenant
	SubjectID string
}

// PersonEntry is a person as a walk through all of them finds them.
type PersonEntry struct {
	PersonName
	// ClosedAt and Evidence are as in [PersonRow].
	ClosedAt int64
	Evidence troth.EntryID
	// Living counts the person's keys that live.
	Living int64
}

// RootAt names a root.
type RootAt struct {
	Tenant  troth.Tenant
	Lineage Lineage
	Epoch   uint32
}

// KeyAt names a key.
type KeyAt struct {
	KeyName
	Generation uint32
}

// ExportRow notes that keys left the vault, see NoteExport of [RotationStore].
type ExportRow struct {
	KeyName
	At int64
}

// JournalStore is the part of [Store] that serves the erasure journal.
type JournalStore interface {
	// InsertLine adds a line. inserted is false, and nothing changed, if the
	// tenant has one of that entry.
	InsertLine(ctx context.Context, row LineRow) (inserted bool, err error)
	// Line returns the tenant's line of that entry.
	Line(ctx context.Context, tenant troth.Tenant, entry troth.EntryID) (row LineRow, found bool, err error)

	// PutRoot puts a row of a backup into the store. Where a row of its name is,
	// that stays, except that one which is no tombstone is replaced by a
	// tombstone; and, if the commitments are the same, one that lives by one that
	// is retired, or that is superseded and it is not, or that was moved later. Of
	// two that live the KEK and the seal of the one that was moved later stay. One
	// that empties a living one brings its RestoredAt along. put is false if nothing
	// changed. It does not ask what InsertRoot and RenewRoot ask.
	PutRoot(ctx context.Context, row RootRow) (put bool, err error)
	// PutKey puts a row of a backup into the store. Where a row of its name and
	// generation is, that stays, except that a living one is replaced by a dead
	// one, of which the epochs of both count, and the RestoredAt, and by a living
	// one of a higher epoch with the same commitment. One that is Retired becomes
	// what RetireKey leaves. put is false if nothing changed. It does not ask what
	// InsertKey asks.
	PutKey(ctx context.Context, row KeyRow) (put bool, err error)
}

// JournalSystemStore is the part of [SystemStore] that serves the erasure
// journal, replays and backups of the key tables. Pages are in the order of the
// bytes of tenant, then of what else makes up the name; a page that is not full
// is the last.
type JournalSystemStore interface {
	// WaitingLines returns lines that wait, the oldest first, at most limit. A
	// committed line is among them until AckLines, however late it committed.
	WaitingLines(ctx context.Context, limit int) ([]LineRow, error)
	// HeldLines returns which of the entries have a line, in any order, each
	// once.
	HeldLines(ctx context.Context, entries []troth.EntryID) ([]troth.EntryID, error)
	// AckLines sets AckedAt of the lines of these entries that wait.
	AckLines(ctx context.Context, entries []troth.EntryID, at int64) error
	// JournalState returns what is known of the journal.
	JournalState(ctx context.Context) (JournalState, error)
	// MoveJournal sets position and digest, if the position is from. moved is
	// false, and nothing changed, if it is not.
	MoveJournal(ctx context.Context, from, to int64, digest [32]byte) (moved bool, err error)
	// ResetJournal forgets position and digest, and makes every line wait again.
	ResetJournal(ctx context.Context) error

	// Bury adds names, each once for each entry.
	Bury(ctx context.Context, names []BuriedName) error
	// Buried returns what was buried under the names, in any order.
	Buried(ctx context.Context, names [][32]byte) ([]BuriedName, error)

	// RootsAfter, PeopleAfter and KeysAfter return what comes behind the given
	// name, at most limit; the zero name is before all. People are those who
	// have a row or a key.
	RootsAfter(ctx context.Context, after RootAt, limit int) ([]RootRow, error)
	PeopleAfter(ctx context.Context, after PersonName, limit int) ([]PersonEntry, error)
	KeysAfter(ctx context.Context, after KeyAt, limit int) ([]KeyRow, error)
	// ExportsAfter returns notes of exports behind the given name, in the order of
	// tenant, subject and compartment, at most limit.
	ExportsAfter(ctx context.Context, after KeyName, limit int) ([]ExportRow, error)
	// Snapshot runs fn with a context in which all reads see what was committed
	// at one instant, which is not before Snapshot was called. fn only reads. It
	// is called outside of any transaction.
	Snapshot(ctx context.Context, fn func(ctx context.Context) error) error
}
