package vaulttest

import (
	"context"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/vault"
)

// brokenEpochs is the part of a broken Backend that knows epochs.
type brokenEpochs struct {
	roots          func(ctx context.Context, t troth.Tenant) ([]vault.RootRow, error)
	renewRoot      func(ctx context.Context, row vault.RootRow) (bool, error)
	supersedeRoots func(ctx context.Context, t troth.Tenant, below uint32, at int64) error
	staleKeys      func(ctx context.Context, q vault.StaleKeys) ([]vault.KeyRow, error)
	moveKeys       func(ctx context.Context, t troth.Tenant, to uint32, moves []vault.KeyMove) (int, error)
	retireRoots    func(ctx context.Context, t troth.Tenant, below uint32, at int64) (int, error)
	saveRewrap     func(ctx context.Context, row vault.RewrapRow) error
	tombstones     func(ctx context.Context, t troth.Tenant, id string) ([]vault.KeyRow, error)
	noteExport     func(ctx context.Context, n vault.KeyName, at int64) error
	exported       func(ctx context.Context, n vault.KeyName) (int64, error)
	epochs         func(ctx context.Context) ([]vault.EpochRow, error)
	insertEpoch    func(ctx context.Context, row vault.EpochRow) (bool, error)
	closeEpoch     func(ctx context.Context, epoch uint32, at int64) (bool, error)
	endEpoch       func(ctx context.Context, epoch uint32, finalAt, destroyedAt int64) (bool, error)
	staleRoots     func(ctx context.Context, below uint32, after vault.RootPlace, limit int) ([]vault.RootPlace, error)
	staleness      func(ctx context.Context, below uint32) (vault.Staleness, error)
	epochBackedUp  func(ctx context.Context, epoch uint32, closedAt, at int64) (bool, error)
	takeRewrap     func(ctx context.Context, t troth.Tenant, epoch uint32, at int64) (vault.RewrapRow, bool, error)
}

func wholeEpochs(s vault.Backend) brokenEpochs {
	return brokenEpochs{
		roots:          s.Roots,
		renewRoot:      s.RenewRoot,
		supersedeRoots: s.SupersedeRoots,
		staleKeys:      s.StaleKeys,
		moveKeys:       s.MoveKeys,
		retireRoots:    s.RetireRoots,
		saveRewrap:     s.SaveRewrap,
		tombstones:     s.Tombstones,
		noteExport:     s.NoteExport,
		exported:       s.Exported,
		epochs:         s.Epochs,
		insertEpoch:    s.InsertEpoch,
		closeEpoch:     s.CloseEpoch,
		endEpoch:       s.EndEpoch,
		staleRoots:     s.StaleRoots,
		staleness:      s.Staleness,
		epochBackedUp:  s.EpochBackedUp,
		takeRewrap:     s.TakeRewrap,
	}
}

func (b *broken) Roots(ctx context.Context, t troth.Tenant) ([]vault.RootRow, error) {
	return b.roots(ctx, t)
}

func (b *broken) RenewRoot(ctx context.Context, row vault.RootRow) (bool, error) {
	return b.renewRoot(ctx, row)
}

func (b *broken) StaleKeys(ctx context.Context, q vault.StaleKeys) ([]vault.KeyRow, error) {
	return b.staleKeys(ctx, q)
}

func (b *broken) MoveKeys(ctx context.Context, t troth.Tenant, to uint32, moves []vault.KeyMove) (int, error) {
	return b.moveKeys(ctx, t, to, moves)
}

func (b *broken) RetireRoots(ctx context.Context, t troth.Tenant, below uint32, at int64) (int, error) {
	return b.retireRoots(ctx, t, below, at)
}

func (b *broken) SaveRewrap(ctx context.Context, row vault.RewrapRow) error {
	return b.saveRewrap(ctx, row)
}

func (b *broken) Tombstones(ctx context.Context, t troth.Tenant, id string) ([]vault.KeyRow, error) {
	return b.tombstones(ctx, t, id)
}

func (b *broken) NoteExport(ctx context.Context, n vault.KeyName, at int64) error {
	return b.noteExport(ctx, n, at)
}

func (b *broken) Exported(ctx context.Context, n vault.KeyName) (int64, error) {
	return b.exported(ctx, n)
}

func (b *broken) Epochs(ctx context.Context) ([]vault.EpochRow, error) {
	return b.epochs(ctx)
}

func (b *broken) InsertEpoch(ctx context.Context, row vault.EpochRow) (bool, error) {
	return b.insertEpoch(ctx, row)
}

func (b *broken) CloseEpoch(ctx context.Context, epoch uint32, at int64) (bool, error) {
	return b.closeEpoch(ctx, epoch, at)
}

func (b *broken) EndEpoch(ctx context.Context, epoch uint32, finalAt, destroyedAt int64) (bool, error) {
	return b.endEpoch(ctx, epoch, finalAt, destroyedAt)
}

func (b *broken) StaleRoots(ctx context.Context, below uint32, after vault.RootPlace, limit int) ([]vault.RootPlace, error) {
	return b.staleRoots(ctx, below, after, limit)
}

func (b *broken) Staleness(ctx context.Context, below uint32) (vault.Staleness, error) {
	return b.staleness(ctx, below)
}

func (b *broken) EpochBackedUp(ctx context.Context, epoch uint32, closedAt, at int64) (bool, error) {
	return b.epochBackedUp(ctx, epoch, closedAt, at)
}

func (b *broken) TakeRewrap(ctx context.Context, t troth.Tenant, epoch uint32, at int64) (vault.RewrapRow, bool, error) {
	return b.takeRewrap(ctx, t, epoch, at)
}

func (b *broken) SupersedeRoots(ctx context.Context, t troth.Tenant, below uint32, at int64) error {
	return b.supersedeRoots(ctx, t, below, at)
}
