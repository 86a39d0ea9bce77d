package vaultmem

import (
	"bytes"
	"cmp"
	"context"
	"strings"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/storage/memory"
	"github.com/trothdev/troth/storage/memory/internal/feed"
	"github.com/trothdev/troth/vault"
)

// Store is a vault.Backend on a memory handle.
type Store struct {
	db      *memory.DB
	roots   *memory.Table[rootKey, []vault.RootRow]
	keys    *memory.Table[vault.KeyName, []vault.KeyRow]
	retired *memory.Table[vault.KeyName, []vault.KeyRow]
	persons *memory.Table[person, personRow]
	fence   *feed.Feed[vault.FenceEvent]
	windows *memory.Table[window, vault.WindowRow]
	epochs  *memory.Table[uint32, vault.EpochRow]
	rewraps *memory.Table[troth.Tenant, vault.RewrapRow]
	exports *memory.Table[vault.KeyName, int64]
	// state holds what there is one of: whether a keeper has taken over.
	state   *memory.Table[string, int64]
	control controls

	journal journal
}

var _ vault.Backend = (*Store)(nil)

type rootKey struct {
	tenant  troth.Tenant
	lineage vault.Lineage
}

type person struct {
	tenant  troth.Tenant
	subject string
}

// personRow is what is known of a person. Its slices never change.
type personRow struct {
	closedAt     int64
	evidence     troth.EntryID
	restricted   int
	compartments []troth.Compartment
	keyIDs       []uint32
}

type window struct {
	tenant troth.Tenant
	id     troth.EntryID
}

const managedState = "managed"

// New returns an empty store on db.
func New(db *memory.DB) *Store {
	return &Store{
		db: db,
		roots: memory.NewTable[rootKey, []vault.RootRow](db, func(a, b rootKey) int {
			return cmp.Or(cmp.Compare(a.tenant, b.tenant), cmp.Compare(a.lineage, b.lineage))
		}),
		keys:    memory.NewTable[vault.KeyName, []vault.KeyRow](db, compareNames),
		retired: memory.NewTable[vault.KeyName, []vault.KeyRow](db, compareNames),
		persons: memory.NewTable[person, personRow](db, func(a, b person) int {
			return cmp.Or(cmp.Compare(a.tenant, b.tenant), strings.Compare(a.subject, b.subject))
		}),
		fence: feed.New(db, func(e *vault.FenceEvent) (*int64, int64) { return &e.Position, e.At }),
		windows: memory.NewTable[window, vault.WindowRow](db, func(a, b window) int {
			return cmp.Or(cmp.Compare(a.tenant, b.tenant), bytes.Compare(a.id[:], b.id[:]))
		}),
		epochs:  memory.NewTable[uint32, vault.EpochRow](db, cmp.Compare[uint32]),
		rewraps: memory.NewTable[troth.Tenant, vault.RewrapRow](db, cmp.Compare[troth.Tenant]),
		exports: memory.NewTable[vault.KeyName, int64](db, compareNames),
		state:   memory.NewTable[string, int64](db, strings.Compare),
		control: newControls(db),

		journal: newJournal(db),
	}
}

func compareNames(a, b vault.KeyName) int {
	return cmp.Or(
		cmp.Compare(a.Tenant, b.Tenant),
		strings.Compare(a.SubjectID, b.SubjectID),
		cmp.Compare(a.Compartment, b.Compartment),
	)
}

// Transactor implements vault.Store.
func (s *Store) Transactor() troth.Transactor { return s.db }

// Managed implements vault.SystemStore.
func (s *Store) Managed(ctx context.Context) (bool, error) {
	_, found, err := s.state.Get(ctx, managedState)
	return found, err
}

// SetManaged implements vault.SystemStore.
func (s *Store) SetManaged(ctx context.Context) error { return s.state.Put(ctx, managedState, 1) }
