package unsubscribetest

import (
	"context"
	"slices"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/suite"
	"github.com/trothdev/troth/unsubscribe"
)

func event(tenant troth.Tenant, who string, at int64) unsubscribe.FeedEvent {
	return unsubscribe.FeedEvent{Tenant: tenant, Key: keyOf(who), At: at}
}

// plenty is a limit that no check of feeds without one reaches.
const plenty = 1000

// told is what is followed, but for whether there is more.
func told(f unsubscribe.Followed) suite.Followed[unsubscribe.FeedEvent] {
	return suite.Followed[unsubscribe.FeedEvent]{Events: f.Events, Head: f.Head, Gap: f.Gap}
}

func feedOf(s unsubscribe.Backend) suite.Feed[unsubscribe.FeedEvent] {
	return suite.Feed[unsubscribe.FeedEvent]{
		TX:    s.Transactor(),
		Raise: s.Raise,
		Follow: func(ctx context.Context, after int64) (suite.Followed[unsubscribe.FeedEvent], error) {
			f, err := s.Follow(ctx, after, plenty)
			return told(f), err
		},
		Prune:    s.PruneFeed,
		Event:    event,
		Position: func(e *unsubscribe.FeedEvent) *int64 { return &e.Position },
	}
}

func (r *rig) feed() suite.FeedRig[unsubscribe.FeedEvent] {
	return suite.FeedRig[unsubscribe.FeedEvent]{Rig: &r.Rig, Feed: feedOf(r.s)}
}

var feedChecks = slices.Concat([]check{
	{Name: "events come back with their keys and instants", Run: func(r *rig) {
		ctx := r.Context()
		es := []unsubscribe.FeedEvent{
			{Tenant: r.A, Key: keyOf("42"), At: instant},
			{Tenant: r.A, Key: keyOf("43"), At: instant + 1},
			{Tenant: r.B, At: instant - 1},
			{Tenant: r.A, Key: keyOf("42"), At: instant + 2},
		}
		r.feed().Raise(ctx, es...)
		r.feed().Happened(r.feed().Follow(ctx, 0), es...)
	}},
}, suite.FeedChecks((*rig).feed))

var pruneChecks = suite.PruneChecks("feed", (*rig).feed)
