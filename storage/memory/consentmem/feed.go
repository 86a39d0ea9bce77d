package consentmem

import (
	"context"

	"github.com/trothdev/troth/consent"
)

// Raise implements consent.Store. There is one writer, so positions are given
// in the order of commits, and a rollback takes its own back.
func (s *Store) Raise(ctx context.Context, e consent.FeedEvent) error {
	return s.db.Atomically(ctx, func(ctx context.Context) error {
		head, _, err := s.setting.Get(ctx, headSetting)
		if err != nil {
			return err
		}
		e.Position = head + 1
		if err := s.setting.Put(ctx, headSetting, e.Position); err != nil {
			return err
		}
		return s.feed.Put(ctx, e.Position, e)
	})
}

// Follow implements consent.SystemStore.
func (s *Store) Follow(ctx context.Context, after int64) (f consent.Followed, err error) {
	f.Head, _, err = s.setting.Get(ctx, headSetting)
	if err != nil || after < 0 {
		return f, err
	}
	rows, err := s.feed.Scan(ctx, &after, 0, nil)
	if err != nil {
		return consent.Followed{}, err
	}
	for _, r := range rows {
		f.Events = append(f.Events, r.Value)
		f.Head = max(f.Head, r.Key) // it may have moved since it was read
	}
	// Positions have no gaps but those that pruning left, wherever it was; and
	// one above the head is of another history.
	f.Gap = int64(len(f.Events)) != f.Head-after
	return f, nil
}

// PruneFeed implements consent.SystemStore.
func (s *Store) PruneFeed(ctx context.Context, at int64) error {
	return s.db.Atomically(ctx, func(ctx context.Context) error {
		head, _, err := s.setting.Get(ctx, headSetting)
		if err != nil {
			return err
		}
		old, err := s.feed.Scan(ctx, nil, 0, func(p int64, e consent.FeedEvent) bool { return e.At < at && p != head })
		if err != nil {
			return err
		}
		for _, r := range old {
			if _, err := s.feed.Delete(ctx, r.Key); err != nil {
				return err
			}
		}
		return nil
	})
}
