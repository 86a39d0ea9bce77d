package retentionfault

import (
	"context"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/retention"
	"github.com/trothdev/troth/storage/faultstore"
)

func (s *store) InsertControl(ctx context.Context, row retention.ControlRow) (bool, error) {
	return faultstore.Do(ctx, s.p, "InsertControl", func() (bool, error) { return s.s.InsertControl(ctx, row) })
}

func (s *store) PutControl(ctx context.Context, row retention.ControlRow) error {
	return faultstore.Run(ctx, s.p, "PutControl", func() error { return s.s.PutControl(ctx, row) })
}

func (s *store) Control(ctx context.Context, key retention.ControlKey) (retention.ControlRow, bool, error) {
	r, err := faultstore.Do(ctx, s.p, "Control", func() (r found[retention.ControlRow], err error) {
		r.row, r.found, err = s.s.Control(ctx, key)
		return r, err
	})
	return r.row, r.found, err
}

func (s *store) LockControl(ctx context.Context, key retention.ControlKey) (retention.ControlRow, bool, error) {
	r, err := faultstore.Do(ctx, s.p, "LockControl", func() (r found[retention.ControlRow], err error) {
		r.row, r.found, err = s.s.LockControl(ctx, key)
		return r, err
	})
	return r.row, r.found, err
}

func (s *store) OpenControls(ctx context.Context, tenant troth.Tenant, kind string) ([]retention.ControlRow, error) {
	return faultstore.Do(ctx, s.p, "OpenControls", func() ([]retention.ControlRow, error) { return s.s.OpenControls(ctx, tenant, kind) })
}

func (s *store) Controls(ctx context.Context, after retention.ControlKey, limit int) ([]retention.ControlRow, error) {
	return faultstore.Do(ctx, s.p, "Controls", func() ([]retention.ControlRow, error) { return s.s.Controls(ctx, after, limit) })
}

func (s *store) DueControls(ctx context.Context, kind string, at int64, limit int) ([]retention.ControlRow, error) {
	return faultstore.Do(ctx, s.p, "DueControls", func() ([]retention.ControlRow, error) { return s.s.DueControls(ctx, kind, at, limit) })
}

func (s *store) HoldsToReview(ctx context.Context, at int64, limit int) ([]retention.HoldRow, error) {
	return faultstore.Do(ctx, s.p, "HoldsToReview", func() ([]retention.HoldRow, error) { return s.s.HoldsToReview(ctx, at, limit) })
}
