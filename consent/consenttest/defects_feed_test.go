package consenttest

import (
	"context"

	"github.com/trothdev/troth/consent"
)

var feedDefects = []defect{
	{"the head begins at 1", "nothing has happened before the first event", follows(func(f *consent.Followed, _ int64) {
		f.Head = max(f.Head, 1)
	})},
	{"names are forgotten", "events come back with their names and instants", follows(func(f *consent.Followed, _ int64) {
		for i := range f.Events {
			f.Events[i].SubjectID = ""
		}
	})},
	{"what is undone takes a position", "positions count committed events from 1 without gaps", feed(numbersOnRaising)},
	{"events are numbered as they are raised", "an event that commits after a later one was followed is seen", feed(numbersOnRaising)},
	{"what is not committed is shown", "an event is seen when it is committed and not before", feed(showsUncommitted)},
	{"an event is told once", "who follows inside a transaction takes no event from others", feed(tellsOnce)},
	{"of many followers one is told", "every follower sees every event of a crowd", feed(tellsOnce)},
	{"events without a position are left out", "who has followed sees what came after, and nothing twice", feed(hidesUnnumbered)},
	{"a negative position is the first", "a negative position asks for nothing but the head", breaks(func(s consent.Backend, b *broken) {
		b.follow = func(ctx context.Context, after int64) (consent.Followed, error) { return s.Follow(ctx, max(0, after)) }
	})},
	{"only committed events are told", "a transaction sees its own events", breaks(func(s consent.Backend, b *broken) {
		b.follow = func(ctx context.Context, after int64) (consent.Followed, error) {
			return s.Follow(s.Transactor().Detach(ctx), after)
		}
	})},
	{"all but the newest go", "what is not older stays", breaks(func(s consent.Backend, b *broken) {
		b.pruneFeed = func(ctx context.Context, _ int64) error { return s.PruneFeed(ctx, 1<<62) }
	})},
	{"nothing goes", "what is older goes, and who has not seen it is told of a gap", breaks(func(_ consent.Backend, b *broken) {
		b.pruneFeed = func(context.Context, int64) error { return nil }
	})},
	{"there is never a gap", "the newest stays, however old", follows(func(f *consent.Followed, _ int64) { f.Gap = false })},
	{"a gap is only before the first", "a gap inside of what was kept is a gap", follows(func(f *consent.Followed, after int64) {
		f.Gap = len(f.Events) > 0 && f.Events[0].Position > after+1
	})},
	{
		"what is gone is not told", "an event that was old when it came is told as itself or as a gap",
		follows(func(f *consent.Followed, _ int64) { f.Gap = false }),
	},
	{"positions begin again", "positions go on after a pruning", breaks(func(s consent.Backend, b *broken) {
		var pruned bool
		b.pruneFeed = func(ctx context.Context, at int64) error {
			pruned = true
			return s.PruneFeed(ctx, at)
		}
		b.follow = func(ctx context.Context, after int64) (consent.Followed, error) {
			if pruned && after > 0 {
				return consent.Followed{Head: 1}, nil
			}
			return s.Follow(ctx, after)
		}
	})},
	{"an empty feed cannot be pruned", "pruning an empty feed does nothing", breaks(func(s consent.Backend, b *broken) {
		b.pruneFeed = func(ctx context.Context, at int64) error {
			if f, err := s.Follow(ctx, 0); err != nil || len(f.Events) == 0 {
				return errBroken
			}
			return s.PruneFeed(ctx, at)
		}
	})},
}

func follows(wrong func(f *consent.Followed, after int64)) func(h *Harness) {
	return breaks(func(s consent.Backend, b *broken) {
		b.follow = func(ctx context.Context, after int64) (consent.Followed, error) {
			f, err := s.Follow(ctx, after)
			wrong(&f, after)
			return f, err
		}
	})
}
