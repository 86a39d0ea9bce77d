package consentmem

import (
	"context"

	"github.com/trothdev/troth/consent"
)

// Raise implements consent.Store.
func (s *Store) Raise(ctx context.Context, e consent.FeedEvent) error { return s.feed.Raise(ctx, e) }

// Follow implements consent.SystemStore.
func (s *Store) Follow(ctx context.Context, after int64) (consent.Followed, error) {
	f, err := s.feed.Follow(ctx, after, 0)
	return consent.Followed{Events: f.Events, Head: f.Head, Gap: f.Gap}, err
}

// PruneFeed implements consent.SystemStore.
func (s *Store) PruneFeed(ctx context.Context, at int64) error { return s.feed.Prune(ctx, at) }
