// Package unsubscribefault puts a plan of faults between the opt-out registry and its
// Store.
package unsubscribefault

import (
	"context"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/storage/faultstore"
	"github.com/trothdev/troth/unsubscribe"
)

// New returns s under the plan; it gives out tx as its transactor, which is the
// store's own or [faultstore.Transactor] of it.
func New(s unsubscribe.Backend, tx troth.Transactor, p *faultstore.Plan) unsubscribe.Backend {
	return &store{s: s, tx: tx, p: p}
}

type store struct {
	s  unsubscribe.Backend
	tx troth.Transactor
	p  *faultstore.Plan
}

// found is what reads of one row return beside the error.
type found[T any] struct {
	row   T
	found bool
}

func (s *store) Transactor() troth.Transactor { return s.tx }

func (s *store) Epoch(ctx context.Context, tenant troth.Tenant) (uint32, error) {
	return faultstore.Do(ctx, s.p, "Epoch", func() (uint32, error) { return s.s.Epoch(ctx, tenant) })
}

func (s *store) HoldEpoch(ctx context.Context, tenant troth.Tenant) (uint32, error) {
	return faultstore.Do(ctx, s.p, "HoldEpoch", func() (uint32, error) { return s.s.HoldEpoch(ctx, tenant) })
}

func (s *store) Rekey(ctx context.Context, p unsubscribe.RekeyParams) (int, error) {
	return faultstore.Do(ctx, s.p, "Rekey", func() (int, error) { return s.s.Rekey(ctx, p) })
}

func (s *store) LockEntry(ctx context.Context, fresh unsubscribe.EntryRow) (unsubscribe.EntryRow, error) {
	return faultstore.Do(ctx, s.p, "LockEntry", func() (unsubscribe.EntryRow, error) { return s.s.LockEntry(ctx, fresh) })
}

func (s *store) PutEntry(ctx context.Context, row unsubscribe.EntryRow) error {
	return faultstore.Run(ctx, s.p, "PutEntry", func() error { return s.s.PutEntry(ctx, row) })
}

func (s *store) Entries(ctx context.Context, tenant troth.Tenant, keys []unsubscribe.Key) ([]unsubscribe.EntryRow, error) {
	return faultstore.Do(ctx, s.p, "Entries", func() ([]unsubscribe.EntryRow, error) { return s.s.Entries(ctx, tenant, keys) })
}

func (s *store) Prefixes(ctx context.Context, tenant troth.Tenant, r unsubscribe.PrefixRange) ([]uint64, error) {
	return faultstore.Do(ctx, s.p, "Prefixes", func() ([]uint64, error) { return s.s.Prefixes(ctx, tenant, r) })
}

func (s *store) EntriesOf(ctx context.Context, tenant troth.Tenant, after unsubscribe.Cursor, limit int) ([]unsubscribe.EntryRow, error) {
	return faultstore.Do(ctx, s.p, "EntriesOf", func() ([]unsubscribe.EntryRow, error) { return s.s.EntriesOf(ctx, tenant, after, limit) })
}

func (s *store) InsertEvent(ctx context.Context, row unsubscribe.EventRow) (bool, error) {
	return faultstore.Do(ctx, s.p, "InsertEvent", func() (bool, error) { return s.s.InsertEvent(ctx, row) })
}

func (s *store) Event(ctx context.Context, tenant troth.Tenant, id string) (unsubscribe.EventRow, bool, error) {
	r, err := faultstore.Do(ctx, s.p, "Event", func() (r found[unsubscribe.EventRow], err error) {
		r.row, r.found, err = s.s.Event(ctx, tenant, id)
		return r, err
	})
	return r.row, r.found, err
}

func (s *store) Events(ctx context.Context, tenant troth.Tenant, key unsubscribe.Key) ([]unsubscribe.EventRow, error) {
	return faultstore.Do(ctx, s.p, "Events", func() ([]unsubscribe.EventRow, error) { return s.s.Events(ctx, tenant, key) })
}

func (s *store) EventsOf(ctx context.Context, tenant troth.Tenant, subjectID string) ([]unsubscribe.EventRow, error) {
	return faultstore.Do(ctx, s.p, "EventsOf", func() ([]unsubscribe.EventRow, error) { return s.s.EventsOf(ctx, tenant, subjectID) })
}

func (s *store) EraseContent(ctx context.Context, tenant troth.Tenant, id string) (int, error) {
	return faultstore.Do(ctx, s.p, "EraseContent", func() (int, error) { return s.s.EraseContent(ctx, tenant, id) })
}

func (s *store) EraseSubject(ctx context.Context, tenant troth.Tenant, subjectID string) (int, error) {
	return faultstore.Do(ctx, s.p, "EraseSubject", func() (int, error) { return s.s.EraseSubject(ctx, tenant, subjectID) })
}

func (s *store) InsertDelivery(ctx context.Context, row unsubscribe.DeliveryRow) (bool, error) {
	return faultstore.Do(ctx, s.p, "InsertDelivery", func() (bool, error) { return s.s.InsertDelivery(ctx, row) })
}

func (s *store) LockDelivery(ctx context.Context, tenant troth.Tenant, eventID, provider string) (unsubscribe.DeliveryRow, bool, error) {
	r, err := faultstore.Do(ctx, s.p, "LockDelivery", func() (r found[unsubscribe.DeliveryRow], err error) {
		r.row, r.found, err = s.s.LockDelivery(ctx, tenant, eventID, provider)
		return r, err
	})
	return r.row, r.found, err
}

func (s *store) PutDelivery(ctx context.Context, row unsubscribe.DeliveryRow) error {
	return faultstore.Run(ctx, s.p, "PutDelivery", func() error { return s.s.PutDelivery(ctx, row) })
}

func (s *store) Deliveries(ctx context.Context, tenant troth.Tenant, eventID string) ([]unsubscribe.DeliveryRow, error) {
	return faultstore.Do(ctx, s.p, "Deliveries", func() ([]unsubscribe.DeliveryRow, error) { return s.s.Deliveries(ctx, tenant, eventID) })
}

func (s *store) Raise(ctx context.Context, e unsubscribe.FeedEvent) error {
	return faultstore.Run(ctx, s.p, "Raise", func() error { return s.s.Raise(ctx, e) })
}

func (s *store) Follow(ctx context.Context, after int64, limit int) (unsubscribe.Followed, error) {
	return faultstore.Do(ctx, s.p, "Follow", func() (unsubscribe.Followed, error) { return s.s.Follow(ctx, after, limit) })
}

func (s *store) PruneFeed(ctx context.Context, at int64) error {
	return faultstore.Run(ctx, s.p, "PruneFeed", func() error { return s.s.PruneFeed(ctx, at) })
}

func (s *store) EntriesAfter(ctx context.Context, after unsubscribe.Cursor, limit int) ([]unsubscribe.EntryRow, error) {
	return faultstore.Do(ctx, s.p, "EntriesAfter", func() ([]unsubscribe.EntryRow, error) { return s.s.EntriesAfter(ctx, after, limit) })
}

func (s *store) DueDeliveries(ctx context.Context, at int64, limit int) ([]unsubscribe.DeliveryRow, error) {
	return faultstore.Do(ctx, s.p, "DueDeliveries", func() ([]unsubscribe.DeliveryRow, error) { return s.s.DueDeliveries(ctx, at, limit) })
}

func (s *store) Managed(ctx context.Context) (bool, error) {
	return faultstore.Do(ctx, s.p, "Managed", func() (bool, error) { return s.s.Managed(ctx) })
}

func (s *store) SetManaged(ctx context.Context) error {
	return faultstore.Run(ctx, s.p, "SetManaged", func() error { return s.s.SetManaged(ctx) })
}
