package unsubscribe

import (
	"context"

	"github.com/trothdev/troth"
)

// Store is what the registry needs of storage for one tenant at a time, which is a
// client, or troth.Platform for the registry of everything. Methods run in the
// transaction of their context, or, where it has none, each in one of its own; reads
// outside a transaction see committed rows only. No method sees, changes or counts
// another tenant's rows. Returned slices belong to the caller.
//
// Records and contents are opaque bytes of at most [MaxRecord], stored and returned
// exactly.
type Store interface {
	// Transactor is the one whose transactions the methods join.
	Transactor() troth.Transactor

	// Epoch returns the epoch of the tenant's keys: 1 until Rekey changed them.
	Epoch(ctx context.Context, tenant troth.Tenant) (uint32, error)
	// HoldEpoch is Epoch for who is about to write: until the transaction ends Rekey
	// of the tenant waits. It needs a transaction.
	HoldEpoch(ctx context.Context, tenant troth.Tenant) (uint32, error)
	// Rekey replaces Key and Mailbox of all entries and events of a tenant, and sets
	// the epoch. It returns [ErrEpoch], and changes nothing, if From is not in force.
	// It needs a transaction.
	Rekey(ctx context.Context, p RekeyParams) (entries int, err error)

	// LockEntry makes sure that there is a row of that tenant, key, channel and list,
	// which is fresh if there was none, and returns it. Until the transaction ends
	// nobody else can lock the same. It needs a transaction.
	LockEntry(ctx context.Context, fresh EntryRow) (EntryRow, error)
	// PutEntry replaces a row that is there.
	PutEntry(ctx context.Context, row EntryRow) error
	// Entries returns the rows whose Key or Mailbox is one of the given, each once, in
	// any order.
	Entries(ctx context.Context, tenant troth.Tenant, keys []Key) ([]EntryRow, error)
	// Prefixes returns the first eight bytes, as a big-endian number, of every Key of
	// the tenant's rows, and of every Mailbox that is not its row's Key, where they lie
	// in the range; in any order, some more than once, at most Limit. Of more than that
	// it returns Limit.
	Prefixes(ctx context.Context, tenant troth.Tenant, r PrefixRange) ([]uint64, error)
	// EntriesOf returns the rows of the tenant behind a cursor, in the order of
	// cursors, at most limit.
	EntriesOf(ctx context.Context, tenant troth.Tenant, after Cursor, limit int) ([]EntryRow, error)

	// InsertEvent adds an event. inserted is false, and nothing changed, if the tenant
	// has one with that ID.
	InsertEvent(ctx context.Context, row EventRow) (inserted bool, err error)
	// Event returns one event.
	Event(ctx context.Context, tenant troth.Tenant, id string) (row EventRow, found bool, err error)
	// Events returns the events of an address, ordered by RecordedAt and ID.
	Events(ctx context.Context, tenant troth.Tenant, key Key) ([]EventRow, error)
	// EventsOf returns the events of a person, ordered by RecordedAt and ID: none of
	// nobody, whose SubjectID is empty.
	EventsOf(ctx context.Context, tenant troth.Tenant, subjectID string) ([]EventRow, error)
	// EraseContent empties SubjectID and Content of one event, and returns of how many:
	// 0 if they were empty, or there is no such event.
	EraseContent(ctx context.Context, tenant troth.Tenant, id string) (events int, err error)

	// EraseSubject empties SubjectID and Content of all events of a person, and returns
	// of how many.
	EraseSubject(ctx context.Context, tenant troth.Tenant, subjectID string) (events int, err error)

	// InsertDelivery notes that a provider is to be told. inserted is false, and
	// nothing changed, if that was noted before.
	InsertDelivery(ctx context.Context, row DeliveryRow) (inserted bool, err error)
	// LockDelivery returns a delivery. Until the transaction ends nobody else can lock
	// the same. It needs a transaction.
	LockDelivery(ctx context.Context, tenant troth.Tenant, eventID, provider string) (row DeliveryRow, found bool, err error)
	// PutDelivery replaces a delivery that is there.
	PutDelivery(ctx context.Context, row DeliveryRow) error
	// Deliveries returns those of an event, ordered by provider.
	Deliveries(ctx context.Context, tenant troth.Tenant, eventID string) ([]DeliveryRow, error)

	// Raise appends to the feed in the caller's transaction.
	Raise(ctx context.Context, e FeedEvent) error
}

// SystemStore is what crosses tenants. Its rows carry their tenant.
type SystemStore interface {
	// Follow returns the events of the feed whose position is above after, ordered by
	// position, at most limit. Events without a position come last, in any order, and
	// unless More is set every event that committed before the call began is among
	// them. Outside of a transaction it gives positions, without gaps, to committed
	// events that have none, unless another process is at it; inside of one it only
	// reads. A negative after asks for nothing but the head.
	Follow(ctx context.Context, after int64, limit int) (Followed, error)
	// PruneFeed removes events older than at, except for the newest.
	PruneFeed(ctx context.Context, at int64) error
	// EntriesAfter returns rows of all tenants behind a cursor, in the order of
	// cursors, at most limit.
	EntriesAfter(ctx context.Context, after Cursor, limit int) ([]EntryRow, error)
	// DueDeliveries returns deliveries of all tenants whose NextAlarm is not 0 and not
	// after at, the most urgent first, at most limit.
	DueDeliveries(ctx context.Context, at int64, limit int) ([]DeliveryRow, error)

	// Managed reports whether a retention keeper has taken the store over.
	Managed(ctx context.Context) (bool, error)
	// SetManaged makes Managed true, for ever.
	SetManaged(ctx context.Context) error
}

// Backend is a store of both kinds, as adapters provide it.
type Backend interface {
	Store
	SystemStore
}
