package unsubscribetest

import (
	"context"
	"slices"

	"github.com/trothdev/troth/internal/suite"
	"github.com/trothdev/troth/internal/suite/proof"
	"github.com/trothdev/troth/unsubscribe"
)

var feedDefects = append(
	proof.FeedDefects("feed", breaksFeed),
	proof.Defect[Harness]{
		Name: "keys are forgotten", Caught: "events come back with their keys and instants",
		Inject: follows(func(f *unsubscribe.Followed) {
			for i := range f.Events {
				f.Events[i].Key = unsubscribe.Key{}
			}
		}),
	},
	proof.Defect[Harness]{
		Name: "the newest come first", Caught: "a limit gives the oldest, in order, and says that there is more",
		Inject: follows(func(f *unsubscribe.Followed) { slices.Reverse(f.Events) }),
	},
	proof.Defect[Harness]{
		Name: "what is beyond the limit is told as seen", Caught: "a limit of events that had no position loses none",
		Inject: follows(func(f *unsubscribe.Followed) { f.More = false }),
	},
)

// follows changes what who follows is told.
func follows(wrong func(f *unsubscribe.Followed)) func(h *Harness) {
	return breaks(func(s unsubscribe.Backend, b *broken) {
		b.follow = func(ctx context.Context, after int64, limit int) (unsubscribe.Followed, error) {
			f, err := s.Follow(ctx, after, limit)
			wrong(&f)
			return f, err
		}
	})
}

// breaksFeed replaces the feed of the store, for as many events as there are.
func breaksFeed(wrong func(f *suite.Feed[unsubscribe.FeedEvent])) func(h *Harness) {
	return breaks(func(s unsubscribe.Backend, b *broken) {
		feed := feedOf(s)
		wrong(&feed)
		b.raise, b.pruneFeed = feed.Raise, feed.Prune
		b.follow = func(ctx context.Context, after int64, _ int) (unsubscribe.Followed, error) {
			f, err := feed.Follow(ctx, after)
			return unsubscribe.Followed{Events: f.Events, Head: f.Head, Gap: f.Gap}, err
		}
	})
}
