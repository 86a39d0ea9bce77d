package vaultmem

import (
	"cmp"
	"context"
	"slices"

	"github.com/trothdev/troth/storage/memory"
	"github.com/trothdev/troth/vault"
)

// RootsAfter implements vault.JournalSystemStore.
func (s *Store) RootsAfter(ctx context.Context, after vault.RootAt, limit int) ([]vault.RootRow, error) {
	rows, err := s.roots.Scan(ctx, nil, 0, nil)
	var page []vault.RootRow
	for _, r := range rows {
		for _, root := range slices.Backward(r.Value) { // the lowest epoch first
			if cmp.Or(cmp.Compare(root.Tenant, after.Tenant), cmp.Compare(root.Lineage, after.Lineage),
				cmp.Compare(root.Epoch, after.Epoch)) > 0 {
				page = append(page, cloneRoot(root))
			}
		}
	}
	return page[:min(limit, len(page))], err
}

// PeopleAfter implements vault.JournalSystemStore.
func (s *Store) PeopleAfter(ctx context.Context, after vault.PersonName, limit int) ([]vault.PersonEntry, error) {
	people := map[vault.PersonName]vault.PersonEntry{}
	persons, err := s.persons.Scan(ctx, nil, 0, nil)
	if err != nil {
		return nil, err
	}
	for _, r := range persons {
		n := vault.PersonName{Tenant: r.Key.tenant, SubjectID: r.Key.subject}
		people[n] = vault.PersonEntry{PersonName: n, ClosedAt: r.Value.closedAt, Evidence: r.Value.evidence}
	}
	keys, err := s.keys.Scan(ctx, nil, 0, nil)
	if err != nil {
		return nil, err
	}
	for _, r := range keys {
		n := vault.PersonName{Tenant: r.Key.Tenant, SubjectID: r.Key.SubjectID}
		p := people[n]
		p.PersonName = n
		for _, k := range r.Value {
			if k.ShreddedAt == 0 {
				p.Living++
			}
		}
		people[n] = p
	}
	var page []vault.PersonEntry
	for n, p := range people {
		if comparePeople(n, after) > 0 {
			page = append(page, p)
		}
	}
	slices.SortFunc(page, func(a, b vault.PersonEntry) int { return comparePeople(a.PersonName, b.PersonName) })
	return page[:min(limit, len(page))], nil
}

func comparePeople(a, b vault.PersonName) int {
	return cmp.Or(cmp.Compare(a.Tenant, b.Tenant), cmp.Compare(a.SubjectID, b.SubjectID))
}

// KeysAfter implements vault.JournalSystemStore.
func (s *Store) KeysAfter(ctx context.Context, after vault.KeyAt, limit int) ([]vault.KeyRow, error) {
	var page []vault.KeyRow
	for _, t := range []*memory.Table[vault.KeyName, []vault.KeyRow]{s.keys, s.retired} {
		generations, _, err := t.Get(ctx, after.KeyName)
		if err != nil {
			return nil, err
		}
		for _, k := range generations {
			if k.Generation > after.Generation {
				page = append(page, cloneKey(k))
			}
		}
		rows, err := t.Scan(ctx, &after.KeyName, limit, nil)
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			page = append(page, cloneKeys(r.Value)...)
		}
	}
	slices.SortFunc(page, func(a, b vault.KeyRow) int {
		return cmp.Or(compareNames(a.KeyName, b.KeyName), cmp.Compare(a.Generation, b.Generation))
	})
	return page[:min(limit, len(page))], nil
}

// ExportsAfter implements vault.JournalSystemStore.
func (s *Store) ExportsAfter(ctx context.Context, after vault.KeyName, limit int) ([]vault.ExportRow, error) {
	rows, err := s.exports.Scan(ctx, &after, limit, nil)
	page := make([]vault.ExportRow, len(rows))
	for i, r := range rows {
		page[i] = vault.ExportRow{KeyName: r.Key, At: r.Value}
	}
	return page, err
}

// Snapshot implements vault.JournalSystemStore. There is one writer, and it
// waits.
func (s *Store) Snapshot(ctx context.Context, fn func(ctx context.Context) error) error {
	return s.db.Atomically(ctx, fn)
}
