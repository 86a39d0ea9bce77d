package unsubscribemem

import (
	"context"

	"github.com/trothdev/troth/unsubscribe"
)

// Raise implements unsubscribe.Store.
func (s *Store) Raise(ctx context.Context, e unsubscribe.FeedEvent) error {
	return s.feed.Raise(ctx, e)
}

// Follow implements unsubscribe.SystemStore.
func (s *Store) Follow(ctx context.Context, after int64, limit int) (unsubscribe.Followed, error) {
	f, err := s.feed.Follow(ctx, after, limit)
	return unsubscribe.Followed(f), err
}

// PruneFeed implements unsubscribe.SystemStore.
func (s *Store) PruneFeed(ctx context.Context, at int64) error { return s.feed.Prune(ctx, at) }
