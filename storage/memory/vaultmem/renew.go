package vaultmem

import (
	"context"
	"slices"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/vault"
)

// takesKeys reports whether keys can come under the root.
func takesKeys(r *vault.RootRow) bool {
	return len(r.Sealed) > 0 && r.SupersededAt == 0 && r.ShreddedAt == 0
}

// addRoot puts a row in front of the lineage's, unless its epoch is closed.
func (s *Store) addRoot(ctx context.Context, rows []vault.RootRow, row vault.RootRow) (added bool, err error) {
	epoch, _, err := s.epochs.Get(ctx, row.Epoch)
	if err != nil || epoch.ClosedAt != 0 {
		return false, err
	}
	return true, s.roots.Put(ctx, rootKey{row.Tenant, row.Lineage}, slices.Insert(rows, 0, cloneRoot(row)))
}

// Roots implements vault.Store.
func (s *Store) Roots(ctx context.Context, tenant troth.Tenant) (all []vault.RootRow, err error) {
	for _, l := range []vault.Lineage{vault.IndexLineage, vault.WrapLineage} {
		rows, _, err := s.roots.Get(ctx, rootKey{tenant, l})
		if err != nil {
			return nil, err
		}
		for _, row := range slices.Backward(rows) {
			all = append(all, cloneRoot(row))
		}
	}
	return all, nil
}

// RenewRoot implements vault.Store.
func (s *Store) RenewRoot(ctx context.Context, row vault.RootRow) (inserted bool, err error) {
	err = s.db.Atomically(ctx, func(ctx context.Context) error {
		inserted = false
		rows, _, err := s.roots.Get(ctx, rootKey{row.Tenant, row.Lineage})
		if err != nil || len(rows) == 0 || rows[0].Epoch >= row.Epoch || len(rows[0].Sealed) == 0 || rows[0].KEK != row.KEK {
			return err
		}
		inserted, err = s.addRoot(ctx, slices.Clone(rows), row)
		return err
	})
	return inserted, err
}

// SupersedeRoots implements vault.Store.
func (s *Store) SupersedeRoots(ctx context.Context, tenant troth.Tenant, below uint32, at int64) error {
	return s.db.Atomically(ctx, func(ctx context.Context) error {
		for _, l := range []vault.Lineage{vault.IndexLineage, vault.WrapLineage} {
			rows, _, err := s.roots.Get(ctx, rootKey{tenant, l})
			if err != nil {
				return err
			}
			if len(rows) == 0 || rows[0].Epoch < below || len(rows[0].Sealed) == 0 {
				continue
			}
			rows = slices.Clone(rows)
			for i := range rows {
				if r := &rows[i]; r.Epoch < below && len(r.Sealed) > 0 && r.SupersededAt == 0 {
					r.SupersededAt = at
				}
			}
			if err := s.roots.Put(ctx, rootKey{tenant, l}, rows); err != nil {
				return err
			}
		}
		return nil
	})
}

// RetireRoots implements vault.Store.
func (s *Store) RetireRoots(ctx context.Context, tenant troth.Tenant, below uint32, at int64) (left int, err error) {
	err = s.db.Atomically(ctx, func(ctx context.Context) error {
		left = 0
		for _, l := range []vault.Lineage{vault.IndexLineage, vault.WrapLineage} {
			n, err := s.retireLineage(ctx, rootKey{tenant, l}, below, at)
			if err != nil {
				return err
			}
			left += n
		}
		if left > 0 {
			return nil
		}
		_, err := s.rewraps.Delete(ctx, tenant)
		return err
	})
	return left, err
}

func (s *Store) retireLineage(ctx context.Context, k rootKey, below uint32, at int64) (left int, err error) {
	rows, _, err := s.roots.Get(ctx, k)
	if err != nil {
		return 0, err
	}
	rows = slices.Clone(rows)
	for i := range rows {
		r := &rows[i]
		if r.Epoch >= below || len(r.Sealed) == 0 {
			continue
		}
		used := false
		if k.lineage == vault.WrapLineage {
			if used, err = s.used(ctx, k.tenant, r.Epoch); err != nil {
				return 0, err
			}
		}
		if used || r.SupersededAt == 0 {
			left++
			continue
		}
		r.Sealed, r.RetiredAt = nil, at
	}
	return left, s.roots.Put(ctx, k, rows)
}

// used reports whether a living key of the tenant is of the epoch.
func (s *Store) used(ctx context.Context, tenant troth.Tenant, epoch uint32) (bool, error) {
	rows, err := s.keys.Scan(ctx, &vault.KeyName{Tenant: tenant}, 1, func(n vault.KeyName, rows []vault.KeyRow) bool {
		return n.Tenant == tenant && slices.ContainsFunc(rows, func(k vault.KeyRow) bool {
			return k.Epoch == epoch && k.ShreddedAt == 0
		})
	})
	return len(rows) > 0, err
}
