package vaultmem

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/storage/memory"
	"github.com/trothdev/troth/vault"
)

// PersonKeys implements vault.Store.
func (s *Store) PersonKeys(ctx context.Context, tenant troth.Tenant, subjectID string) ([]vault.KeyRow, error) {
	names, err := s.namesOf(ctx, tenant, subjectID)
	if err != nil {
		return nil, err
	}
	var out []vault.KeyRow
	for _, n := range names {
		rows, _, err := s.keys.Get(ctx, n)
		if err != nil {
			return nil, err
		}
		for _, k := range slices.Backward(rows) { // the newest is first there
			out = append(out, cloneKey(k))
		}
	}
	return out, nil
}

// namesOf returns the names of a person's keys in order.
func (s *Store) namesOf(ctx context.Context, tenant troth.Tenant, subjectID string) ([]vault.KeyName, error) {
	p, _, err := s.persons.Get(ctx, person{tenant, subjectID})
	names := make([]vault.KeyName, len(p.compartments))
	for i, c := range slices.Sorted(slices.Values(p.compartments)) {
		names[i] = vault.KeyName{Tenant: tenant, SubjectID: subjectID, Compartment: c}
	}
	return names, err
}

// keysWhere returns keys in the order of their names.
func (s *Store) keysWhere(ctx context.Context, choose func(vault.KeyRow) bool) ([]vault.KeyRow, error) {
	names, err := s.keys.Scan(ctx, nil, 0, nil)
	if err != nil {
		return nil, err
	}
	var out []vault.KeyRow
	for _, rows := range names {
		for _, k := range slices.Backward(rows.Value) { // the newest is first there
			if choose(k) {
				out = append(out, cloneKey(k))
			}
		}
	}
	return out, nil
}

// ResealKey implements vault.Store.
func (s *Store) ResealKey(ctx context.Context, r vault.Reseal) (resealed bool, err error) {
	err = s.db.Atomically(ctx, func(ctx context.Context) error {
		resealed = false
		rows, _, err := s.keys.Get(ctx, r.KeyName)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(rows, func(k vault.KeyRow) bool { return k.Generation == r.Generation })
		if i < 0 || rows[i].ShreddedAt != 0 || !bytes.Equal(rows[i].Sealed, r.Was) {
			return nil
		}
		resealed = true
		after := cloneKeys(rows)
		after[i].Sealed, after[i].Flag = slices.Clone(r.Sealed), slices.Clone(r.Flag)
		return s.keys.Put(ctx, r.KeyName, after)
	})
	return resealed, err
}

// SetEvidence implements vault.Store.
func (s *Store) SetEvidence(ctx context.Context, e vault.ShredEvidence) (named int, err error) {
	err = s.db.Atomically(ctx, func(ctx context.Context) error {
		var err error
		if e.SubjectID == "" {
			named, err = s.nameRoots(ctx, e)
			return err
		}
		if named, err = s.nameKeys(ctx, e); err != nil || !e.Closed {
			return err
		}
		who := person{e.Tenant, e.SubjectID}
		p, found, err := s.persons.Get(ctx, who)
		if err != nil || !found || p.closedAt != e.At || !p.evidence.IsZero() {
			return err
		}
		p.evidence = e.Entry
		return s.persons.Put(ctx, who, p)
	})
	return named, err
}

func (s *Store) nameRoots(ctx context.Context, e vault.ShredEvidence) (named int, err error) {
	for _, l := range []vault.Lineage{vault.IndexLineage, vault.WrapLineage} {
		rows, _, err := s.roots.Get(ctx, rootKey{e.Tenant, l})
		if err != nil {
			return named, err
		}
		after := slices.Clone(rows)
		for i := range after {
			if after[i].ShreddedAt == e.At && e.At != 0 && after[i].Evidence.IsZero() {
				after[i].Evidence = e.Entry
				named++
			}
		}
		if err := s.roots.Put(ctx, rootKey{e.Tenant, l}, after); err != nil {
			return named, err
		}
	}
	return named, nil
}

func (s *Store) nameKeys(ctx context.Context, e vault.ShredEvidence) (named int, err error) {
	names, err := s.namesOf(ctx, e.Tenant, e.SubjectID)
	if err != nil {
		return 0, err
	}
	for _, n := range names {
		for _, table := range []*memory.Table[vault.KeyName, []vault.KeyRow]{s.keys, s.retired} {
			rows, found, err := table.Get(ctx, n)
			if err != nil {
				return named, err
			}
			if !found {
				continue
			}
			after := cloneKeys(rows)
			for i := range after {
				if after[i].ShreddedAt == e.At && e.At != 0 && after[i].Evidence.IsZero() {
					after[i].Evidence = e.Entry
					named++
				}
			}
			if err := table.Put(ctx, n, after); err != nil {
				return named, err
			}
		}
	}
	return named, nil
}

// TombstonesOf implements vault.Store.
func (s *Store) TombstonesOf(ctx context.Context, tenant troth.Tenant, entry troth.EntryID) (t vault.Tombstones, err error) {
	t.Keys, err = s.keysWhere(ctx, func(k vault.KeyRow) bool { return k.Tenant == tenant && k.Evidence == entry })
	if err != nil {
		return t, err
	}
	roots, err := s.Roots(ctx, tenant)
	if err != nil {
		return t, err
	}
	for _, r := range roots {
		if r.Evidence == entry {
			t.Roots = append(t.Roots, r)
		}
	}
	t.Persons, err = s.personsWhere(ctx, 0, func(p vault.PersonRow) bool { return p.Tenant == tenant && p.Evidence == entry })
	return t, err
}

// RetiredOf implements vault.Store.
func (s *Store) RetiredOf(ctx context.Context, tenant troth.Tenant, entry troth.EntryID) ([]vault.KeyRow, error) {
	names, err := s.retired.Scan(ctx, nil, 0, func(n vault.KeyName, _ []vault.KeyRow) bool { return n.Tenant == tenant })
	if err != nil {
		return nil, err
	}
	var out []vault.KeyRow
	for _, rows := range names {
		for _, k := range rows.Value {
			if k.Evidence == entry {
				out = append(out, cloneKey(k))
			}
		}
	}
	slices.SortFunc(out, byName)
	return out, nil
}

// KeysPage implements vault.Store.
func (s *Store) KeysPage(ctx context.Context, p vault.KeysPage) ([]vault.KeyRow, error) {
	after := vault.KeyRow{KeyName: vault.KeyName{SubjectID: p.SubjectID, Compartment: p.Compartment}, Generation: p.Generation}
	rows, err := s.keysWhere(ctx, func(k vault.KeyRow) bool {
		living := k.ShreddedAt == 0
		chosen := p.Living && living || !p.Living && (!living || !k.Evidence.IsZero() || len(k.Flag) > 0)
		return k.Tenant == p.Tenant && chosen && byName(k, after) > 0
	})
	return rows[:min(p.Limit, len(rows))], err
}

func byName(a, b vault.KeyRow) int {
	return cmp.Or(strings.Compare(a.SubjectID, b.SubjectID), cmp.Compare(a.Compartment, b.Compartment),
		cmp.Compare(a.Generation, b.Generation))
}

// PersonsPage implements vault.Store.
func (s *Store) PersonsPage(ctx context.Context, tenant troth.Tenant, after string, limit int) ([]vault.PersonRow, error) {
	return s.personsWhere(ctx, limit, func(p vault.PersonRow) bool {
		return p.Tenant == tenant && p.SubjectID > after && (p.ClosedAt != 0 || !p.Evidence.IsZero() || p.Restricted != 0)
	})
}

func (s *Store) personsWhere(ctx context.Context, limit int, choose func(vault.PersonRow) bool) ([]vault.PersonRow, error) {
	rows, err := s.persons.Scan(ctx, nil, limit, func(who person, p personRow) bool { return choose(p.public(who)) })
	var out []vault.PersonRow
	for _, r := range rows {
		out = append(out, r.Value.public(r.Key))
	}
	return out, err
}

func (p personRow) public(who person) vault.PersonRow {
	return vault.PersonRow{
		Tenant: who.tenant, SubjectID: who.subject, ClosedAt: p.closedAt, Evidence: p.evidence, Restricted: p.restricted,
	}
}

// Tenants implements vault.SystemStore.
func (s *Store) Tenants(ctx context.Context, after troth.Tenant, limit int) ([]troth.Tenant, error) {
	seen := map[troth.Tenant]bool{}
	note := func(t troth.Tenant) { seen[t] = true }
	roots, err := s.roots.Scan(ctx, nil, 0, nil)
	for _, r := range roots {
		note(r.Key.tenant)
	}
	if err != nil {
		return nil, err
	}
	keys, err := s.keys.Scan(ctx, nil, 0, nil)
	for _, r := range keys {
		note(r.Key.Tenant)
	}
	if err != nil {
		return nil, err
	}
	persons, err := s.persons.Scan(ctx, nil, 0, nil)
	for _, r := range persons {
		note(r.Key.tenant)
	}
	if err != nil {
		return nil, err
	}
	restrictions, err := s.control.restrictions.Scan(ctx, nil, 0, nil)
	for _, r := range restrictions {
		note(r.Key.tenant)
	}
	if err != nil {
		return nil, err
	}
	grants, err := s.control.grants.Scan(ctx, nil, 0, nil)
	for _, r := range grants {
		note(r.Key.tenant)
	}
	if err != nil {
		return nil, err
	}
	var out []troth.Tenant
	for t := range seen {
		if t > after {
			out = append(out, t)
		}
	}
	slices.Sort(out)
	return out[:min(limit, len(out))], nil
}
