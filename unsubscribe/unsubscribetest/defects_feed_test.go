package unsubscribetest

import (
	"context"
	"slices"

	"github.com/trothdev/troth/unsubscribe"
)

var feedDefects = []defect{
	{"the head begins at 1", "nothing has happened before the first event", follows(func(f *unsubscribe.Followed, _ int64) {
		f.Head = max(f.Head, 1)
	})},
	{"keys are forgotten", "events come back with their keys and instants", follows(func(f *unsubscribe.Followed, _ int64) {
		for i := range f.Events {
			f.Events[i].Key = unsubscribe.Key{}
		}
	})},
	{"what is undone takes a position", "positions count committed events from 1 without gaps", feed(numbersOnRaising)},
	{"events are numbered as they are raised", "an event that commits after a later one was followed is seen", feed(numbersOnRaising)},
	{"what is not committed is shown", "an event is seen when it is committed and not before", feed(showsUncommitted)},
	{"an event is told once", "who follows inside a transaction takes no event from others", feed(tellsOnce)},
	{"of many followers one is told", "every follower sees every event of a crowd", feed(tellsOnce)},
	{"events without a position are left out", "who has followed sees what came after, and nothing twice", feed(hidesUnnumbered)},
	{"a negative position is the first", "a negative position asks for nothing but the head", breaks(func(s unsubscribe.Backend, b *broken) {
		b.follow = func(ctx context.Context, after int64, limit int) (unsubscribe.Followed, error) {
			return s.Follow(ctx, max(0, after), limit)
		}
	})},
	{"only committed events are told", "a transaction sees its own events", breaks(func(s unsubscribe.Backend, b *broken) {
		b.follow = func(ctx context.Context, after int64, limit int) (unsubscribe.Followed, error) {
			return s.Follow(s.Transactor().Detach(ctx), after, limit)
		}
	})},
	{"all but the newest go", "what is not older stays", breaks(func(s unsubscribe.Backend, b *broken) {
		b.pruneFeed = func(ctx context.Context, _ int64) error { return s.PruneFeed(ctx, 1<<62) }
	})},
	{"nothing goes", "what is older goes, and who has not seen it is told of a gap", breaks(func(_ unsubscribe.Backend, b *broken) {
		b.pruneFeed = func(context.Context, int64) error { return nil }
	})},
	{"there is never a gap", "the newest stays, however old", follows(func(f *unsubscribe.Followed, _ int64) { f.Gap = false })},
	{"a gap is only before the first", "a gap inside of what was kept is a gap", follows(func(f *unsubscribe.Followed, after int64) {
		f.Gap = len(f.Events) > 0 && f.Events[0].Position > after+1
	})},
	{
		"what is gone is not told", "an event that was old when it came is told as itself or as a gap",
		follows(func(f *unsubscribe.Followed, _ int64) { f.Gap = false }),
	},
	{"positions begin again", "positions go on after a pruning", breaks(func(s unsubscribe.Backend, b *broken) {
		var pruned bool
		b.pruneFeed = func(ctx context.Context, at int64) error {
			pruned = true
			return s.PruneFeed(ctx, at)
		}
		b.follow = func(ctx context.Context, after int64, limit int) (unsubscribe.Followed, error) {
			if pruned && after > 0 {
				return unsubscribe.Followed{Head: 1}, nil
			}
			return s.Follow(ctx, after, limit)
		}
	})},
	{"the newest come first", "a limit gives the oldest, in order, and says that there is more", follows(func(f *unsubscribe.Followed, _ int64) {
		slices.Reverse(f.Events)
	})},
	{"what is beyond the limit is told as seen", "a limit of events that had no position loses none", follows(func(f *unsubscribe.Followed, _ int64) {
		f.More = false
	})},
	{"an empty feed cannot be pruned", "pruning an empty feed does nothing", breaks(func(s unsubscribe.Backend, b *broken) {
		b.pruneFeed = func(ctx context.Context, at int64) error {
			if f, err := s.Follow(ctx, 0, 10); err != nil || len(f.Events) == 0 {
				return errBroken
			}
			return s.PruneFeed(ctx, at)
		}
	})},
}

func follows(wrong func(f *unsubscribe.Followed, after int64)) func(h *Harness) {
	return breaks(func(s unsubscribe.Backend, b *broken) {
		b.follow = func(ctx context.Context, after int64, limit int) (unsubscribe.Followed, error) {
			f, err := s.Follow(ctx, after, limit)
			wrong(&f, after)
			return f, err
		}
	})
}
