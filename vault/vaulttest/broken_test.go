package vaulttest

import (
	"context"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/vault"
)

// broken is a Backend of which single methods are replaced.
type broken struct {
	vault.Backend
	transactor    func() troth.Transactor
	root          func(ctx context.Context, t troth.Tenant, l vault.Lineage) (vault.RootRow, bool, error)
	insertRoot    func(ctx context.Context, row vault.RootRow) (bool, error)
	shredRoots    func(ctx context.Context, t troth.Tenant, at int64) ([]vault.RootRow, error)
	person        func(ctx context.Context, t troth.Tenant, id string) (vault.PersonState, error)
	lockPerson    func(ctx context.Context, t troth.Tenant, id string, l vault.Lock) (vault.PersonState, error)
	closePerson   func(ctx context.Context, t troth.Tenant, id string, at int64) error
	keys          func(ctx context.Context, n vault.KeyName) ([]vault.KeyRow, error)
	insertKey     func(ctx context.Context, row vault.KeyRow) (bool, error)
	shredKeys     func(ctx context.Context, p vault.ShredKeys) ([]vault.KeyRow, error)
	settled       func(ctx context.Context, n vault.KeyName) (bool, error)
	raiseFence    func(ctx context.Context, e vault.FenceEvent) error
	follow        func(ctx context.Context, after int64) (vault.Followed, error)
	pruneFence    func(ctx context.Context, at int64) error
	insertWindow  func(ctx context.Context, w vault.WindowRow) error
	closeWindow   func(ctx context.Context, t troth.Tenant, id troth.EntryID, at int64) (bool, error)
	lapsedWindows func(ctx context.Context, at int64, limit int) ([]vault.WindowRow, error)
	managed       func(ctx context.Context) (bool, error)
	setManaged    func(ctx context.Context) error
	rewrapRoot    func(ctx context.Context, row vault.RootRow, before []byte) (bool, error)
	newestKeys    func(ctx context.Context, after vault.KeyName, limit int) ([]vault.KeyRow, error)
	retireKey     func(ctx context.Context, n vault.KeyName, g uint32, at int64) (vault.KeyRow, bool, error)
	brokenEpochs
	brokenJournal
}

// whole returns a broken Backend in which everything works yet.
func whole(s vault.Backend) *broken {
	return &broken{
		Backend: s, transactor: s.Transactor, root: s.Root, insertRoot: s.InsertRoot, shredRoots: s.ShredRoots,
		person: s.Person, lockPerson: s.LockPerson, closePerson: s.ClosePerson,
		keys: s.Keys, insertKey: s.InsertKey, shredKeys: s.ShredKeys, settled: s.Settled,
		raiseFence: s.RaiseFence, follow: s.Follow, pruneFence: s.PruneFence,
		insertWindow: s.InsertWindow, closeWindow: s.CloseWindow, lapsedWindows: s.LapsedWindows,
		managed: s.Managed, setManaged: s.SetManaged, brokenEpochs: wholeEpochs(s), brokenJournal: wholeJournal(s),
		rewrapRoot: s.RewrapRoot, newestKeys: s.NewestKeys, retireKey: s.RetireKey,
	}
}

func (b *broken) Transactor() troth.Transactor { return b.transactor() }

func (b *broken) Root(ctx context.Context, t troth.Tenant, l vault.Lineage) (vault.RootRow, bool, error) {
	return b.root(ctx, t, l)
}

func (b *broken) InsertRoot(ctx context.Context, row vault.RootRow) (bool, error) {
	return b.insertRoot(ctx, row)
}

func (b *broken) ShredRoots(ctx context.Context, t troth.Tenant, at int64) ([]vault.RootRow, error) {
	return b.shredRoots(ctx, t, at)
}

func (b *broken) Person(ctx context.Context, t troth.Tenant, id string) (vault.PersonState, error) {
	return b.person(ctx, t, id)
}

func (b *broken) LockPerson(ctx context.Context, t troth.Tenant, id string, l vault.Lock) (vault.PersonState, error) {
	return b.lockPerson(ctx, t, id, l)
}

func (b *broken) ClosePerson(ctx context.Context, t troth.Tenant, id string, at int64) error {
	return b.closePerson(ctx, t, id, at)
}

func (b *broken) Keys(ctx context.Context, n vault.KeyName) ([]vault.KeyRow, error) {
	return b.keys(ctx, n)
}

func (b *broken) InsertKey(ctx context.Context, row vault.KeyRow) (bool, error) {
	return b.insertKey(ctx, row)
}

func (b *broken) ShredKeys(ctx context.Context, p vault.ShredKeys) ([]vault.KeyRow, error) {
	return b.shredKeys(ctx, p)
}

func (b *broken) Settled(ctx context.Context, n vault.KeyName) (bool, error) {
	return b.settled(ctx, n)
}

func (b *broken) RaiseFence(ctx context.Context, e vault.FenceEvent) error {
	return b.raiseFence(ctx, e)
}

func (b *broken) Follow(ctx context.Context, after int64) (vault.Followed, error) {
	return b.follow(ctx, after)
}

func (b *broken) PruneFence(ctx context.Context, at int64) error { return b.pruneFence(ctx, at) }

func (b *broken) InsertWindow(ctx context.Context, w vault.WindowRow) error {
	return b.insertWindow(ctx, w)
}

func (b *broken) CloseWindow(ctx context.Context, t troth.Tenant, id troth.EntryID, at int64) (bool, error) {
	return b.closeWindow(ctx, t, id, at)
}

func (b *broken) LapsedWindows(ctx context.Context, at int64, limit int) ([]vault.WindowRow, error) {
	return b.lapsedWindows(ctx, at, limit)
}

func (b *broken) RewrapRoot(ctx context.Context, row vault.RootRow, before []byte) (bool, error) {
	return b.rewrapRoot(ctx, row, before)
}

func (b *broken) NewestKeys(ctx context.Context, after vault.KeyName, limit int) ([]vault.KeyRow, error) {
	return b.newestKeys(ctx, after, limit)
}

func (b *broken) RetireKey(ctx context.Context, n vault.KeyName, g uint32, at int64) (vault.KeyRow, bool, error) {
	return b.retireKey(ctx, n, g, at)
}

func (b *broken) Managed(ctx context.Context) (bool, error) { return b.managed(ctx) }
func (b *broken) SetManaged(ctx context.Context) error      { return b.setManaged(ctx) }
