package vaulttest

import (
	"context"

	"github.com/trothdev/troth/internal/suite"
	"github.com/trothdev/troth/internal/suite/proof"
	"github.com/trothdev/troth/vault"
)

var fenceDefects = append(proof.FeedDefects("fence", breaksFence), proof.Defect[Harness]{
	Name: "compartments are forgotten", Caught: "events come back with their names and instants",
	Inject: breaks(func(s vault.Backend, b *broken) {
		b.follow = func(ctx context.Context, after int64) (vault.Followed, error) {
			f, err := s.Follow(ctx, after)
			for i := range f.Events {
				f.Events[i].Compartment = ""
			}
			return f, err
		}
	}),
})

// breaksFence replaces the fence of the store.
func breaksFence(wrong func(f *suite.Feed[vault.FenceEvent])) func(h *Harness) {
	return breaks(func(s vault.Backend, b *broken) {
		fence := fenceOf(s)
		wrong(&fence)
		b.raiseFence, b.pruneFence = fence.Raise, fence.Prune
		b.follow = func(ctx context.Context, after int64) (vault.Followed, error) {
			f, err := fence.Follow(ctx, after)
			return vault.Followed(f), err
		}
	})
}
