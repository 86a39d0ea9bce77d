package vaultfault

import (
	"context"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/storage/faultstore"
	"github.com/trothdev/troth/vault"
)

func (s *store) Roots(ctx context.Context, t troth.Tenant) ([]vault.RootRow, error) {
	return faultstore.Do(ctx, s.p, "Roots", func() ([]vault.RootRow, error) { return s.s.Roots(ctx, t) })
}

func (s *store) RenewRoot(ctx context.Context, row vault.RootRow) (bool, error) {
	return faultstore.Do(ctx, s.p, "RenewRoot", func() (bool, error) { return s.s.RenewRoot(ctx, row) })
}

func (s *store) SupersedeRoots(ctx context.Context, t troth.Tenant, below uint32, at int64) error {
	return faultstore.Run(ctx, s.p, "SupersedeRoots", func() error { return s.s.SupersedeRoots(ctx, t, below, at) })
}

func (s *store) StaleKeys(ctx context.Context, q vault.StaleKeys) ([]vault.KeyRow, error) {
	return faultstore.Do(ctx, s.p, "StaleKeys", func() ([]vault.KeyRow, error) { return s.s.StaleKeys(ctx, q) })
}

func (s *store) MoveKeys(ctx context.Context, t troth.Tenant, to uint32, moves []vault.KeyMove) (int, error) {
	return faultstore.Do(ctx, s.p, "MoveKeys", func() (int, error) { return s.s.MoveKeys(ctx, t, to, moves) })
}

func (s *store) RetireRoots(ctx context.Context, t troth.Tenant, below uint32, at int64) (int, error) {
	return faultstore.Do(ctx, s.p, "RetireRoots", func() (int, error) { return s.s.RetireRoots(ctx, t, below, at) })
}

func (s *store) SaveRewrap(ctx context.Context, row vault.RewrapRow) error {
	return faultstore.Run(ctx, s.p, "SaveRewrap", func() error { return s.s.SaveRewrap(ctx, row) })
}

func (s *store) Tombstones(ctx context.Context, t troth.Tenant, id string) ([]vault.KeyRow, error) {
	return faultstore.Do(ctx, s.p, "Tombstones", func() ([]vault.KeyRow, error) { return s.s.Tombstones(ctx, t, id) })
}

func (s *store) NoteExport(ctx context.Context, n vault.KeyName, at int64) error {
	return faultstore.Run(ctx, s.p, "NoteExport", func() error { return s.s.NoteExport(ctx, n, at) })
}

func (s *store) Exported(ctx context.Context, n vault.KeyName) (int64, error) {
	return faultstore.Do(ctx, s.p, "Exported", func() (int64, error) { return s.s.Exported(ctx, n) })
}

func (s *store) Epochs(ctx context.Context) ([]vault.EpochRow, error) {
	return faultstore.Do(ctx, s.p, "Epochs", func() ([]vault.EpochRow, error) { return s.s.Epochs(ctx) })
}

func (s *store) InsertEpoch(ctx context.Context, row vault.EpochRow) (bool, error) {
	return faultstore.Do(ctx, s.p, "InsertEpoch", func() (bool, error) { return s.s.InsertEpoch(ctx, row) })
}

func (s *store) CloseEpoch(ctx context.Context, epoch uint32, at int64) (bool, error) {
	return faultstore.Do(ctx, s.p, "CloseEpoch", func() (bool, error) { return s.s.CloseEpoch(ctx, epoch, at) })
}

func (s *store) EndEpoch(ctx context.Context, epoch uint32, finalAt, destroyedAt int64) (bool, error) {
	return faultstore.Do(ctx, s.p, "EndEpoch", func() (bool, error) { return s.s.EndEpoch(ctx, epoch, finalAt, destroyedAt) })
}

func (s *store) StaleRoots(ctx context.Context, below uint32, after vault.RootPlace, limit int) ([]vault.RootPlace, error) {
	return faultstore.Do(ctx, s.p, "StaleRoots", func() ([]vault.RootPlace, error) { return s.s.StaleRoots(ctx, below, after, limit) })
}

func (s *store) Staleness(ctx context.Context, below uint32) (vault.Staleness, error) {
	return faultstore.Do(ctx, s.p, "Staleness", func() (vault.Staleness, error) { return s.s.Staleness(ctx, below) })
}

func (s *store) EpochBackedUp(ctx context.Context, epoch uint32, closedAt, at int64) (bool, error) {
	return faultstore.Do(ctx, s.p, "EpochBackedUp", func() (bool, error) { return s.s.EpochBackedUp(ctx, epoch, closedAt, at) })
}

// rewrapTaken is what TakeRewrap returns beside the error.
type rewrapTaken struct {
	row   vault.RewrapRow
	taken bool
}

func (s *store) TakeRewrap(ctx context.Context, t troth.Tenant, epoch uint32, at int64) (vault.RewrapRow, bool, error) {
	r, err := faultstore.Do(ctx, s.p, "TakeRewrap", func() (r rewrapTaken, err error) {
		r.row, r.taken, err = s.s.TakeRewrap(ctx, t, epoch, at)
		return r, err
	})
	return r.row, r.taken, err
}
