package consenttest

import (
	"context"
	"slices"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/consent"
	"github.com/trothdev/troth/internal/suite"
)

func event(tenant troth.Tenant, subject string, at int64) consent.FeedEvent {
	return consent.FeedEvent{Tenant: tenant, SubjectID: subject, At: at}
}

func feedOf(s consent.Backend) suite.Feed[consent.FeedEvent] {
	return suite.Feed[consent.FeedEvent]{
		TX:    s.Transactor(),
		Raise: s.Raise,
		Follow: func(ctx context.Context, after int64) (suite.Followed[consent.FeedEvent], error) {
			f, err := s.Follow(ctx, after)
			return suite.Followed[consent.FeedEvent](f), err
		},
		Prune:    s.PruneFeed,
		Event:    event,
		Position: func(e *consent.FeedEvent) *int64 { return &e.Position },
	}
}

func (r *rig) feed() suite.FeedRig[consent.FeedEvent] {
	return suite.FeedRig[consent.FeedEvent]{Rig: &r.Rig, Feed: feedOf(r.s)}
}

var feedChecks = slices.Concat([]check{
	{Name: "events come back with their names and instants", Run: func(r *rig) {
		ctx := r.Context()
		es := []consent.FeedEvent{
			{Tenant: r.A, SubjectID: "42", At: instant},
			{Tenant: r.A, SubjectID: "43", At: instant + 1},
			{Tenant: r.B, At: instant - 1},
			{Tenant: r.A, SubjectID: "42", At: instant + 2},
		}
		r.feed().Raise(ctx, es...)
		r.feed().Happened(r.feed().Follow(ctx, 0), es...)
	}},
}, suite.FeedChecks((*rig).feed))

var pruneChecks = suite.PruneChecks("feed", (*rig).feed)
