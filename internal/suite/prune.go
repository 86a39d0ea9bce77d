package suite

func (r FeedRig[E]) prune(at int64) {
	r.Helper()
	r.OK(r.Feed.Prune(r.Context(), at), "prune")
}

// threeEvents raises events at Instant, +1 and +2 and returns them, oldest first, with
// the head afterwards.
func (r FeedRig[E]) threeEvents() (es []E, head int64) {
	r.Helper()
	for i := range int64(3) {
		es = append(es, r.Feed.Event(r.A, string(rune('1'+i)), Instant+i))
		r.Raise(r.Context(), es[i])
		head = r.Follow(r.Context(), head).Head
	}
	return es, head
}

// PruneChecks are the checks of pruning; what names a feed in the package's words.
func PruneChecks[R any, E comparable](what string, feed func(r R) FeedRig[E]) []Check[R] {
	return on(feed, pruneChecks[E](what))
}

func pruneChecks[E comparable](what string) []Check[FeedRig[E]] {
	return []Check[FeedRig[E]]{
		{Name: "what is not older stays", Run: func(r FeedRig[E]) {
			es, _ := r.threeEvents()
			r.prune(Instant)
			f := r.Follow(r.Context(), 0)
			r.Happened(f, es...)
			if f.Gap {
				r.Fatalf("a gap, where nothing is gone")
			}
		}},
		{Name: "what is older goes, and who has not seen it is told of a gap", Run: func(r FeedRig[E]) {
			es, head := r.threeEvents()
			r.prune(Instant + 1)
			f := r.Follow(r.Context(), 0)
			r.Happened(f, es[1:]...)
			if !f.Gap || f.Head != head {
				r.Fatalf("gap %v, head %d", f.Gap, f.Head)
			}
			f = r.Follow(r.Context(), head-2)
			r.Happened(f, es[1:]...)
			if f.Gap {
				r.Fatalf("a gap, where everything that came after is there")
			}
		}},
		{Name: "the newest stays, however old", Run: func(r FeedRig[E]) {
			es, head := r.threeEvents()
			r.prune(Instant + 1000)
			f := r.Follow(r.Context(), head-1)
			r.Happened(f, es[2])
			if f.Gap || f.Head != head {
				r.Fatalf("gap %v, head %d", f.Gap, f.Head)
			}
			if f = r.Follow(r.Context(), head-2); !f.Gap {
				r.Fatalf("no gap, where one event is gone")
			}
			if f = r.Follow(r.Context(), -1); f.Head != head || f.Gap {
				r.Fatalf("gap %v, head %d", f.Gap, f.Head)
			}
			if f = r.Follow(r.Context(), head); f.Gap || len(f.Events) > 0 {
				r.Fatalf("gap %v, %d events for one who has seen all", f.Gap, len(f.Events))
			}
		}},
		{Name: "positions go on after a pruning", Run: func(r FeedRig[E]) {
			_, head := r.threeEvents()
			r.prune(Instant + 1000)
			next := r.Feed.Event(r.B, "4", Instant+2000)
			r.Raise(r.Context(), next)
			f := r.Follow(r.Context(), head)
			r.Happened(f, next)
			if f.Gap || f.Head != head+1 {
				r.Fatalf("gap %v, head %d, want %d", f.Gap, f.Head, head+1)
			}
		}},
		{Name: "an event that was old when it came is told as itself or as a gap", Run: func(r FeedRig[E]) {
			_, head := r.threeEvents()
			r.Raise(r.Context(), r.Feed.Event(r.A, "old", Instant-1000), r.Feed.Event(r.A, "new", Instant))
			r.prune(Instant)
			f := r.Follow(r.Context(), head)
			if !f.Gap && len(f.Events) != 2 {
				r.Fatalf("an event is gone and nobody is told: %+v", f)
			}
		}},
		{Name: "a gap inside of what was kept is a gap", Run: func(r FeedRig[E]) {
			_, head := r.threeEvents()
			r.Raise(r.Context(), r.Feed.Event(r.A, "old", Instant-1000))
			r.Follow(r.Context(), head)
			r.Raise(r.Context(), r.Feed.Event(r.A, "new", Instant))
			r.Follow(r.Context(), head)
			r.prune(Instant)
			if f := r.Follow(r.Context(), head-1); !f.Gap && len(f.Events) != 3 {
				r.Fatalf("an event is gone and nobody is told: %+v", f)
			}
		}},
		{Name: "pruning an empty " + what + " does nothing", Run: func(r FeedRig[E]) {
			r.prune(Instant)
			r.Happened(r.Follow(r.Context(), 0))
		}},
	}
}
