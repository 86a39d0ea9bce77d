package proof

import (
	"context"
	"errors"

	"github.com/trothdev/troth/internal/suite"
)

var errBroken = errors.New("broken on purpose")

// FeedDefects are those that fail the checks of feeds and their pruning. breaks makes
// the injection of a wrong feed; what names a feed in the package's words.
func FeedDefects[H any, E comparable](what string, breaks func(wrong func(f *suite.Feed[E])) func(h *H)) []Defect[H] {
	type (
		feed     = suite.Feed[E]
		followed = suite.Followed[E]
	)
	flawed := func(w flaw) func(h *H) { return breaks(func(f *feed) { loose(f, w) }) }
	follows := func(wrong func(told *followed, after int64)) func(h *H) {
		return breaks(func(f *feed) {
			sound := f.Follow
			f.Follow = func(ctx context.Context, after int64) (followed, error) {
				told, err := sound(ctx, after)
				wrong(&told, after)
				return told, err
			}
		})
	}
	prunes := func(wrong func(sound feed) func(ctx context.Context, at int64) error) func(h *H) {
		return breaks(func(f *feed) { f.Prune = wrong(*f) })
	}
	noGap := follows(func(told *followed, _ int64) { told.Gap = false })
	return []Defect[H]{
		{"the head begins at 1", "nothing has happened before the first event", follows(func(told *followed, _ int64) {
			told.Head = max(told.Head, 1)
		})},
		{"what is undone takes a position", "positions count committed events from 1 without gaps", flawed(numbersOnRaising)},
		{"events are numbered as they are raised", "an event that commits after a later one was followed is seen", flawed(numbersOnRaising)},
		{"what is not committed is shown", "an event is seen when it is committed and not before", flawed(showsUncommitted)},
		{"an event is told once", "who follows inside a transaction takes no event from others", flawed(tellsOnce)},
		{"of many followers one is told", "every follower sees every event of a crowd", flawed(tellsOnce)},
		{"events without a position are left out", "who has followed sees what came after, and nothing twice", flawed(hidesUnnumbered)},
		{"a negative position is the first", "a negative position asks for nothing but the head", breaks(func(f *feed) {
			sound := f.Follow
			f.Follow = func(ctx context.Context, after int64) (followed, error) { return sound(ctx, max(0, after)) }
		})},
		{"only committed events are told", "a transaction sees its own events", breaks(func(f *feed) {
			sound := *f
			f.Follow = func(ctx context.Context, after int64) (followed, error) {
				return sound.Follow(sound.TX.Detach(ctx), after)
			}
		})},
		{"all but the newest go", "what is not older stays", prunes(func(sound feed) func(context.Context, int64) error {
			return func(ctx context.Context, _ int64) error { return sound.Prune(ctx, 1<<62) }
		})},
		{"nothing goes", "what is older goes, and who has not seen it is told of a gap", prunes(func(feed) func(context.Context, int64) error {
			return func(context.Context, int64) error { return nil }
		})},
		{"there is never a gap", "the newest stays, however old", noGap},
		{"a gap is only before the first", "a gap inside of what was kept is a gap", breaks(func(f *feed) {
			sound := *f
			f.Follow = func(ctx context.Context, after int64) (followed, error) {
				told, err := sound.Follow(ctx, after)
				told.Gap = len(told.Events) > 0 && *f.Position(&told.Events[0]) > after+1
				return told, err
			}
		})},
		{"what is gone is not told", "an event that was old when it came is told as itself or as a gap", noGap},
		{"positions begin again", "positions go on after a pruning", breaks(func(f *feed) {
			sound, pruned := *f, false
			f.Prune = func(ctx context.Context, at int64) error {
				pruned = true
				return sound.Prune(ctx, at)
			}
			f.Follow = func(ctx context.Context, after int64) (followed, error) {
				if pruned && after > 0 {
					return followed{Head: 1}, nil
				}
				return sound.Follow(ctx, after)
			}
		})},
		{"an empty " + what + " cannot be pruned", "pruning an empty " + what + " does nothing", prunes(func(sound feed) func(context.Context, int64) error {
			return func(ctx context.Context, at int64) error {
				if told, err := sound.Follow(ctx, 0); err != nil || len(told.Events) == 0 {
					return errBroken
				}
				return sound.Prune(ctx, at)
			}
		})},
	}
}
