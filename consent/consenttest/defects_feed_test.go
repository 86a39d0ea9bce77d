package consenttest

import (
	"context"

	"github.com/trothdev/troth/consent"
	"github.com/trothdev/troth/internal/suite"
	"github.com/trothdev/troth/internal/suite/proof"
)

var feedDefects = append(proof.FeedDefects("feed", breaksFeed), proof.Defect[Harness]{
	Name: "names are forgotten", Caught: "events come back with their names and instants",
	Inject: breaks(func(s consent.Backend, b *broken) {
		b.follow = func(ctx context.Context, after int64) (consent.Followed, error) {
			f, err := s.Follow(ctx, after)
			for i := range f.Events {
				f.Events[i].SubjectID = ""
			}
			return f, err
		}
	}),
})

// breaksFeed replaces the feed of the store.
func breaksFeed(wrong func(f *suite.Feed[consent.FeedEvent])) func(h *Harness) {
	return breaks(func(s consent.Backend, b *broken) {
		feed := feedOf(s)
		wrong(&feed)
		b.raise, b.pruneFeed = feed.Raise, feed.Prune
		b.follow = func(ctx context.Context, after int64) (consent.Followed, error) {
			f, err := feed.Follow(ctx, after)
			return consent.Followed(f), err
		}
	})
}
