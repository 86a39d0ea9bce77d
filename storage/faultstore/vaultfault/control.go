package vaultfault

import (
	"context"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/storage/faultstore"
	"github.com/trothdev/troth/vault"
)

// found is what a look-up returns beside the error.
type found[T any] struct {
	row   T
	found bool
}

func (s *store) PersonKeys(ctx context.Context, t troth.Tenant, id string) ([]vault.KeyRow, error) {
	return faultstore.Do(ctx, s.p, "PersonKeys", func() ([]vault.KeyRow, error) { return s.s.PersonKeys(ctx, t, id) })
}

func (s *store) ResealKey(ctx context.Context, r vault.Reseal) (bool, error) {
	return faultstore.Do(ctx, s.p, "ResealKey", func() (bool, error) { return s.s.ResealKey(ctx, r) })
}

func (s *store) SetEvidence(ctx context.Context, e vault.ShredEvidence) (int, error) {
	return faultstore.Do(ctx, s.p, "SetEvidence", func() (int, error) { return s.s.SetEvidence(ctx, e) })
}

func (s *store) InsertRestriction(ctx context.Context, r vault.RestrictionRow) (bool, error) {
	return faultstore.Do(ctx, s.p, "InsertRestriction", func() (bool, error) { return s.s.InsertRestriction(ctx, r) })
}

func (s *store) LiftRestriction(ctx context.Context, r vault.RestrictionRow) (bool, error) {
	return faultstore.Do(ctx, s.p, "LiftRestriction", func() (bool, error) { return s.s.LiftRestriction(ctx, r) })
}

func (s *store) Restrictions(ctx context.Context, t troth.Tenant, id string) ([]vault.RestrictionRow, error) {
	return faultstore.Do(ctx, s.p, "Restrictions", func() ([]vault.RestrictionRow, error) { return s.s.Restrictions(ctx, t, id) })
}

func (s *store) InsertGrant(ctx context.Context, g vault.GrantRow) (bool, error) {
	return faultstore.Do(ctx, s.p, "InsertGrant", func() (bool, error) { return s.s.InsertGrant(ctx, g) })
}

func (s *store) Grants(ctx context.Context, t troth.Tenant, id string) ([]vault.GrantRow, error) {
	return faultstore.Do(ctx, s.p, "Grants", func() ([]vault.GrantRow, error) { return s.s.Grants(ctx, t, id) })
}

func (s *store) TombstonesOf(ctx context.Context, t troth.Tenant, id troth.EntryID) (vault.Tombstones, error) {
	return faultstore.Do(ctx, s.p, "TombstonesOf", func() (vault.Tombstones, error) { return s.s.TombstonesOf(ctx, t, id) })
}

func (s *store) RetiredOf(ctx context.Context, t troth.Tenant, id troth.EntryID) ([]vault.KeyRow, error) {
	return faultstore.Do(ctx, s.p, "RetiredOf", func() ([]vault.KeyRow, error) { return s.s.RetiredOf(ctx, t, id) })
}

func (s *store) KeysPage(ctx context.Context, p vault.KeysPage) ([]vault.KeyRow, error) {
	return faultstore.Do(ctx, s.p, "KeysPage", func() ([]vault.KeyRow, error) { return s.s.KeysPage(ctx, p) })
}

func (s *store) PersonsPage(ctx context.Context, t troth.Tenant, after string, limit int) ([]vault.PersonRow, error) {
	return faultstore.Do(ctx, s.p, "PersonsPage", func() ([]vault.PersonRow, error) { return s.s.PersonsPage(ctx, t, after, limit) })
}

func (s *store) RestrictionsPage(ctx context.Context, t troth.Tenant, after troth.EntryID, limit int) ([]vault.RestrictionRow, error) {
	return faultstore.Do(ctx, s.p, "RestrictionsPage", func() ([]vault.RestrictionRow, error) { return s.s.RestrictionsPage(ctx, t, after, limit) })
}

func (s *store) GrantsPage(ctx context.Context, t troth.Tenant, after troth.EntryID, limit int) ([]vault.GrantRow, error) {
	return faultstore.Do(ctx, s.p, "GrantsPage", func() ([]vault.GrantRow, error) { return s.s.GrantsPage(ctx, t, after, limit) })
}

func (s *store) Tenants(ctx context.Context, after troth.Tenant, limit int) ([]troth.Tenant, error) {
	return faultstore.Do(ctx, s.p, "Tenants", func() ([]troth.Tenant, error) { return s.s.Tenants(ctx, after, limit) })
}

func (s *store) Mark(ctx context.Context, name string) ([]byte, error) {
	return faultstore.Do(ctx, s.p, "Mark", func() ([]byte, error) { return s.s.Mark(ctx, name) })
}

func (s *store) Restriction(ctx context.Context, t troth.Tenant, id troth.EntryID) (vault.RestrictionRow, bool, error) {
	r, err := faultstore.Do(ctx, s.p, "Restriction", func() (r found[vault.RestrictionRow], err error) {
		r.row, r.found, err = s.s.Restriction(ctx, t, id)
		return r, err
	})
	return r.row, r.found, err
}

func (s *store) Grant(ctx context.Context, t troth.Tenant, id troth.EntryID) (vault.GrantRow, bool, error) {
	r, err := faultstore.Do(ctx, s.p, "Grant", func() (r found[vault.GrantRow], err error) {
		r.row, r.found, err = s.s.Grant(ctx, t, id)
		return r, err
	})
	return r.row, r.found, err
}

func (s *store) SetMark(ctx context.Context, name string, mark []byte) error {
	return faultstore.Run(ctx, s.p, "SetMark", func() error { return s.s.SetMark(ctx, name, mark) })
}
