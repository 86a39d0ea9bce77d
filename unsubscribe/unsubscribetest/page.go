package unsubscribetest

import (
	"context"
	"strconv"

	"github.com/trothdev/troth/unsubscribe"
)

// pageChecks are about the limit.
var pageChecks = []check{
	{Name: "a limit gives the oldest, in order, and says that there is more", Run: func(r *rig) {
		ctx := r.Context()
		var want []unsubscribe.FeedEvent
		for i := range 7 {
			want = append(want, event(r.A, strconv.Itoa(i), instant))
			r.feed().Raise(ctx, want[i])
			r.feed().Follow(ctx, int64(i))
		}
		var after int64
		for at := 0; at < len(want); at += 3 {
			page := want[at:min(at+3, len(want))]
			f, err := r.s.Follow(ctx, after, 3)
			r.OK(err, "follow")
			r.feed().Happened(told(f), page...)
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
	{Name: "a limit of events that had no position loses none", Run: func(r *rig) {
		ctx := r.Context()
		r.Atomically(ctx, func(ctx context.Context) {
			for i := range 10 {
				r.feed().Raise(ctx, event(r.A, strconv.Itoa(i), instant))
			}
		})
		seen := map[unsubscribe.Key]bool{}
		for after, more := int64(0), true; more; {
			f, err := r.s.Follow(ctx, after, 4)
			r.OK(err, "follow")
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
