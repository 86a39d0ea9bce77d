package vaulttest

import (
	"context"

	"github.com/trothdev/troth/vault"
)

var fenceDefects = []defect{
	{"the head begins at 1", "nothing has happened before the first event", follows(func(f *vault.Followed, _ int64) {
		f.Head = max(f.Head, 1)
	})},
	{"compartments are forgotten", "events come back with their names and instants", follows(func(f *vault.Followed, _ int64) {
		for i := range f.Events {
			f.Events[i].Compartment = ""
		}
	})},
	{"what is undone takes a position", "positions count committed events from 1 without gaps", fence(numbersOnRaising)},
	{"events are numbered as they are raised", "an event that commits after a later one was followed is seen", fence(numbersOnRaising)},
	{"what is not committed is shown", "an event is seen when it is committed and not before", fence(showsUncommitted)},
	{"an event is told once", "who follows inside a transaction takes no event from others", fence(tellsOnce)},
	{"of many followers one is told", "every follower sees every event of a crowd", fence(tellsOnce)},
	{"events without a position are left out", "who has followed sees what came after, and nothing twice", fence(hidesUnnumbered)},
	{"a negative position is the first", "a negative position asks for nothing but the head", breaks(func(s vault.Backend, b *broken) {
		b.follow = func(ctx context.Context, after int64) (vault.Followed, error) { return s.Follow(ctx, max(0, after)) }
	})},
	{"only committed events are told", "a transaction sees its own events", breaks(func(s vault.Backend, b *broken) {
		b.follow = func(ctx context.Context, after int64) (vault.Followed, error) {
			return s.Follow(s.Transactor().Detach(ctx), after)
		}
	})},
	{"all but the newest go", "what is not older stays", breaks(func(s vault.Backend, b *broken) {
		b.pruneFence = func(ctx context.Context, _ int64) error { return s.PruneFence(ctx, 1<<62) }
	})},
	{"nothing goes", "what is older goes, and who has not seen it is told of a gap", breaks(func(_ vault.Backend, b *broken) {
		b.pruneFence = func(context.Context, int64) error { return nil }
	})},
	{"there is never a gap", "the newest stays, however old", follows(func(f *vault.Followed, _ int64) { f.Gap = false })},
	{"a gap is only before the first", "a gap inside of what was kept is a gap", follows(func(f *vault.Followed, after int64) {
		f.Gap = len(f.Events) > 0 && f.Events[0].Position > after+1
	})},
	{
		"what is gone is not told", "an event that was old when it came is told as itself or as a gap",
		follows(func(f *vault.Followed, _ int64) { f.Gap = false }),
	},
	{"positions begin again", "positions go on after a pruning", breaks(func(s vault.Backend, b *broken) {
		var pruned bool
		b.pruneFence = func(ctx context.Context, at int64) error {
			pruned = true
			return s.PruneFence(ctx, at)
		}
		b.follow = func(ctx context.Context, after int64) (vault.Followed, error) {
			if pruned && after > 0 {
				return vault.Followed{Head: 1}, nil
			}
			return s.Follow(ctx, after)
		}
	})},
	{"an empty fence cannot be pruned", "pruning an empty fence does nothing", breaks(func(s vault.Backend, b *broken) {
		b.pruneFence = func(ctx context.Context, at int64) error {
			if f, err := s.Follow(ctx, 0); err != nil || len(f.Events) == 0 {
				return errBroken
			}
			return s.PruneFence(ctx, at)
		}
	})},
}

func follows(wrong func(f *vault.Followed, after int64)) func(h *Harness) {
	return breaks(func(s vault.Backend, b *broken) {
		b.follow = func(ctx context.Context, after int64) (vault.Followed, error) {
			f, err := s.Follow(ctx, after)
			wrong(&f, after)
			return f, err
		}
	})
}
