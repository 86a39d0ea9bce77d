package unsubscribetest

import (
	"context"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/unsubscribe"
)

// broken is a Backend whose methods can be replaced one by one; those that no
// defect replaces are the sound store's.
type broken struct {
	unsubscribe.Backend
	epoch          func(ctx context.Context, t troth.Tenant) (uint32, error)
	holdEpoch      func(ctx context.Context, t troth.Tenant) (uint32, error)
	rekey          func(ctx context.Context, p unsubscribe.RekeyParams) (int, error)
	lockEntry      func(ctx context.Context, row unsubscribe.EntryRow) (unsubscribe.EntryRow, error)
	putEntry       func(ctx context.Context, row unsubscribe.EntryRow) error
	entries        func(ctx context.Context, t troth.Tenant, keys []unsubscribe.Key) ([]unsubscribe.EntryRow, error)
	prefixes       func(ctx context.Context, t troth.Tenant, r unsubscribe.PrefixRange) ([]uint64, error)
	entriesOf      func(ctx context.Context, t troth.Tenant, after unsubscribe.Cursor, limit int) ([]unsubscribe.EntryRow, error)
	insertEvent    func(ctx context.Context, row unsubscribe.EventRow) (bool, error)
	event          func(ctx context.Context, t troth.Tenant, id string) (unsubscribe.EventRow, bool, error)
	events         func(ctx context.Context, t troth.Tenant, key unsubscribe.Key) ([]unsubscribe.EventRow, error)
	eventsOf       func(ctx context.Context, t troth.Tenant, id string) ([]unsubscribe.EventRow, error)
	eraseContent   func(ctx context.Context, t troth.Tenant, id string) (int, error)
	eraseSubject   func(ctx context.Context, t troth.Tenant, id string) (int, error)
	insertDelivery func(ctx context.Context, row unsubscribe.DeliveryRow) (bool, error)
	lockDelivery   func(ctx context.Context, t troth.Tenant, event, provider string) (unsubscribe.DeliveryRow, bool, error)
	putDelivery    func(ctx context.Context, row unsubscribe.DeliveryRow) error
	deliveries     func(ctx context.Context, t troth.Tenant, event string) ([]unsubscribe.DeliveryRow, error)
	raise          func(ctx context.Context, e unsubscribe.FeedEvent) error
	follow         func(ctx context.Context, after int64, limit int) (unsubscribe.Followed, error)
	pruneFeed      func(ctx context.Context, at int64) error
	dueDeliveries  func(ctx context.Context, at int64, limit int) ([]unsubscribe.DeliveryRow, error)
	managed        func(ctx context.Context) (bool, error)
}

// whole returns a broken Backend in which everything works yet.
func whole(s unsubscribe.Backend) *broken {
	return &broken{
		Backend:        s,
		epoch:          s.Epoch,
		holdEpoch:      s.HoldEpoch,
		rekey:          s.Rekey,
		lockEntry:      s.LockEntry,
		putEntry:       s.PutEntry,
		entries:        s.Entries,
		prefixes:       s.Prefixes,
		entriesOf:      s.EntriesOf,
		insertEvent:    s.InsertEvent,
		event:          s.Event,
		events:         s.Events,
		eventsOf:       s.EventsOf,
		eraseContent:   s.EraseContent,
		eraseSubject:   s.EraseSubject,
		insertDelivery: s.InsertDelivery,
		lockDelivery:   s.LockDelivery,
		putDelivery:    s.PutDelivery,
		deliveries:     s.Deliveries,
		raise:          s.Raise,
		follow:         s.Follow,
		pruneFeed:      s.PruneFeed,
		dueDeliveries:  s.DueDeliveries,
		managed:        s.Managed,
	}
}

func (b *broken) Epoch(ctx context.Context, t troth.Tenant) (uint32, error) {
	return b.epoch(ctx, t)
}

func (b *broken) HoldEpoch(ctx context.Context, t troth.Tenant) (uint32, error) {
	return b.holdEpoch(ctx, t)
}

func (b *broken) Rekey(ctx context.Context, p unsubscribe.RekeyParams) (int, error) {
	return b.rekey(ctx, p)
}

func (b *broken) LockEntry(ctx context.Context, row unsubscribe.EntryRow) (unsubscribe.EntryRow, error) {
	return b.lockEntry(ctx, row)
}

func (b *broken) PutEntry(ctx context.Context, row unsubscribe.EntryRow) error {
	return b.putEntry(ctx, row)
}

func (b *broken) Entries(ctx context.Context, t troth.Tenant, keys []unsubscribe.Key) ([]unsubscribe.EntryRow, error) {
	return b.entries(ctx, t, keys)
}

func (b *broken) Prefixes(ctx context.Context, t troth.Tenant, r unsubscribe.PrefixRange) ([]uint64, error) {
	return b.prefixes(ctx, t, r)
}

func (b *broken) EntriesOf(ctx context.Context, t troth.Tenant, after unsubscribe.Cursor, limit int) ([]unsubscribe.EntryRow, error) {
	return b.entriesOf(ctx, t, after, limit)
}

func (b *broken) InsertEvent(ctx context.Context, row unsubscribe.EventRow) (bool, error) {
	return b.insertEvent(ctx, row)
}

func (b *broken) Event(ctx context.Context, t troth.Tenant, id string) (unsubscribe.EventRow, bool, error) {
	return b.event(ctx, t, id)
}

func (b *broken) Events(ctx context.Context, t troth.Tenant, key unsubscribe.Key) ([]unsubscribe.EventRow, error) {
	return b.events(ctx, t, key)
}

func (b *broken) EraseContent(ctx context.Context, t troth.Tenant, id string) (int, error) {
	return b.eraseContent(ctx, t, id)
}

func (b *broken) EventsOf(ctx context.Context, t troth.Tenant, id string) ([]unsubscribe.EventRow, error) {
	return b.eventsOf(ctx, t, id)
}

func (b *broken) EraseSubject(ctx context.Context, t troth.Tenant, id string) (int, error) {
	return b.eraseSubject(ctx, t, id)
}

func (b *broken) InsertDelivery(ctx context.Context, row unsubscribe.DeliveryRow) (bool, error) {
	return b.insertDelivery(ctx, row)
}

func (b *broken) LockDelivery(ctx context.Context, t troth.Tenant, event, provider string) (unsubscribe.DeliveryRow, bool, error) {
	return b.lockDelivery(ctx, t, event, provider)
}

func (b *broken) PutDelivery(ctx context.Context, row unsubscribe.DeliveryRow) error {
	return b.putDelivery(ctx, row)
}

func (b *broken) Deliveries(ctx context.Context, t troth.Tenant, event string) ([]unsubscribe.DeliveryRow, error) {
	return b.deliveries(ctx, t, event)
}

func (b *broken) Raise(ctx context.Context, e unsubscribe.FeedEvent) error {
	return b.raise(ctx, e)
}

func (b *broken) Follow(ctx context.Context, after int64, limit int) (unsubscribe.Followed, error) {
	return b.follow(ctx, after, limit)
}

func (b *broken) PruneFeed(ctx context.Context, at int64) error {
	return b.pruneFeed(ctx, at)
}

func (b *broken) DueDeliveries(ctx context.Context, at int64, limit int) ([]unsubscribe.DeliveryRow, error) {
	return b.dueDeliveries(ctx, at, limit)
}

func (b *broken) Managed(ctx context.Context) (bool, error) {
	return b.managed(ctx)
}
