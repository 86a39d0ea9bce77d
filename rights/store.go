package rights

import (
	"context"

	"github.com/trothdev/troth"
)

// Store is what the desk needs of storage for one tenant at a time. Methods run in the
// transaction of their context, or, where it has none, each in one of its own; reads
// outside a transaction see committed rows only. No method sees, changes or counts
// another tenant's rows. Returned slices belong to the caller.
//
// Records and sealed bytes are opaque, of at most [MaxRecord] and [MaxSealed], stored
// and returned exactly.
type Store interface {
	// Transactor is the one whose transactions the methods join.
	Transactor() troth.Transactor

	// InsertRequest adds a request. inserted is false, and nothing changed, if there is
	// one of that id.
	InsertRequest(ctx context.Context, row RequestRow) (inserted bool, err error)
	// Request returns one request.
	Request(ctx context.Context, tenant troth.Tenant, id string) (row RequestRow, found bool, err error)
	// File returns one request, its events, and those of its items that are of these kinds,
	// of which no two are the same, all as they were at one instant: who finds the request's
	// record unchanged later knows that they are unchanged, too.
	File(ctx context.Context, tenant troth.Tenant, id string, kinds []ItemKind) (f File, found bool, err error)
	// LockRequest is Request for who is about to change it: until the transaction ends
	// nobody else can lock the same. It needs a transaction.
	LockRequest(ctx context.Context, tenant troth.Tenant, id string) (row RequestRow, found bool, err error)
	// LockRequestAs is LockRequest for who knows the request's record: it locks the request,
	// and reports whether there is one with that record.
	LockRequestAs(ctx context.Context, tenant troth.Tenant, id string, record []byte) (same bool, err error)
	// PutRequest replaces a request that is there.
	PutRequest(ctx context.Context, row RequestRow) error
	// DeleteRequest removes a request with its events and items, and reports whether it
	// was there.
	DeleteRequest(ctx context.Context, tenant troth.Tenant, id string) (deleted bool, err error)
	// Requests returns the requests of a listing behind its cursor, ordered by DueAt and
	// ID, at most its limit.
	Requests(ctx context.Context, l Listing) ([]RequestRow, error)
	// RequestsOf returns the requests about a person, ordered by ReceivedAt and ID.
	RequestsOf(ctx context.Context, tenant troth.Tenant, subjectID string) ([]RequestRow, error)

	// InsertEvents adds those rows whose numbers their requests have none of yet, and returns
	// how many that were; no two of rows have the same. Who gets fewer than it gave undoes
	// its transaction.
	InsertEvents(ctx context.Context, rows []EventRow) (inserted int, err error)
	// Events returns the rows of a request's events, ordered by Seq.
	Events(ctx context.Context, tenant troth.Tenant, request string) ([]EventRow, error)

	// InsertItem adds an item. inserted is false, and nothing changed, if there is one
	// of that key; who else inserts the same waits for the transaction to end.
	InsertItem(ctx context.Context, row ItemRow) (inserted bool, err error)
	// Item returns one item.
	Item(ctx context.Context, key ItemKey) (row ItemRow, found bool, err error)
	// ItemsAt returns the items of those keys that there are any of, in the order of keys, of
	// which no two are the same.
	ItemsAt(ctx context.Context, keys []ItemKey) ([]ItemRow, error)
	// PutItem replaces an item that is there.
	PutItem(ctx context.Context, row ItemRow) error
	// WriteItems adds items, or replaces those that are there; no two of rows have the same
	// key. All of them are written, or none.
	WriteItems(ctx context.Context, rows []ItemRow) error
	// DeleteItem removes an item, and reports whether it was there.
	DeleteItem(ctx context.Context, key ItemKey) (deleted bool, err error)
	// Items returns the items of an owner and kind behind an id, ordered by id, at most
	// limit.
	Items(ctx context.Context, q ItemQuery) ([]ItemRow, error)
}

// File is a request with what belongs to it.
type File struct {
	Request RequestRow
	// Events are ordered by Seq, Items by the order of their kinds, and then by ID.
	Events []EventRow
	Items  []ItemRow
}

// ItemQuery says which items are asked for.
type ItemQuery struct {
	Tenant troth.Tenant
	Owner  string
	Kind   ItemKind
	After  string
	Limit  int
}

// SystemStore is what crosses tenants. Its rows carry their tenant.
type SystemStore interface {
	// DueItems returns items of a kind whose DueAt is not 0 and not after at, the most
	// urgent first, at most limit.
	DueItems(ctx context.Context, kind ItemKind, at int64, limit int) ([]ItemKey, error)

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
