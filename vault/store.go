package vault

import (
	"context"

	"github.com/trothdev/troth"
)

// Store is what the vault needs of storage for one tenant at a time. Methods
// run in the transaction of their context, or, where it has none, each in one
// of its own; reads outside a transaction see committed rows only. No method
// sees, changes or counts another tenant's rows. Returned slices belong to the
// caller.
type Store interface {
	// RotationStore is the rest of it.
	RotationStore

	// Transactor is the one whose transactions the methods join.
	Transactor() troth.Transactor

	// Root returns the root of the lineage with the highest epoch, tombstones
	// included. found is false if there is none.
	Root(ctx context.Context, tenant troth.Tenant, l Lineage) (row RootRow, found bool, err error)
	// RootAt returns the root of that epoch.
	RootAt(ctx context.Context, tenant troth.Tenant, l Lineage, epoch uint32) (row RootRow, found bool, err error)
	// InsertRoot adds the first root of a lineage. inserted is false, and nothing
	// changed, if the lineage has one, of whatever epoch, a tombstone included,
	// or the epoch is closed.
	InsertRoot(ctx context.Context, row RootRow) (inserted bool, err error)

	// Keys returns all generations under the name, newest first, tombstones
	// included, but for those that were retired; none if there are none.
	Keys(ctx context.Context, name KeyName) ([]KeyRow, error)
	// Person returns the state of a person whom LockPerson has seen; the zero
	// state for a person who was never seen.
	Person(ctx context.Context, tenant troth.Tenant, subjectID string) (PersonState, error)
	// LockPerson makes sure that the person has a row, and keeps their state as
	// returned until the transaction ends: shared keeps others from closing the
	// person or the tenant, exclusive keeps them from creating keys as well. It
	// needs a transaction.
	LockPerson(ctx context.Context, tenant troth.Tenant, subjectID string, lock Lock) (PersonState, error)
	// ClosePerson marks the person closed since at; a person already closed
	// keeps the earlier instant. Call it under an exclusive lock.
	ClosePerson(ctx context.Context, tenant troth.Tenant, subjectID string, at int64) error
	// InsertKey adds a key. inserted is false, and nothing changed, if the name
	// has a row of that generation, a tombstone included, or the person has a
	// key with that KeyID other than 0, or the tenant's wrap root of its epoch
	// was superseded or is dead.
	InsertKey(ctx context.Context, row KeyRow) (inserted bool, err error)
	// ShredKeys empties the chosen keys that live, sets their ShreddedAt, and
	// returns them as tombstones, ordered by compartment and generation. A
	// compartment that is chosen by name and has no row gets a tombstone of
	// generation 1 and KeyID 0, which is returned too. Call it under an
	// exclusive lock.
	ShredKeys(ctx context.Context, p ShredKeys) ([]KeyRow, error)
	// ShredRoots empties all roots of the tenant that are no tombstones and
	// returns them as such, those that were empty before too. A tenant without a root of a lineage gets a tombstone of
	// epoch 0. It waits for transactions that hold a person of the tenant
	// locked.
	ShredRoots(ctx context.Context, tenant troth.Tenant, at int64) ([]RootRow, error)
	// RaiseFence appends an event in the caller's transaction.
	RaiseFence(ctx context.Context, e FenceEvent) error
	// Settled reports whether every transaction that shredded something under
	// the name has ended, so that committed rows tell what became of it. It
	// never waits, and may say false where it cannot know. Inside a transaction
	// it tells of the others. A name without a person tells of shreddings of the
	// whole tenant, not of each person's.
	Settled(ctx context.Context, name KeyName) (bool, error)

	KEKStore
	GenerationStore

	// InsertWindow adds a window.
	InsertWindow(ctx context.Context, w WindowRow) error
	// CloseWindow sets ClosedAt of an open window. closed is false if it was
	// closed before or is unknown.
	CloseWindow(ctx context.Context, tenant troth.Tenant, id troth.EntryID, at int64) (closed bool, err error)

	JournalStore
}

// PersonState is what the store knows of a person beside their keys.
type PersonState struct {
	// ClosedAt is when all of the person's data was shredded, microseconds
	// since 1970, UTC; 0 if it was not.
	ClosedAt int64
	// TenantShredded says that the tenant's roots are tombstones.
	TenantShredded bool
	// Epoch is that of the tenant's newest wrap root, under which keys can be
	// created until the transaction ends. LockPerson tells it, Person does not.
	Epoch uint32
	// Restricted counts the restrictions that are in force.
	Restricted int
}

// Lock is how strongly LockPerson holds a person.
type Lock int

const (
	// Shared lets others create keys of the person too.
	Shared Lock = iota
	// Exclusive lets nobody else.
	Exclusive
)

// ShredKeys chooses keys of one person.
type ShredKeys struct {
	Tenant    troth.Tenant
	SubjectID string
	// Compartments are shredded, by name. If there are none, all are, except
	// those in Except.
	Compartments []troth.Compartment
	Except       []troth.Compartment
	// At is microseconds since 1970, UTC.
	At int64
}

// SystemStore is what crosses tenants. Its rows carry their tenant.
type SystemStore interface {
	// EpochRows is the rest of it.
	EpochRows

	// Follow returns every fence event that committed before the call began
	// and whose position is above after, in an order that does not matter.
	// Events without a position yet are always among them. Outside of a
	// transaction it gives positions to committed events that have none, unless
	// another process is at it; inside of one it only reads. A negative after
	// asks for nothing but the head.
	Follow(ctx context.Context, after int64) (Followed, error)
	// PruneFence removes events older than at, except for the newest.
	PruneFence(ctx context.Context, at int64) error

	// LapsedWindows returns windows that are open and whose Until is before at,
	// oldest first, at most limit.
	LapsedWindows(ctx context.Context, at int64, limit int) ([]WindowRow, error)

	// Managed reports whether a retention keeper has taken the store over.
	Managed(ctx context.Context) (bool, error)
	// SetManaged makes Managed true, for ever.
	SetManaged(ctx context.Context) error

	JournalSystemStore
}

// Followed is what a look at the fence found.
type Followed struct {
	Events []FenceEvent
	// Head is the highest position known; 0 before the first event.
	Head int64
	// Gap says that an event above the given position is gone, or that the
	// position is above the head, as after a restore: anything may have died.
	Gap bool
}

// Scrubber is what a Backend offers beside, if its database keeps for a while
// what rows hold no more, and can be asked to let go of it.
type Scrubber interface {
	// Scrub removes what committed rows hold no more, such as keys that were
	// shredded, from where the database keeps it, as far as it can. It returns
	// [troth.ErrBusy] if others kept it from doing so; it does not hold them up.
	// It is called outside of any transaction.
	Scrub(ctx context.Context) error
}

// Backend is a store of both kinds, as adapters provide it.
type Backend interface {
	Store
	SystemStore
	ControlStore
	ControlSystem
}
