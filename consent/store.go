package consent

import (
	"context"

	"github.com/trothdev/troth"
)

// Store is what the ledger needs of storage for one tenant at a time. Methods run
// in the transaction of their context, or, where it has none, each in one of its
// own; reads outside a transaction see committed rows only. No method sees,
// changes or counts another tenant's rows. Returned slices belong to the caller.
//
// A Record is opaque bytes of at most [MaxRecord], stored and returned exactly.
type Store interface {
	// Transactor is the one whose transactions the methods join.
	Transactor() troth.Transactor

	// InsertTerms adds a version of a purpose. inserted is false, and nothing
	// changed, if there is one of that tenant, purpose and version.
	InsertTerms(ctx context.Context, row TermsRow) (inserted bool, err error)
	// Terms returns all versions of all purposes of the tenant, ordered by purpose
	// and version.
	Terms(ctx context.Context, tenant troth.Tenant) ([]TermsRow, error)
	// InsertNotice adds a version of a notice, as InsertTerms does.
	InsertNotice(ctx context.Context, row NoticeRow) (inserted bool, err error)
	// Notices returns the versions of a notice, oldest first.
	Notices(ctx context.Context, tenant troth.Tenant, id string) ([]NoticeRow, error)
	// PutText keeps a text under its hash; one that is there stays.
	PutText(ctx context.Context, tenant troth.Tenant, hash [32]byte, text []byte) error
	// Text returns the text under the hash.
	Text(ctx context.Context, tenant troth.Tenant, hash [32]byte) (text []byte, found bool, err error)

	// LockPerson makes sure that the person has a row, which is fresh if they had
	// none, and returns it. Until the transaction ends nobody else can lock the
	// same person. It needs a transaction.
	LockPerson(ctx context.Context, fresh PersonRow) (PersonRow, error)
	// Person returns the row of a person.
	Person(ctx context.Context, tenant troth.Tenant, subjectID string) (row PersonRow, found bool, err error)
	// ErasedPerson returns the row of a person under the mark that MovePerson put
	// there.
	ErasedPerson(ctx context.Context, tenant troth.Tenant, mark [32]byte) (row PersonRow, found bool, err error)
	// PutPerson replaces the record of a person who has a row.
	PutPerson(ctx context.Context, row PersonRow) error

	// InsertEvent adds an event. inserted is false, and nothing changed, if the
	// tenant has one with that ID.
	InsertEvent(ctx context.Context, row EventRow) (inserted bool, err error)
	// Event returns one event.
	Event(ctx context.Context, tenant troth.Tenant, id string) (row EventRow, found bool, err error)
	// Events returns the events of a person about one purpose, or about all if it
	// is empty, ordered by RecordedAt and ID.
	Events(ctx context.Context, tenant troth.Tenant, subjectID string, p troth.Purpose) ([]EventRow, error)
	// DeleteEvents removes events of a person, by id.
	DeleteEvents(ctx context.Context, tenant troth.Tenant, subjectID string, ids []string) error

	// PutState adds or replaces the state of a person about a purpose.
	PutState(ctx context.Context, row StateRow) error
	// DeleteState removes it.
	DeleteState(ctx context.Context, tenant troth.Tenant, subjectID string, p troth.Purpose) error
	// States returns all states of a person, ordered by purpose.
	States(ctx context.Context, tenant troth.Tenant, subjectID string) ([]StateRow, error)
	// StatesOf returns the states of those of the given people who have one about
	// the purpose, each once, in any order.
	StatesOf(ctx context.Context, tenant troth.Tenant, p troth.Purpose, subjectIDs []string) ([]StateRow, error)
	// StatesAfter returns the states about a purpose of people whose ids come after
	// the given one, in the order of the bytes of these, at most limit.
	StatesAfter(ctx context.Context, tenant troth.Tenant, p troth.Purpose, after string, limit int) ([]StateRow, error)

	// InsertLink links a device to an account. inserted is false, and nothing
	// changed, if the device is linked.
	InsertLink(ctx context.Context, row LinkRow) (inserted bool, err error)
	// Link returns the link of a device.
	Link(ctx context.Context, tenant troth.Tenant, device string) (row LinkRow, found bool, err error)
	// Links returns the links of an account, ordered by device.
	Links(ctx context.Context, tenant troth.Tenant, account string) ([]LinkRow, error)

	// PutRequest adds or replaces a request, by ID.
	PutRequest(ctx context.Context, row RequestRow) error
	// RequestByToken returns the request whose Token this is.
	RequestByToken(ctx context.Context, tenant troth.Tenant, token [32]byte) (row RequestRow, found bool, err error)
	// Requests returns the requests of a person, ordered by ID.
	Requests(ctx context.Context, tenant troth.Tenant, subjectID string) ([]RequestRow, error)
	// DeleteRequest removes a request of a person.
	DeleteRequest(ctx context.Context, tenant troth.Tenant, subjectID, id string) error

	// InsertDelivery notes that a processor is to be told of an event. inserted is
	// false, and nothing changed, if that was noted before.
	InsertDelivery(ctx context.Context, row DeliveryRow) (inserted bool, err error)
	// Acknowledge sets AckedAt of a delivery that has none. acked is false if it
	// had, or is not there.
	Acknowledge(ctx context.Context, tenant troth.Tenant, eventID, processor string, at int64) (acked bool, err error)
	// Deliveries returns those of an event, ordered by processor.
	Deliveries(ctx context.Context, tenant troth.Tenant, eventID string) ([]DeliveryRow, error)

	// PutDue adds or replaces what is due of a person, by kind and purpose.
	PutDue(ctx context.Context, row DueRow) error
	// DeleteDue removes it; that it is not there is no error.
	DeleteDue(ctx context.Context, row DueRow) error

	// CountRefusal adds one to the refusals of a purpose on a day, which is days
	// since 1970 in UTC.
	CountRefusal(ctx context.Context, tenant troth.Tenant, p troth.Purpose, day int64) error
	// Refusals returns the counts of a purpose, oldest first.
	Refusals(ctx context.Context, tenant troth.Tenant, p troth.Purpose) ([]RefusalRow, error)

	// EraseContent empties Content of all events of a person and returns of how
	// many.
	EraseContent(ctx context.Context, tenant troth.Tenant, subjectID string) (events int, err error)
	// MovePerson gives the rows of a person another id and the person's row a mark
	// and another record, and removes their requests and what is due of them. It
	// moves events, states and links. The person must have a row, and nobody the
	// other id.
	MovePerson(ctx context.Context, p MovePerson) error
	// DeletePerson removes all rows of a person and returns how many of them were
	// events. Deliveries of their events go too.
	DeletePerson(ctx context.Context, tenant troth.Tenant, subjectID string) (events int, err error)

	// Raise appends to the feed in the caller's transaction.
	Raise(ctx context.Context, e FeedEvent) error
}

// SystemStore is what crosses tenants. Its rows carry their tenant.
type SystemStore interface {
	// Follow returns every event of the feed that committed before the call began
	// and whose position is above after, in an order that does not matter. Events
	// without a position yet are always among them. Outside of a transaction it
	// gives positions to committed events that have none, unless another process
	// is at it; inside of one it only reads. A negative after asks for nothing but
	// the head.
	Follow(ctx context.Context, after int64) (Followed, error)
	// PruneFeed removes events older than at, except for the newest.
	PruneFeed(ctx context.Context, at int64) error

	// Due returns what is due of all tenants before at, oldest first, at most
	// limit.
	Due(ctx context.Context, at int64, limit int) ([]DueRow, error)

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
