package unsubscribemem

import (
	"context"

	"github.com/trothdev/troth/unsubscribe"
)

// Raise implements unsubscribe.Store. There is one writer, so positions are given in
// the order of commits, and a rollback takes its own back.
func (s *Store) Raise(ctx context.Context, e unsubscribe.FeedEvent) error {
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

// Follow implements unsubscribe.SystemStore.
func (s *Store) Follow(ctx context.Context, after int64, limit int) (f unsubscribe.Followed, err error) {
	f.Head, _, err = s.setting.Get(ctx, headSetting)
	if err != nil || after < 0 {
		return f, err
	}
	rows, err := s.feed.Scan(ctx, &after, limit+1, nil)
	if err != nil {
		return unsubscribe.Followed{}, err
	}
	if f.More = len(rows) > limit; f.More {
		rows = rows[:limit]
	}
	for i, r := range rows {
		// Positions have no gaps but those that pruning left.
		f.Gap = f.Gap || r.Key != after+int64(i)+1
		f.Events = append(f.Events, r.Value)
		f.Head = max(f.Head, r.Key) // it may have moved since it was read
	}
	f.Gap = f.Gap || after > f.Head || len(rows) == 0 && after < f.Head
	return f, nil
}

// PruneFeed implements unsubscribe.SystemStore.
func (s *Store) PruneFeed(ctx context.Context, at int64) error {
	return s.db.Atomically(ctx, func(ctx context.Context) error {
		head, _, err := s.setting.Get(ctx, headSetting)
		if err != nil {
			return err
		}
		old, err := s.feed.Scan(ctx, nil, 0, func(p int64, e unsubscribe.FeedEvent) bool { return e.At < at && p != head })
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
