package unsubscribetest

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"sync"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/unsubscribe"
)

func event(tenant troth.Tenant, who string, at int64) unsubscribe.FeedEvent {
	return unsubscribe.FeedEvent{Tenant: tenant, Key: keyOf(who), At: at}
}

// plenty is a limit that no check reaches.
const plenty = 1000

func (r *rig) raise(ctx context.Context, es ...unsubscribe.FeedEvent) {
	r.Helper()
	for _, e := range es {
		r.ok(r.s.Raise(ctx, e), "raise")
	}
}

func (r *rig) follow(ctx context.Context, after int64) unsubscribe.Followed {
	r.Helper()
	f, err := r.s.Follow(ctx, after, plenty)
	r.ok(err, "follow")
	return f
}

// happened demands these events and no others, in any order.
func (r *rig) happened(f unsubscribe.Followed, want ...unsubscribe.FeedEvent) {
	r.Helper()
	if len(f.Events) != len(want) {
		r.Fatalf("%d events, want %d: %+v", len(f.Events), len(want), f.Events)
	}
	for _, w := range want {
		if !slices.ContainsFunc(f.Events, func(e unsubscribe.FeedEvent) bool {
			return e.Tenant == w.Tenant && e.Key == w.Key && e.At == w.At
		}) {
			r.Fatalf("events: got %+v, which has no %+v", f.Events, w)
		}
	}
}

// numbered demands positions without gaps that end with the head.
func (r *rig) numbered(f unsubscribe.Followed) {
	r.Helper()
	es := slices.SortedFunc(slices.Values(f.Events), func(a, b unsubscribe.FeedEvent) int { return cmp.Compare(a.Position, b.Position) })
	for i, e := range es {
		if want := f.Head - int64(len(es)-1-i); e.Position != want {
			r.Fatalf("position %d, want %d; head %d", e.Position, want, f.Head)
		}
	}
}

var feedChecks = []check{
	{name: "nothing has happened before the first event", run: func(r *rig) {
		for _, after := range []int64{-1, 0} {
			f := r.follow(r.Context(), after)
			r.happened(f)
			if f.Head != 0 || f.Gap {
				r.Fatalf("head %d, gap %v", f.Head, f.Gap)
			}
		}
	}},
	{name: "events come back with their keys and instants", run: func(r *rig) {
		ctx := r.Context()
		es := []unsubscribe.FeedEvent{
			{Tenant: r.a, Key: keyOf("42"), At: instant},
			{Tenant: r.a, Key: keyOf("43"), At: instant + 1},
			{Tenant: r.b, At: instant - 1},
			{Tenant: r.a, Key: keyOf("42"), At: instant + 2},
		}
		r.raise(ctx, es...)
		r.happened(r.follow(ctx, 0), es...)
	}},
	{name: "positions count committed events from 1 without gaps", run: func(r *rig) {
		ctx := r.Context()
		r.raise(ctx, event(r.a, "1", instant), event(r.b, "2", instant))
		r.refused(ctx, func(ctx context.Context) { r.raise(ctx, event(r.a, "undone", instant)) })
		r.atomically(ctx, func(ctx context.Context) {
			r.refused(ctx, func(ctx context.Context) { r.raise(ctx, event(r.a, "undone", instant)) })
			r.raise(ctx, event(r.a, "3", instant))
		})
		f := r.follow(ctx, 0)
		r.happened(f, event(r.a, "1", instant), event(r.b, "2", instant), event(r.a, "3", instant))
		r.numbered(f)
		if f.Head != 3 || f.Gap {
			r.Fatalf("head %d, gap %v", f.Head, f.Gap)
		}
	}},
	{name: "a negative position asks for nothing but the head", run: func(r *rig) {
		ctx := r.Context()
		r.raise(ctx, event(r.a, "1", instant), event(r.a, "2", instant))
		head := r.follow(ctx, 0).Head
		f := r.follow(ctx, -1)
		r.happened(f)
		if f.Head != head || f.Gap {
			r.Fatalf("head %d, gap %v, want %d", f.Head, f.Gap, head)
		}
	}},
	{name: "who has followed sees what came after, and nothing twice", run: func(r *rig) {
		ctx := r.Context()
		r.raise(ctx, event(r.a, "1", instant))
		f := r.follow(ctx, 0)
		for i := range 3 {
			next := event(r.a, "more "+strconv.Itoa(i), instant)
			r.raise(ctx, next)
			seen := f.Head
			f = r.follow(ctx, seen)
			r.happened(f, next)
			r.numbered(f)
			if f.Head != seen+1 || f.Gap {
				r.Fatalf("head %d after %d, gap %v", f.Head, seen, f.Gap)
			}
		}
		again := r.follow(ctx, f.Head)
		r.happened(again)
		if again.Head != f.Head || again.Gap {
			r.Fatalf("head %d, gap %v, want %d", again.Head, again.Gap, f.Head)
		}
	}},
	{name: "an event is seen when it is committed and not before", run: func(r *rig) {
		outside := r.Context()
		r.atomically(outside, func(ctx context.Context) {
			r.raise(ctx, event(r.a, "1", instant))
			r.happened(r.follow(outside, 0))
		})
		r.happened(r.follow(outside, 0), event(r.a, "1", instant))
	}},
	{name: "a transaction sees its own events", run: func(r *rig) {
		r.raise(r.Context(), event(r.a, "1", instant))
		r.atomically(r.Context(), func(ctx context.Context) {
			r.raise(ctx, event(r.a, "2", instant))
			r.happened(r.follow(ctx, 0), event(r.a, "1", instant), event(r.a, "2", instant))
		})
	}},
	{name: "who follows inside a transaction takes no event from others", run: func(r *rig) {
		ctx := r.Context()
		first, second := event(r.a, "1", instant), event(r.a, "2", instant)
		r.raise(ctx, first)
		head := r.follow(ctx, 0).Head
		r.raise(ctx, second)
		r.refused(ctx, func(ctx context.Context) { r.happened(r.follow(ctx, head), second) })
		f := r.follow(ctx, head)
		r.happened(f, second)
		r.numbered(f)
	}},
	{name: "an event that commits after a later one was followed is seen", needs: manyWriters, run: func(r *rig) {
		outside := r.Context()
		early, late := event(r.a, "early", instant), event(r.a, "late", instant+1)
		var seen int64
		r.atomically(outside, func(ctx context.Context) {
			r.raise(ctx, early)
			r.raise(outside, late)
			f := r.follow(outside, 0)
			r.happened(f, late)
			seen = r.follow(outside, f.Head).Head
		})
		f := r.follow(outside, seen)
		r.happened(f, early)
		r.numbered(f)
		if f.Gap {
			r.Fatalf("a gap, where nothing is gone")
		}
	}},
	{name: "every follower sees every event of a crowd", run: func(r *rig) {
		const each = 10
		var raising sync.WaitGroup
		raising.Go(func() {
			r.race(func(i int) error {
				for j := range each {
					if err := r.s.Raise(r.Context(), event(r.a, strconv.Itoa(i*each+j), instant)); err != nil {
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
			followers.Go(func() { r.seesAll(raised, crowd*each) })
		}
		followers.Wait()
		f := r.follow(r.Context(), 0)
		r.numbered(f)
		if f.Head != crowd*each {
			r.Fatalf("head %d, want %d", f.Head, crowd*each)
		}
	}},
}

// pageChecks are about the limit.
var pageChecks = []check{
	{name: "a limit gives the oldest, in order, and says that there is more", run: func(r *rig) {
		ctx := r.Context()
		var want []unsubscribe.FeedEvent
		for i := range 7 {
			want = append(want, event(r.a, strconv.Itoa(i), instant))
			r.raise(ctx, want[i])
			r.follow(ctx, int64(i))
		}
		var after int64
		for at := 0; at < len(want); at += 3 {
			page := want[at:min(at+3, len(want))]
			f, err := r.s.Follow(ctx, after, 3)
			r.ok(err, "follow")
			r.happened(f, page...)
			for i, e := range f.Events {
				if e.Key != page[i].Key || e.Position != after+int64(i)+1 {
					r.Fatalf("out of order: %+v", f.Events)
				}
			}
			if more := at+3 < len(want); f.More != more || f.Gap {
				r.Fatalf("more %v, want %v; gap %v", f.More, more, f.Gap)
			}
			after += int64(len(page))
		}
	}},
	{name: "a limit of events that had no position loses none", run: func(r *rig) {
		ctx := r.Context()
		r.atomically(ctx, func(ctx context.Context) {
			for i := range 10 {
				r.raise(ctx, event(r.a, strconv.Itoa(i), instant))
			}
		})
		seen := map[unsubscribe.Key]bool{}
		for after, more := int64(0), true; more; {
			f, err := r.s.Follow(ctx, after, 4)
			r.ok(err, "follow")
			for _, e := range f.Events {
				seen[e.Key] = true
				after = max(after, e.Position)
			}
			if more = f.More; f.Gap || more && len(f.Events) == 0 {
				r.Fatalf("gap %v, more %v", f.Gap, f.More)
			}
		}
		if len(seen) != 10 {
			r.Fatalf("%d of 10 events were seen", len(seen))
		}
	}},
}

// seesAll follows until everything was raised, and once more.
func (r *rig) seesAll(raised <-chan struct{}, want int) {
	seen := map[unsubscribe.Key]bool{}
	var head int64
	for over := false; !over; {
		select {
		case <-raised:
			over = true
		default:
		}
		f, err := r.s.Follow(r.Context(), head, plenty)
		if err != nil || f.Gap {
			r.Errorf("follow: gap %v, %v", f.Gap, err)
			return
		}
		for _, e := range f.Events {
			seen[e.Key] = true
		}
		head = max(head, f.Head)
	}
	if len(seen) != want {
		r.Errorf("a follower saw %d of %d events", len(seen), want)
	}
}
