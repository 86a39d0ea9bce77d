package vaultfault

import (
	"context"

	"github.com/trothdev/troth/storage/faultstore"
	"github.com/trothdev/troth/vault"
)

// keyRetired is what RetireKey returns beside the error.
type keyRetired struct {
	row     vault.KeyRow
	retired bool
}

func (s *store) RewrapRoot(ctx context.Context, row vault.RootRow, before []byte) (bool, error) {
	return faultstore.Do(ctx, s.p, "RewrapRoot", func() (bool, error) { return s.s.RewrapRoot(ctx, row, before) })
}

func (s *store) NewestKeys(ctx context.Context, after vault.KeyName, limit int) ([]vault.KeyRow, error) {
	return faultstore.Do(ctx, s.p, "NewestKeys", func() ([]vault.KeyRow, error) { return s.s.NewestKeys(ctx, after, limit) })
}

func (s *store) RetireKey(ctx context.Context, n vault.KeyName, generation uint32, at int64) (vault.KeyRow, bool, error) {
	r, err := faultstore.Do(ctx, s.p, "RetireKey", func() (r keyRetired, err error) {
		r.row, r.retired, err = s.s.RetireKey(ctx, n, generation, at)
		return r, err
	})
	return r.row, r.retired, err
}
