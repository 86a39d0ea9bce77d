package vaultmem

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/vault"
)

var errRewrapOutside = errors.New("vaultmem: rewrap: not in a transaction")

// StaleKeys implements vault.Store. There is one writer: nobody else is about to
// change anything.
func (s *Store) StaleKeys(ctx context.Context, p vault.StaleKeys) ([]vault.KeyRow, error) {
	if s.db.Scope(ctx) == nil {
		return nil, errRewrapOutside
	}
	rows, err := s.keysOf(ctx, p.Tenant, func(k *vault.KeyRow) bool {
		return k.ShreddedAt == 0 && k.Epoch < p.Below && comparePlaces(placeOf(k), p.After) > 0
	})
	return rows[:min(len(rows), p.Limit)], err
}

// Tombstones implements vault.Store.
func (s *Store) Tombstones(ctx context.Context, tenant troth.Tenant, subjectID string) ([]vault.KeyRow, error) {
	dead, err := s.keysOf(ctx, tenant, func(k *vault.KeyRow) bool {
		return k.SubjectID == subjectID && k.ShreddedAt != 0 && k.KeyID != 0
	})
	if err != nil {
		return nil, err
	}
	gone, err := s.retired.Scan(ctx, &vault.KeyName{Tenant: tenant, SubjectID: subjectID}, 0,
		func(n vault.KeyName, _ []vault.KeyRow) bool { return n.Tenant == tenant && n.SubjectID == subjectID })
	for _, rows := range gone {
		dead = append(dead, rows.Value...)
	}
	slices.SortFunc(dead, func(a, b vault.KeyRow) int { return comparePlaces(placeOf(&a), placeOf(&b)) })
	return dead, err
}

// keysOf returns the tenant's keys that keep chooses, in order of their places.
func (s *Store) keysOf(ctx context.Context, tenant troth.Tenant, keep func(*vault.KeyRow) bool) (found []vault.KeyRow, err error) {
	names, err := s.keys.Scan(ctx, &vault.KeyName{Tenant: tenant}, 0, func(n vault.KeyName, _ []vault.KeyRow) bool {
		return n.Tenant == tenant
	})
	for _, name := range names {
		for _, k := range slices.Backward(name.Value) {
			if keep(&k) {
				found = append(found, cloneKey(k))
			}
		}
	}
	return found, err
}

func placeOf(k *vault.KeyRow) vault.KeyPlace {
	return vault.KeyPlace{SubjectID: k.SubjectID, Compartment: k.Compartment, Generation: k.Generation}
}

func comparePlaces(a, b vault.KeyPlace) int {
	return cmp.Or(strings.Compare(a.SubjectID, b.SubjectID), cmp.Compare(a.Compartment, b.Compartment),
		cmp.Compare(a.Generation, b.Generation))
}

// MoveKeys implements vault.Store.
func (s *Store) MoveKeys(ctx context.Context, tenant troth.Tenant, to uint32, moves []vault.KeyMove) (moved int, err error) {
	err = s.db.Atomically(ctx, func(ctx context.Context) error {
		moved = 0
		root, found, err := s.RootAt(ctx, tenant, vault.WrapLineage, to)
		if err != nil || !found || !takesKeys(&root) {
			return err
		}
		for i := range moves {
			done, err := s.move(ctx, tenant, to, &moves[i])
			if err != nil {
				return err
			}
			if done {
				moved++
			}
		}
		return nil
	})
	return moved, err
}

func (s *Store) move(ctx context.Context, tenant troth.Tenant, to uint32, m *vault.KeyMove) (done bool, err error) {
	name := vault.KeyName{Tenant: tenant, SubjectID: m.SubjectID, Compartment: m.Compartment}
	rows, _, err := s.keys.Get(ctx, name)
	if err != nil {
		return false, err
	}
	rows = slices.Clone(rows)
	for i := range rows {
		if k := &rows[i]; k.Generation == m.Generation && k.Epoch == m.From && k.ShreddedAt == 0 {
			k.Epoch, k.Sealed = to, bytes.Clone(m.Sealed)
			return true, s.keys.Put(ctx, name, rows)
		}
	}
	return false, nil
}

// TakeRewrap implements vault.Store.
func (s *Store) TakeRewrap(ctx context.Context, tenant troth.Tenant, epoch uint32, at int64) (vault.RewrapRow, bool, error) {
	if s.db.Scope(ctx) == nil {
		return vault.RewrapRow{}, false, errRewrapOutside
	}
	row, found, err := s.rewraps.Get(ctx, tenant)
	if err != nil || found && row.Epoch > epoch {
		return vault.RewrapRow{}, false, err
	}
	if !found || row.Epoch < epoch {
		row = vault.RewrapRow{Tenant: tenant, Epoch: epoch, StartedAt: at}
	}
	// It is written even where nothing changes: a transaction that only reads
	// holds nobody.
	return row, true, s.rewraps.Put(ctx, tenant, row)
}

// SaveRewrap implements vault.Store.
func (s *Store) SaveRewrap(ctx context.Context, row vault.RewrapRow) error {
	return s.rewraps.Put(ctx, row.Tenant, row)
}

// NoteExport implements vault.Store.
func (s *Store) NoteExport(ctx context.Context, name vault.KeyName, at int64) error {
	return s.db.Atomically(ctx, func(ctx context.Context) error {
		before, _, err := s.exports.Get(ctx, name)
		if err != nil || before >= at {
			return err
		}
		return s.exports.Put(ctx, name, at)
	})
}

// Exported implements vault.Store.
func (s *Store) Exported(ctx context.Context, name vault.KeyName) (at int64, err error) {
	meet := func(a, b string) bool { return a == "" || b == "" || a == b }
	notes, err := s.exports.Scan(ctx, nil, 0, func(n vault.KeyName, _ int64) bool {
		return n.Tenant == name.Tenant && meet(n.SubjectID, name.SubjectID) &&
			meet(string(n.Compartment), string(name.Compartment))
	})
	for _, n := range notes {
		at = max(at, n.Value)
	}
	return at, err
}
