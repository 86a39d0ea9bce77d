package unsubscribe

import "github.com/trothdev/troth"

// MaxRecord is the longest record, or sealed content, of a row in bytes.
const MaxRecord = 64 << 10

// EntryRow is what the events about one address come to, on one channel, for one
// list or for all.
type EntryRow struct {
	// Tenant is the registry: a client, or troth.Platform for everything.
	Tenant troth.Tenant
	// Key is of the address, Mailbox of the mailbox that it leads to.
	Key, Mailbox Key
	Channel      Channel
	// List is empty for all lists of the registry.
	List string
	// Marks tell when each reason was given last, in the order of ReasonOptOut,
	// ReasonImport, ReasonComplaint, ReasonBounce; OptInAt when the person came
	// back. Microseconds since 1970, UTC; 0 is never.
	Marks   [4]int64
	OptInAt int64
	// Generation counts the opt-ins: links carry it.
	Generation uint32
	// Event is the event that was given last.
	Event string
}

// Cursor is a place in the order of entries: key, tenant, channel and list, each by
// its bytes. The zero Cursor stands before the first.
type Cursor struct {
	Key     Key
	Tenant  troth.Tenant
	Channel Channel
	List    string
}

// Cursor is where the row stands.
func (r *EntryRow) Cursor() Cursor { return Cursor{r.Key, r.Tenant, r.Channel, r.List} }

// PrefixRange are keys by their first eight bytes, as big-endian numbers.
type PrefixRange struct {
	// From and To both belong to the range.
	From, To uint64
	Limit    int
}

// EventRow is one event.
type EventRow struct {
	Tenant       troth.Tenant
	ID           string
	Key, Mailbox Key
	// RecordedAt is microseconds since 1970, UTC.
	RecordedAt int64
	// Record is the event's stored form, which names nobody.
	Record []byte
	// SubjectID is the person, as the client knows them, and Content the sealed
	// evidence; empty where there is none, or no longer.
	SubjectID string
	Content   []byte
}

// DeliveryState is how far the telling of a provider has come.
type DeliveryState string

// The states.
const (
	DeliveryPending DeliveryState = "pending"
	DeliveryTold    DeliveryState = "told"
	// DeliveryFailed: the provider will not take it; somebody must.
	DeliveryFailed DeliveryState = "failed"
	// DeliveryVoid: the person came back before the provider was told.
	DeliveryVoid DeliveryState = "void"
)

// DeliveryRow says that a provider is to be told of an event.
type DeliveryRow struct {
	Tenant   troth.Tenant
	EventID  string
	Provider string
	State    DeliveryState
	// NotedAt is when it was noted, DueAt by when it must be told, ToldAt when it
	// was; microseconds since 1970, UTC; 0 is never.
	NotedAt, DueAt, ToldAt int64
	// Rule is the rule that gave DueAt.
	Rule string
	// Attempts counts how often it was tried.
	Attempts uint32
	// Alarmed is how far alarms have gone: 0, 50, 80, 100 percent of the time.
	Alarmed uint32
	// NextAlarm is when to look again; 0 once nothing is to come.
	NextAlarm int64
}

// FeedEvent says that entries of a registry changed.
type FeedEvent struct {
	Tenant troth.Tenant
	// Key is whose; zero if all of the registry's have changed, as when its keys
	// did.
	Key Key
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
	// More says that there were more than the limit: ask again from the position of
	// the last.
	More bool
	// Gap says that an event above the given position is gone, or that the position
	// is above the head, as after a restore: anything may have changed.
	Gap bool
}

// RekeyParams are those of a change of keys.
type RekeyParams struct {
	Tenant troth.Tenant
	// From is the epoch that must be in force, To the one that will be.
	From, To uint32
	// Wrap gives the new key of an old one.
	Wrap func(Key) Key
}
