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

// controls are the tables of control rows.
type controls struct {
	restrictions *memory.Table[controlKey, vault.RestrictionRow]
	grants       *memory.Table[controlKey, vault.GrantRow]
	marks        *memory.Table[string, []byte]
}

type controlKey struct {
	tenant troth.Tenant
	id     troth.EntryID
}

func newControls(db *memory.DB) controls {
	compare := func(a, b controlKey) int {
		return cmp.Or(cmp.Compare(a.tenant, b.tenant), bytes.Compare(a.id[:], b.id[:]))
	}
	return controls{
		restrictions: memory.NewTable[controlKey, vault.RestrictionRow](db, compare),
		grants:       memory.NewTable[controlKey, vault.GrantRow](db, compare),
		marks:        memory.NewTable[string, []byte](db, strings.Compare),
	}
}

// InsertRestriction implements vault.Store.
func (s *Store) InsertRestriction(ctx context.Context, row vault.RestrictionRow) (inserted bool, err error) {
	err = s.db.Atomically(ctx, func(ctx context.Context) error {
		var err error
		inserted, err = s.control.restrictions.Insert(ctx, controlKey{row.Tenant, row.ID}, cloneRestriction(row))
		if err != nil || !inserted {
			return err
		}
		return s.restrictBy(ctx, person{row.Tenant, row.SubjectID}, 1)
	})
	return inserted, err
}

// restrictBy counts restrictions of a person.
func (s *Store) restrictBy(ctx context.Context, who person, n int) error {
	p, _, err := s.persons.Get(ctx, who)
	if err != nil {
		return err
	}
	p.restricted = max(0, p.restricted+n)
	return s.persons.Put(ctx, who, p)
}

// LiftRestriction implements vault.Store.
func (s *Store) LiftRestriction(ctx context.Context, row vault.RestrictionRow) (lifted bool, err error) {
	err = s.db.Atomically(ctx, func(ctx context.Context) error {
		lifted = false
		k := controlKey{row.Tenant, row.ID}
		was, found, err := s.control.restrictions.Get(ctx, k)
		if err != nil || !found || was.LiftedAt != 0 {
			return err
		}
		lifted = true
		was.LiftedAt, was.Grant, was.LiftedBy, was.MAC = row.LiftedAt, row.Grant, row.LiftedBy, row.MAC
		if err := s.control.restrictions.Put(ctx, k, was); err != nil {
			return err
		}
		return s.restrictBy(ctx, person{was.Tenant, was.SubjectID}, -1)
	})
	return lifted, err
}

// Restrictions implements vault.Store.
func (s *Store) Restrictions(ctx context.Context, tenant troth.Tenant, subjectID string) ([]vault.RestrictionRow, error) {
	rows, err := s.control.restrictions.Scan(ctx, nil, 0, func(k controlKey, r vault.RestrictionRow) bool {
		return k.tenant == tenant && r.SubjectID == subjectID
	})
	return values(rows, cloneRestriction), err
}

// Restriction implements vault.Store.
func (s *Store) Restriction(ctx context.Context, tenant troth.Tenant, id troth.EntryID) (vault.RestrictionRow, bool, error) {
	row, found, err := s.control.restrictions.Get(ctx, controlKey{tenant, id})
	return cloneRestriction(row), found, err
}

// RestrictionsPage implements vault.Store.
func (s *Store) RestrictionsPage(ctx context.Context, tenant troth.Tenant, after troth.EntryID, limit int) ([]vault.RestrictionRow, error) {
	rows, err := s.control.restrictions.Scan(ctx, &controlKey{tenant, after}, limit, func(k controlKey, _ vault.RestrictionRow) bool {
		return k.tenant == tenant
	})
	return values(rows, cloneRestriction), err
}

// InsertGrant implements vault.Store.
func (s *Store) InsertGrant(ctx context.Context, row vault.GrantRow) (inserted bool, err error) {
	return s.control.grants.Insert(ctx, controlKey{row.Tenant, row.ID}, row)
}

// Grant implements vault.Store.
func (s *Store) Grant(ctx context.Context, tenant troth.Tenant, id troth.EntryID) (vault.GrantRow, bool, error) {
	return s.control.grants.Get(ctx, controlKey{tenant, id})
}

// Grants implements vault.Store.
func (s *Store) Grants(ctx context.Context, tenant troth.Tenant, subjectID string) ([]vault.GrantRow, error) {
	rows, err := s.control.grants.Scan(ctx, nil, 0, func(k controlKey, r vault.GrantRow) bool {
		return k.tenant == tenant && r.SubjectID == subjectID
	})
	return values(rows, same[vault.GrantRow]), err
}

// GrantsPage implements vault.Store.
func (s *Store) GrantsPage(ctx context.Context, tenant troth.Tenant, after troth.EntryID, limit int) ([]vault.GrantRow, error) {
	rows, err := s.control.grants.Scan(ctx, &controlKey{tenant, after}, limit, func(k controlKey, _ vault.GrantRow) bool {
		return k.tenant == tenant
	})
	return values(rows, same[vault.GrantRow]), err
}

// Mark implements vault.SystemStore.
func (s *Store) Mark(ctx context.Context, name string) ([]byte, error) {
	mark, _, err := s.control.marks.Get(ctx, name)
	return slices.Clone(mark), err
}

// SetMark implements vault.SystemStore.
func (s *Store) SetMark(ctx context.Context, name string, mark []byte) error {
	return s.control.marks.Put(ctx, name, slices.Clone(mark))
}

func values[K comparable, V any](rows []memory.Row[K, V], clone func(V) V) []V {
	var out []V
	for _, r := range rows {
		out = append(out, clone(r.Value))
	}
	return out
}

func same[V any](v V) V { return v }

func cloneRestriction(r vault.RestrictionRow) vault.RestrictionRow {
	r.Except = slices.Clone(r.Except)
	return r
}
