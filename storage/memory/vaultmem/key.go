package vaultmem

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/vault"
)

// Keys implements vault.Store.
func (s *Store) Keys(ctx context.Context, name vault.KeyName) ([]vault.KeyRow, error) {
	rows, _, err := s.keys.Get(ctx, name)
	if err != nil {
		return nil, err
	}
	return cloneKeys(rows), nil
}

// Person implements vault.Store.
func (s *Store) Person(ctx context.Context, tenant troth.Tenant, subjectID string) (vault.PersonState, error) {
	row, _, err := s.persons.Get(ctx, person{tenant, subjectID})
	if err != nil {
		return vault.PersonState{}, err
	}
	roots, _, err := s.roots.Get(ctx, rootKey{tenant, vault.WrapLineage})
	dead := len(roots) > 0 && roots[0].ShreddedAt != 0
	return vault.PersonState{ClosedAt: row.closedAt, TenantShredded: dead, Restricted: row.restricted}, err
}

var errNoTransaction = errors.New("vaultmem: lock person: not in a transaction")

// LockPerson implements vault.Store. There is one writer, so any transaction
// that writes holds everybody.
func (s *Store) LockPerson(ctx context.Context, tenant troth.Tenant, subjectID string, _ vault.Lock) (vault.PersonState, error) {
	if s.db.Scope(ctx) == nil {
		return vault.PersonState{}, errNoTransaction
	}
	if _, err := s.persons.Insert(ctx, person{tenant, subjectID}, personRow{}); err != nil {
		return vault.PersonState{}, err
	}
	state, err := s.Person(ctx, tenant, subjectID)
	if err != nil {
		return vault.PersonState{}, err
	}
	root, _, err := s.Root(ctx, tenant, vault.WrapLineage)
	state.Epoch = root.Epoch
	return state, err
}

// ClosePerson implements vault.Store.
func (s *Store) ClosePerson(ctx context.Context, tenant troth.Tenant, subjectID string, at int64) error {
	return s.db.Atomically(ctx, func(ctx context.Context) error {
		row, _, err := s.persons.Get(ctx, person{tenant, subjectID})
		if err != nil || row.closedAt != 0 {
			return err
		}
		row.closedAt = at
		return s.persons.Put(ctx, person{tenant, subjectID}, row)
	})
}

// InsertKey implements vault.Store.
func (s *Store) InsertKey(ctx context.Context, row vault.KeyRow) (inserted bool, err error) {
	err = s.db.Atomically(ctx, func(ctx context.Context) error {
		inserted = false
		who := person{row.Tenant, row.SubjectID}
		p, _, err := s.persons.Get(ctx, who)
		if err != nil || slices.Contains(p.keyIDs, row.KeyID) {
			return err
		}
		if root, found, err := s.RootAt(ctx, row.Tenant, vault.WrapLineage, row.Epoch); err != nil || found && !takesKeys(&root) {
			return err
		}
		rows, _, err := s.keys.Get(ctx, row.KeyName)
		if err != nil {
			return err
		}
		at, found := slices.BinarySearchFunc(rows, row.Generation, func(r vault.KeyRow, g uint32) int {
			return int(g) - int(r.Generation) // the newest first
		})
		gone, _, err := s.retired.Get(ctx, row.KeyName)
		if err != nil || found || slices.ContainsFunc(gone, func(r vault.KeyRow) bool { return r.Generation == row.Generation }) {
			return err
		}
		inserted = true
		p = p.with(row.Compartment, row.KeyID)
		if err := s.persons.Put(ctx, who, p); err != nil {
			return err
		}
		return s.keys.Put(ctx, row.KeyName, slices.Insert(slices.Clone(rows), at, cloneKey(row)))
	})
	return inserted, err
}

// with returns the row with the compartment and the key id, if that is not 0.
func (p personRow) with(c troth.Compartment, id uint32) personRow {
	if !slices.Contains(p.compartments, c) {
		p.compartments = append(slices.Clip(p.compartments), c)
	}
	if id != 0 {
		p.keyIDs = append(slices.Clip(p.keyIDs), id)
	}
	return p
}

// ShredKeys implements vault.Store.
func (s *Store) ShredKeys(ctx context.Context, p vault.ShredKeys) (dead []vault.KeyRow, err error) {
	err = s.db.Atomically(ctx, func(ctx context.Context) error {
		dead = nil
		who := person{p.Tenant, p.SubjectID}
		row, _, err := s.persons.Get(ctx, who)
		if err != nil {
			return err
		}
		chosen := chosen(p, row)
		for _, c := range chosen {
			died, err := s.shredCompartment(ctx, vault.KeyName{Tenant: p.Tenant, SubjectID: p.SubjectID, Compartment: c}, p.At)
			if err != nil {
				return err
			}
			dead = append(dead, died...)
			row = row.with(c, 0)
		}
		return s.persons.Put(ctx, who, row)
	})
	return dead, err
}

func chosen(p vault.ShredKeys, row personRow) []troth.Compartment {
	cs := slices.Clone(p.Compartments)
	if len(cs) == 0 {
		cs = slices.DeleteFunc(slices.Clone(row.compartments), func(c troth.Compartment) bool {
			return slices.Contains(p.Except, c)
		})
	}
	slices.Sort(cs)
	return slices.Compact(cs)
}

func (s *Store) shredCompartment(ctx context.Context, name vault.KeyName, at int64) (died []vault.KeyRow, err error) {
	rows, _, err := s.keys.Get(ctx, name)
	if err != nil {
		return nil, err
	}
	after := cloneKeys(rows)
	if len(after) == 0 {
		after = []vault.KeyRow{{KeyName: name, Generation: 1, CreatedAt: at}}
	}
	for i := range after {
		if after[i].ShreddedAt == 0 {
			after[i].Sealed, after[i].ShreddedAt = nil, at
			died = append(died, after[i])
		}
	}
	slices.SortFunc(died, func(a, b vault.KeyRow) int { return cmp.Compare(a.Generation, b.Generation) })
	return died, s.keys.Put(ctx, name, after)
}

// Settled implements vault.Store. There is one writer: inside a transaction all
// others have ended.
func (s *Store) Settled(ctx context.Context, _ vault.KeyName) (bool, error) {
	return s.db.Scope(ctx) != nil || !s.db.Writing(), nil
}

func cloneKeys(rows []vault.KeyRow) []vault.KeyRow {
	out := slices.Clone(rows)
	for i := range out {
		out[i] = cloneKey(out[i])
	}
	return out
}

func cloneKey(k vault.KeyRow) vault.KeyRow {
	k.Sealed, k.Flag = slices.Clone(k.Sealed), slices.Clone(k.Flag)
	return k
}
