// Package auditmem keeps the trail's rows in memory: for tests, for trying
// things out, and as the reference that the other adapters are compared with.
package auditmem

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
	"github.com/trothdev/troth/storage/memory"
)

// Store implements audit.Backend.
type Store struct {
	db         *memory.DB
	inbox      *memory.Table[entry, audit.InboxRow]
	pseudonyms *memory.Table[audit.PseudonymName, audit.PseudonymRow]
	managed    *memory.Table[struct{}, struct{}]
}

var _ audit.Backend = (*Store)(nil)

// entry is the key of the inbox.
type entry struct {
	tenant troth.Tenant
	id     troth.EntryID
}

// New returns an empty store on db.
func New(db *memory.DB) *Store {
	return &Store{
		db: db,
		inbox: memory.NewTable[entry, audit.InboxRow](db, func(a, b entry) int {
			return cmp.Or(cmp.Compare(a.tenant, b.tenant), bytes.Compare(a.id[:], b.id[:]))
		}),
		pseudonyms: memory.NewTable[audit.PseudonymName, audit.PseudonymRow](db, func(a, b audit.PseudonymName) int {
			return cmp.Or(cmp.Compare(a.Tenant, b.Tenant), bytes.Compare(a.Lookup[:], b.Lookup[:]))
		}),
		managed: memory.NewTable[struct{}, struct{}](db, func(struct{}, struct{}) int { return 0 }),
	}
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

// Backlog implements audit.SystemStore.
func (s *Store) Backlog(ctx context.Context) (audit.Backlog, error) {
	rows, err := s.inbox.Scan(ctx, nil, 0, nil)
	if err != nil || len(rows) == 0 {
		return audit.Backlog{}, err
	}
	oldest := rows[0].Value.RecordedAt
	for _, r := range rows {
		oldest = min(oldest, r.Value.RecordedAt)
	}
	return audit.Backlog{Count: len(rows), Oldest: time.UnixMicro(oldest).UTC()}, nil
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
