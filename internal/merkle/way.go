package merkle

import "math/bits"

// step is one node on the way from the root down into a log: the leaves
// [lo, hi) of its side that the way does not take, and whether that side is the
// left one.
type step struct {
	lo, hi uint64
	left   bool
}

// way is the steps from the root down, and the leaves of the place where they
// end. Provers hash the sides, verifiers are given their hashes.
type way struct {
	array  [64]step
	n      int
	lo, hi uint64
}

func (w *way) steps() []step { return w.array[:w.n] }

// turn goes one step down: to the right if right says so of the first leaf of
// the right side, which RFC 6962 puts at the greatest power of 2 below the
// width.
func (w *way) turn(right func(middle uint64) bool) {
	middle := w.lo + 1<<(bits.Len64(w.hi-w.lo-1)-1)
	s := step{lo: middle, hi: w.hi}
	if right(middle) {
		s = step{lo: w.lo, hi: middle, left: true}
		w.lo = middle
	} else {
		w.hi = middle
	}
	w.array[w.n] = s
	w.n++
}

// wayToLeaf ends at the leaf, which must be below size.
func wayToLeaf(index, size uint64) way {
	w := way{hi: size}
	for w.hi-w.lo > 1 {
		w.turn(func(middle uint64) bool { return index >= middle })
	}
	return w
}

// wayToEdge ends at the greatest subtree of the log that is one of the log of
// the first old leaves too, at its right edge. old must be from 1 to size.
func wayToEdge(old, size uint64) way {
	w := way{hi: size}
	for w.hi != old {
		w.turn(func(middle uint64) bool { return old > middle })
	}
	return w
}
