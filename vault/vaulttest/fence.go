package vaulttest

import (
	"context"
	"slices"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/suite"
	"github.com/trothdev/troth/vault"
)

func event(tenant troth.Tenant, subject string, at int64) vault.FenceEvent {
	return vault.FenceEvent{KeyName: name(tenant, subject, "profile"), At: at}
}

func fenceOf(s vault.Backend) suite.Feed[vault.FenceEvent] {
	return suite.Feed[vault.FenceEvent]{
		TX:    s.Transactor(),
		Raise: s.RaiseFence,
		Follow: func(ctx context.Context, after int64) (suite.Followed[vault.FenceEvent], error) {
			f, err := s.Follow(ctx, after)
			return suite.Followed[vault.FenceEvent](f), err
		},
		Prune:    s.PruneFence,
		Event:    event,
		Position: func(e *vault.FenceEvent) *int64 { return &e.Position },
	}
}

func (r *rig) feed() suite.FeedRig[vault.FenceEvent] {
	return suite.FeedRig[vault.FenceEvent]{Rig: &r.Rig, Feed: fenceOf(r.s)}
}

var fenceChecks = slices.Concat([]check{
	{Name: "events come back with their names and instants", Run: func(r *rig) {
		ctx := r.Context()
		es := []vault.FenceEvent{
			{KeyName: name(r.A, "42", "profile"), At: instant},
			{KeyName: name(r.A, "42", ""), At: instant + 1},
			{KeyName: name(r.B, "", ""), At: instant - 1},
			{KeyName: name(r.A, "42", "profile"), At: instant + 2},
		}
		r.feed().Raise(ctx, es...)
		r.feed().Happened(r.feed().Follow(ctx, 0), es...)
	}},
}, suite.FeedChecks((*rig).feed))

var pruneChecks = suite.PruneChecks("fence", (*rig).feed)
