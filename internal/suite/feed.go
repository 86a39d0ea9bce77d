package suite

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"sync"

	"github.com/trothdev/troth"
)

// Feed is the part of a store that tells what happened, in the words of the three
// packages whose stores have one: events are raised inside of transactions, get
// positions after the commit, and are followed by processes that keep an answer.
type Feed[E comparable] struct {
	TX     troth.Transactor
	Raise  func(ctx context.Context, e E) error
	Follow func(ctx context.Context, after int64) (Followed[E], error)
	Prune  func(ctx context.Context, at int64) error
	// Event makes one that is about somebody.
	Event func(t troth.Tenant, who string, at int64) E
	// Position is where an event keeps its position, 0 if it has none yet.
	Position func(e *E) *int64
}

// Followed is what somebody who follows is told.
type Followed[E comparable] struct {
	Events []E
	Head   int64
	Gap    bool
}

// FeedRig is a rig on a store with a feed.
type FeedRig[E comparable] struct {
	*Rig
	Feed Feed[E]
}

// Raise raises events.
func (r FeedRig[E]) Raise(ctx context.Context, es ...E) {
	r.Helper()
	for _, e := range es {
		r.OK(r.Feed.Raise(ctx, e), "raise")
	}
}

// Follow follows.
func (r FeedRig[E]) Follow(ctx context.Context, after int64) Followed[E] {
	r.Helper()
	f, err := r.Feed.Follow(ctx, after)
	r.OK(err, "follow")
	return f
}

// Happened demands these events and no others, in any order and wherever they stand.
func (r FeedRig[E]) Happened(f Followed[E], want ...E) {
	r.Helper()
	if len(f.Events) != len(want) {
		r.Fatalf("%d events, want %d: %+v", len(f.Events), len(want), f.Events)
	}
	for _, w := range want {
		if !slices.ContainsFunc(f.Events, func(e E) bool { *r.Feed.Position(&e) = 0; return e == w }) {
			r.Fatalf("events: got %+v, which has no %+v", f.Events, w)
		}
	}
}

// numbered demands positions without gaps that end with the head.
func (r FeedRig[E]) numbered(f Followed[E]) {
	r.Helper()
	var at []int64
	for _, e := range f.Events {
		at = append(at, *r.Feed.Position(&e))
	}
	slices.SortFunc(at, cmp.Compare[int64])
	for i, got := range at {
		if want := f.Head - int64(len(at)-1-i); got != want {
			r.Fatalf("position %d, want %d; head %d", got, want, f.Head)
		}
	}
}

// on adapts a check of feeds to a suite whose rig has one.
func on[R any, E comparable](feed func(r R) FeedRig[E], checks []Check[FeedRig[E]]) (all []Check[R]) {
	for _, c := range checks {
		all = append(all, Check[R]{Name: c.Name, Needs: c.Needs, Run: func(r R) { c.Run(feed(r)) }})
	}
	return all
}

// FeedChecks are the checks of raising and following.
func FeedChecks[R any, E comparable](feed func(r R) FeedRig[E]) []Check[R] {
	return on(feed, feedChecks[E]())
}

func feedChecks[E comparable]() []Check[FeedRig[E]] {
	return []Check[FeedRig[E]]{
		{Name: "nothing has happened before the first event", Run: func(r FeedRig[E]) {
			for _, after := range []int64{-1, 0} {
				f := r.Follow(r.Context(), after)
				r.Happened(f)
				if f.Head != 0 || f.Gap {
					r.Fatalf("head %d, gap %v", f.Head, f.Gap)
				}
			}
		}},
		{Name: "positions count committed events from 1 without gaps", Run: func(r FeedRig[E]) {
			ctx := r.Context()
			r.Raise(ctx, r.Feed.Event(r.A, "1", Instant), r.Feed.Event(r.B, "2", Instant))
			r.Refused(ctx, func(ctx context.Context) { r.Raise(ctx, r.Feed.Event(r.A, "undone", Instant)) })
			r.Atomically(ctx, func(ctx context.Context) {
				r.Refused(ctx, func(ctx context.Context) { r.Raise(ctx, r.Feed.Event(r.A, "undone", Instant)) })
				r.Raise(ctx, r.Feed.Event(r.A, "3", Instant))
			})
			f := r.Follow(ctx, 0)
			r.Happened(f, r.Feed.Event(r.A, "1", Instant), r.Feed.Event(r.B, "2", Instant), r.Feed.Event(r.A, "3", Instant))
			r.numbered(f)
			if f.Head != 3 || f.Gap {
				r.Fatalf("head %d, gap %v", f.Head, f.Gap)
			}
		}},
		{Name: "a negative position asks for nothing but the head", Run: func(r FeedRig[E]) {
			ctx := r.Context()
			r.Raise(ctx, r.Feed.Event(r.A, "1", Instant), r.Feed.Event(r.A, "2", Instant))
			head := r.Follow(ctx, 0).Head
			f := r.Follow(ctx, -1)
			r.Happened(f)
			if f.Head != head || f.Gap {
				r.Fatalf("head %d, gap %v, want %d", f.Head, f.Gap, head)
			}
		}},
		{Name: "who has followed sees what came after, and nothing twice", Run: func(r FeedRig[E]) {
			ctx := r.Context()
			r.Raise(ctx, r.Feed.Event(r.A, "1", Instant))
			f := r.Follow(ctx, 0)
			for i := range 3 {
				next := r.Feed.Event(r.A, "more "+strconv.Itoa(i), Instant)
				r.Raise(ctx, next)
				seen := f.Head
				f = r.Follow(ctx, seen)
				r.Happened(f, next)
				r.numbered(f)
				if f.Head != seen+1 || f.Gap {
					r.Fatalf("head %d after %d, gap %v", f.Head, seen, f.Gap)
				}
			}
			again := r.Follow(ctx, f.Head)
			r.Happened(again)
			if again.Head != f.Head || again.Gap {
				r.Fatalf("head %d, gap %v, want %d", again.Head, again.Gap, f.Head)
			}
		}},
		{Name: "an event is seen when it is committed and not before", Run: func(r FeedRig[E]) {
			outside := r.Context()
			r.Atomically(outside, func(ctx context.Context) {
				r.Raise(ctx, r.Feed.Event(r.A, "1", Instant))
				r.Happened(r.Follow(outside, 0))
			})
			r.Happened(r.Follow(outside, 0), r.Feed.Event(r.A, "1", Instant))
		}},
		{Name: "a transaction sees its own events", Run: func(r FeedRig[E]) {
			r.Raise(r.Context(), r.Feed.Event(r.A, "1", Instant))
			r.Atomically(r.Context(), func(ctx context.Context) {
				r.Raise(ctx, r.Feed.Event(r.A, "2", Instant))
				r.Happened(r.Follow(ctx, 0), r.Feed.Event(r.A, "1", Instant), r.Feed.Event(r.A, "2", Instant))
			})
		}},
		{Name: "who follows inside a transaction takes no event from others", Run: func(r FeedRig[E]) {
			ctx := r.Context()
			first, second := r.Feed.Event(r.A, "1", Instant), r.Feed.Event(r.A, "2", Instant)
			r.Raise(ctx, first)
			head := r.Follow(ctx, 0).Head
			r.Raise(ctx, second)
			r.Refused(ctx, func(ctx context.Context) { r.Happened(r.Follow(ctx, head), second) })
			f := r.Follow(ctx, head)
			r.Happened(f, second)
			r.numbered(f)
		}},
		{Name: "an event that commits after a later one was followed is seen", Needs: ManyWriters, Run: func(r FeedRig[E]) {
			outside := r.Context()
			early, late := r.Feed.Event(r.A, "early", Instant), r.Feed.Event(r.A, "late", Instant+1)
			var seen int64
			r.Atomically(outside, func(ctx context.Context) {
				r.Raise(ctx, early)
				r.Raise(outside, late)
				f := r.Follow(outside, 0)
				r.Happened(f, late)
				seen = r.Follow(outside, f.Head).Head
			})
			f := r.Follow(outside, seen)
			r.Happened(f, early)
			r.numbered(f)
			if f.Gap {
				r.Fatalf("a gap, where nothing is gone")
			}
		}},
		{Name: "every follower sees every event of a crowd", Run: func(r FeedRig[E]) {
			const each = 10
			var raising sync.WaitGroup
			raising.Go(func() {
				r.Race(func(i int) error {
					for j := range each {
						if err := r.Feed.Raise(r.Context(), r.Feed.Event(r.A, strconv.Itoa(i*each+j), Instant)); err != nil {
							return err
						}
					}
					return nil
				})
			})
			raised := make(chan struct{})
			go func() { raising.Wait(); close(raised) }()
			var followers sync.WaitGroup
			for range 3 {
				followers.Go(func() { r.seesAll(raised, Crowd*each) })
			}
			followers.Wait()
			f := r.Follow(r.Context(), 0)
			r.numbered(f)
			if f.Head != Crowd*each {
				r.Fatalf("head %d, want %d", f.Head, Crowd*each)
			}
		}},
	}
}

// seesAll follows until everything was raised, and once more.
func (r FeedRig[E]) seesAll(raised <-chan struct{}, want int) {
	seen := map[E]bool{}
	var head int64
	for over := false; !over; {
		select {
		case <-raised:
			over = true
		default:
		}
		f, err := r.Feed.Follow(r.Context(), head)
		if err != nil || f.Gap {
			r.Errorf("follow: gap %v, %v", f.Gap, err)
			return
		}
		for _, e := range f.Events {
			*r.Feed.Position(&e) = 0
			seen[e] = true
		}
		head = max(head, f.Head)
	}
	if len(seen) != want {
		r.Errorf("a follower saw %d of %d events", len(seen), want)
	}
}
