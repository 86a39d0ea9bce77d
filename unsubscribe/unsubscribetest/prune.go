package unsubscribetest

import "github.com/trothdev/troth/unsubscribe"

func (r *rig) prune(at int64) {
	r.Helper()
	r.ok(r.s.PruneFeed(r.Context(), at), "prune feed")
}

// threeEvents raises events at instant, +1 and +2 and returns them, oldest
// first, with the head before and after.
func (r *rig) threeEvents() (es []unsubscribe.FeedEvent, head int64) {
	r.Helper()
	for i := range int64(3) {
		es = append(es, event(r.a, string(rune('1'+i)), instant+i))
		r.raise(r.Context(), es[i])
		head = r.follow(r.Context(), head).Head
	}
	return es, head
}

var pruneChecks = []check{
	{name: "what is not older stays", run: func(r *rig) {
		es, _ := r.threeEvents()
		r.prune(instant)
		f := r.follow(r.Context(), 0)
		r.happened(f, es...)
		if f.Gap {
			r.Fatalf("a gap, where nothing is gone")
		}
	}},
	{name: "what is older goes, and who has not seen it is told of a gap", run: func(r *rig) {
		es, head := r.threeEvents()
		r.prune(instant + 1)
		f := r.follow(r.Context(), 0)
		r.happened(f, es[1:]...)
		if !f.Gap || f.Head != head {
			r.Fatalf("gap %v, head %d", f.Gap, f.Head)
		}
		f = r.follow(r.Context(), head-2)
		r.happened(f, es[1:]...)
		if f.Gap {
			r.Fatalf("a gap, where everything that came after is there")
		}
	}},
	{name: "the newest stays, however old", run: func(r *rig) {
		es, head := r.threeEvents()
		r.prune(instant + 1000)
		f := r.follow(r.Context(), head-1)
		r.happened(f, es[2])
		if f.Gap || f.Head != head {
			r.Fatalf("gap %v, head %d", f.Gap, f.Head)
		}
		if f = r.follow(r.Context(), head-2); !f.Gap {
			r.Fatalf("no gap, where one event is gone")
		}
		if f = r.follow(r.Context(), -1); f.Head != head || f.Gap {
			r.Fatalf("gap %v, head %d", f.Gap, f.Head)
		}
		if f = r.follow(r.Context(), head); f.Gap || len(f.Events) > 0 {
			r.Fatalf("gap %v, %d events for one who has seen all", f.Gap, len(f.Events))
		}
	}},
	{name: "positions go on after a pruning", run: func(r *rig) {
		_, head := r.threeEvents()
		r.prune(instant + 1000)
		next := event(r.b, "4", instant+2000)
		r.raise(r.Context(), next)
		f := r.follow(r.Context(), head)
		r.happened(f, next)
		if f.Gap || f.Head != head+1 {
			r.Fatalf("gap %v, head %d, want %d", f.Gap, f.Head, head+1)
		}
	}},
	{name: "an event that was old when it came is told as itself or as a gap", run: func(r *rig) {
		_, head := r.threeEvents()
		r.raise(r.Context(), event(r.a, "old", instant-1000), event(r.a, "new", instant))
		r.prune(instant)
		f := r.follow(r.Context(), head)
		if !f.Gap && len(f.Events) != 2 {
			r.Fatalf("an event is gone and nobody is told: %+v", f)
		}
	}},
	{name: "a gap inside of what was kept is a gap", run: func(r *rig) {
		_, head := r.threeEvents()
		r.raise(r.Context(), event(r.a, "old", instant-1000))
		r.follow(r.Context(), head)
		r.raise(r.Context(), event(r.a, "new", instant))
		r.follow(r.Context(), head)
		r.prune(instant)
		if f := r.follow(r.Context(), head-1); !f.Gap && len(f.Events) != 3 {
			r.Fatalf("an event is gone and nobody is told: %+v", f)
		}
	}},
	{name: "pruning an empty feed does nothing", run: func(r *rig) {
		r.prune(instant)
		r.happened(r.follow(r.Context(), 0))
	}},
}
