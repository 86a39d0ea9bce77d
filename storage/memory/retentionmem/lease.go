package retentionmem

import (
	"context"
	"time"
)

// leased is one lease: whose, until when, for how long, and its number.
type leased struct {
	holder string

	until, length, fence int64
}

func (l leased) runs(now int64) bool { return l.until > now && l.until <= now+l.length }

// ClaimLease implements retention.SystemStore.
func (s *Store) ClaimLease(ctx context.Context, name, holder string, length time.Duration) (fence int64, claimed bool, err error) {
	err = s.db.Atomically(ctx, func(ctx context.Context) error {
		l, _, err := s.leases.Get(ctx, name)
		now := time.Now().UnixMicro()
		if err != nil || l.runs(now) && l.holder != holder {
			return err
		}
		fence, claimed = l.fence+1, true
		return s.leases.Put(ctx, name, leased{holder, now + length.Microseconds(), length.Microseconds(), fence})
	})
	return fence, claimed && err == nil, err
}

// KeepLease implements retention.SystemStore.
func (s *Store) KeepLease(ctx context.Context, name string, fence int64, length time.Duration) (kept bool, err error) {
	err = s.db.Atomically(ctx, func(ctx context.Context) error {
		l, _, err := s.leases.Get(ctx, name)
		now := time.Now().UnixMicro()
		if err != nil || l.fence != fence || !l.runs(now) {
			return err
		}
		kept = true
		return s.leases.Put(ctx, name, leased{l.holder, now + length.Microseconds(), length.Microseconds(), fence})
	})
	return kept && err == nil, err
}

// EndLease implements retention.SystemStore.
func (s *Store) EndLease(ctx context.Context, name string, fence int64) error {
	return s.db.Atomically(ctx, func(ctx context.Context) error {
		l, found, err := s.leases.Get(ctx, name)
		if err != nil || !found || l.fence != fence {
			return err
		}
		return s.leases.Put(ctx, name, leased{fence: fence})
	})
}
