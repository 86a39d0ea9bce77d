package retentionfault

import (
	"context"
	"time"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/retention"
	"github.com/trothdev/troth/storage/faultstore"
)

func (s *store) InsertEvent(ctx context.Context, row retention.EventRow) (bool, error) {
	return faultstore.Do(ctx, s.p, "InsertEvent", func() (bool, error) { return s.s.InsertEvent(ctx, row) })
}

func (s *store) EventsOf(ctx context.Context, tenant troth.Tenant, of []retention.Many) ([]retention.EventRow, error) {
	return faultstore.Do(ctx, s.p, "EventsOf", func() ([]retention.EventRow, error) { return s.s.EventsOf(ctx, tenant, of) })
}

func (s *store) LockEvent(ctx context.Context, key retention.EventKey) (retention.EventRow, bool, error) {
	r, err := faultstore.Do(ctx, s.p, "LockEvent", func() (r found[retention.EventRow], err error) {
		r.row, r.found, err = s.s.LockEvent(ctx, key)
		return r, err
	})
	return r.row, r.found, err
}

func (s *store) PutEvent(ctx context.Context, row retention.EventRow) error {
	return faultstore.Run(ctx, s.p, "PutEvent", func() error { return s.s.PutEvent(ctx, row) })
}

func (s *store) DeleteEvents(ctx context.Context, tenant troth.Tenant, of retention.Many) (int, error) {
	return faultstore.Do(ctx, s.p, "DeleteEvents", func() (int, error) { return s.s.DeleteEvents(ctx, tenant, of) })
}

func (s *store) RecordsOf(ctx context.Context, after retention.RecordKey, of retention.Many, limit int) ([]retention.RecordRow, error) {
	return faultstore.Do(ctx, s.p, "RecordsOf", func() ([]retention.RecordRow, error) { return s.s.RecordsOf(ctx, after, of, limit) })
}

func (s *store) OpenEvents(ctx context.Context, limit int) ([]retention.EventRow, error) {
	return faultstore.Do(ctx, s.p, "OpenEvents", func() ([]retention.EventRow, error) { return s.s.OpenEvents(ctx, limit) })
}

func (s *store) Horizon(ctx context.Context) (int64, error) {
	return faultstore.Do(ctx, s.p, "Horizon", func() (int64, error) { return s.s.Horizon(ctx) })
}

func (s *store) Settled(ctx context.Context, horizon int64) (bool, error) {
	return faultstore.Do(ctx, s.p, "Settled", func() (bool, error) { return s.s.Settled(ctx, horizon) })
}

func (s *store) ClaimLease(ctx context.Context, name, holder string, length time.Duration) (int64, bool, error) {
	r, err := faultstore.Do(ctx, s.p, "ClaimLease", func() (r found[int64], err error) {
		r.row, r.found, err = s.s.ClaimLease(ctx, name, holder, length)
		return r, err
	})
	return r.row, r.found, err
}

func (s *store) KeepLease(ctx context.Context, name string, fence int64, length time.Duration) (bool, error) {
	return faultstore.Do(ctx, s.p, "KeepLease", func() (bool, error) { return s.s.KeepLease(ctx, name, fence, length) })
}

func (s *store) EndLease(ctx context.Context, name string, fence int64) error {
	return faultstore.Run(ctx, s.p, "EndLease", func() error { return s.s.EndLease(ctx, name, fence) })
}
