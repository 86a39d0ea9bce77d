package vaultfault

import (
	"context"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/storage/faultstore"
	"github.com/trothdev/troth/vault"
)

// New returns s under the plan. Its transactor is tx: that of s, or what
// [faultstore.Transactor] made of it, which all wrapped stores must share.
func New(s vault.Backend, tx troth.Transactor, p *faultstore.Plan) vault.Backend {
	return &store{s: s, tx: tx, p: p}
}

type store struct {
	s  vault.Backend
	tx troth.Transactor
	p  *faultstore.Plan
}

// rootFound is what Root and RootAt return beside the error.
type rootFound struct {
	row   vault.RootRow
	found bool
}

func (s *store) Transactor() troth.Transactor { return s.tx }

func (s *store) Root(ctx context.Context, t troth.Tenant, l vault.Lineage) (vault.RootRow, bool, error) {
	r, err := faultstore.Do(ctx, s.p, "Root", func() (r rootFound, err error) {
		r.row, r.found, err = s.s.Root(ctx, t, l)
		return r, err
	})
	return r.row, r.found, err
}

func (s *store) RootAt(ctx context.Context, t troth.Tenant, l vault.Lineage, epoch uint32) (vault.RootRow, bool, error) {
	r, err := faultstore.Do(ctx, s.p, "RootAt", func() (r rootFound, err error) {
		r.row, r.found, err = s.s.RootAt(ctx, t, l, epoch)
		return r, err
	})
	return r.row, r.found, err
}

func (s *store) InsertRoot(ctx context.Context, row vault.RootRow) (bool, error) {
	return faultstore.Do(ctx, s.p, "InsertRoot", func() (bool, error) { return s.s.InsertRoot(ctx, row) })
}

func (s *store) Keys(ctx context.Context, n vault.KeyName) ([]vault.KeyRow, error) {
	return faultstore.Do(ctx, s.p, "Keys", func() ([]vault.KeyRow, error) { return s.s.Keys(ctx, n) })
}

func (s *store) Person(ctx context.Context, t troth.Tenant, id string) (vault.PersonState, error) {
	return faultstore.Do(ctx, s.p, "Person", func() (vault.PersonState, error) { return s.s.Person(ctx, t, id) })
}

func (s *store) LockPerson(ctx context.Context, t troth.Tenant, id string, l vault.Lock) (vault.PersonState, error) {
	return faultstore.Do(ctx, s.p, "LockPerson", func() (vault.PersonState, error) { return s.s.LockPerson(ctx, t, id, l) })
}

func (s *store) ClosePerson(ctx context.Context, t troth.Tenant, id string, at int64) error {
	return faultstore.Run(ctx, s.p, "ClosePerson", func() error { return s.s.ClosePerson(ctx, t, id, at) })
}

func (s *store) InsertKey(ctx context.Context, row vault.KeyRow) (bool, error) {
	return faultstore.Do(ctx, s.p, "InsertKey", func() (bool, error) { return s.s.InsertKey(ctx, row) })
}

func (s *store) ShredKeys(ctx context.Context, k vault.ShredKeys) ([]vault.KeyRow, error) {
	return faultstore.Do(ctx, s.p, "ShredKeys", func() ([]vault.KeyRow, error) { return s.s.ShredKeys(ctx, k) })
}

func (s *store) ShredRoots(ctx context.Context, t troth.Tenant, at int64) ([]vault.RootRow, error) {
	return faultstore.Do(ctx, s.p, "ShredRoots", func() ([]vault.RootRow, error) { return s.s.ShredRoots(ctx, t, at) })
}

func (s *store) RaiseFence(ctx context.Context, e vault.FenceEvent) error {
	return faultstore.Run(ctx, s.p, "RaiseFence", func() error { return s.s.RaiseFence(ctx, e) })
}

func (s *store) Settled(ctx context.Context, n vault.KeyName) (bool, error) {
	return faultstore.Do(ctx, s.p, "Settled", func() (bool, error) { return s.s.Settled(ctx, n) })
}

func (s *store) InsertWindow(ctx context.Context, w vault.WindowRow) error {
	return faultstore.Run(ctx, s.p, "InsertWindow", func() error { return s.s.InsertWindow(ctx, w) })
}

func (s *store) CloseWindow(ctx context.Context, t troth.Tenant, id troth.EntryID, at int64) (bool, error) {
	return faultstore.Do(ctx, s.p, "CloseWindow", func() (bool, error) { return s.s.CloseWindow(ctx, t, id, at) })
}

func (s *store) Follow(ctx context.Context, after int64) (vault.Followed, error) {
	return faultstore.Do(ctx, s.p, "Follow", func() (vault.Followed, error) { return s.s.Follow(ctx, after) })
}

func (s *store) PruneFence(ctx context.Context, at int64) error {
	return faultstore.Run(ctx, s.p, "PruneFence", func() error { return s.s.PruneFence(ctx, at) })
}

func (s *store) LapsedWindows(ctx context.Context, at int64, limit int) ([]vault.WindowRow, error) {
	return faultstore.Do(ctx, s.p, "LapsedWindows", func() ([]vault.WindowRow, error) { return s.s.LapsedWindows(ctx, at, limit) })
}

func (s *store) Managed(ctx context.Context) (bool, error) {
	return faultstore.Do(ctx, s.p, "Managed", func() (bool, error) { return s.s.Managed(ctx) })
}

func (s *store) SetManaged(ctx context.Context) error {
	return faultstore.Run(ctx, s.p, "SetManaged", func() error { return s.s.SetManaged(ctx) })
}
