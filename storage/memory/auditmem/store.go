// Package auditmem keeps the trail's rows in memory: for tests, for trying
// things out, and as the reference that the other adapters are compared with.
package auditmem

import (
	"bytes"
	"cmp"
	"context"
	"slices"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
	"github.com/trothdev/troth/storage/memory"
)

// Store implements audit.Backend.
type Store struct {
	db          *memory.DB
	inbox       *memory.Table[entry, audit.InboxRow]
	quarantine  *memory.Table[outcast, audit.InboxRow]
	pseudonyms  *memory.Table[audit.PseudonymName, audit.PseudonymRow]
	managed     *memory.Table[struct{}, struct{}]
	heads       *memory.Table[int, audit.Head]
	log         *memory.Table[place, audit.LogRow]
	byID        *memory.Table[entry, place]
	byNumber    *memory.Table[number, place]
	tiles       *memory.Table[tile, []byte]
	tenants     *memory.Table[tenantLog, audit.TenantHead]
	checkpoints *memory.Table[sized, audit.CheckpointRow]
	parts       *memory.Table[part, audit.PartRow]
}

var _ audit.Backend = (*Store)(nil)

// New returns an empty store on db.
func New(db *memory.DB) *Store {
	return &Store{
		db:         db,
		inbox:      memory.NewTable[entry, audit.InboxRow](db, entry.compare),
		quarantine: memory.NewTable[outcast, audit.InboxRow](db, outcast.compare),
		pseudonyms: memory.NewTable[audit.PseudonymName, audit.PseudonymRow](db, func(a, b audit.PseudonymName) int {
			return cmp.Or(cmp.Compare(a.Tenant, b.Tenant), bytes.Compare(a.Lookup[:], b.Lookup[:]))
		}),
		managed:     memory.NewTable[struct{}, struct{}](db, func(struct{}, struct{}) int { return 0 }),
		heads:       memory.NewTable[int, audit.Head](db, cmp.Compare[int]),
		log:         memory.NewTable[place, audit.LogRow](db, place.compare),
		byID:        memory.NewTable[entry, place](db, entry.compare),
		byNumber:    memory.NewTable[number, place](db, number.compare),
		tiles:       memory.NewTable[tile, []byte](db, tile.compare),
		tenants:     memory.NewTable[tenantLog, audit.TenantHead](db, tenantLog.compare),
		checkpoints: memory.NewTable[sized, audit.CheckpointRow](db, sized.compare),
		parts:       memory.NewTable[part, audit.PartRow](db, part.compare),
	}
}

// atomically runs fn in the transaction of ctx, or in one of its own.
func (s *Store) atomically(ctx context.Context, fn func(ctx context.Context) error) error {
	if s.db.Scope(ctx) != nil {
		return fn(ctx)
	}
	return s.db.Atomically(ctx, fn)
}

// Transactor implements audit.Store.
func (s *Store) Transactor() troth.Transactor { return s.db }

// Append implements audit.Store.
func (s *Store) Append(ctx context.Context, row audit.InboxRow) (bool, error) {
	if err := row.Validate(); err != nil {
		return false, err
	}
	row.Envelope = bytes.Clone(row.Envelope)
	return s.inbox.Insert(ctx, entry{row.Tenant, row.ID}, row)
}

// Entries implements audit.Store.
func (s *Store) Entries(ctx context.Context, p audit.EntriesPage) ([]audit.InboxRow, error) {
	found, err := s.inbox.Scan(ctx, &entry{p.Tenant, p.After}, p.Limit, nil)
	if err != nil {
		return nil, err
	}
	var rows []audit.InboxRow
	for _, f := range found {
		if f.Key.tenant != p.Tenant {
			break
		}
		row := f.Value
		row.Envelope = bytes.Clone(row.Envelope)
		rows = append(rows, row)
	}
	return rows, nil
}

// Pseudonym implements audit.Store.
func (s *Store) Pseudonym(ctx context.Context, name audit.PseudonymName) (audit.PseudonymRow, bool, error) {
	row, found, err := s.pseudonyms.Get(ctx, name)
	if err == nil && found && row.Pseudonym.IsZero() {
		return audit.PseudonymRow{}, false, audit.ErrPseudonym
	}
	row.Identity = slices.Clone(row.Identity)
	return row, found, err
}

// InsertPseudonym implements audit.Store.
func (s *Store) InsertPseudonym(ctx context.Context, row audit.PseudonymRow) (bool, error) {
	row.Identity = slices.Clone(row.Identity)
	return s.pseudonyms.Insert(ctx, row.PseudonymName, row)
}

// DeletePseudonym implements audit.Store.
func (s *Store) DeletePseudonym(ctx context.Context, name audit.PseudonymName) (bool, error) {
	return s.pseudonyms.Delete(ctx, name)
}

// Managed implements audit.SystemStore.
func (s *Store) Managed(ctx context.Context) (bool, error) {
	_, managed, err := s.managed.Get(ctx, struct{}{})
	return managed, err
}

// SetManaged implements audit.SystemStore.
func (s *Store) SetManaged(ctx context.Context) error {
	return s.managed.Put(ctx, struct{}{}, struct{}{})
}
