package merkle

import (
	"fmt"
	"math/bits"
	"slices"
)

// Range is a compact range from the first leaf on: the roots of the greatest
// complete subtrees, one for each bit of the size. It is all that is needed to
// append and to know the root. The zero Range is the empty log.
type Range struct {
	size   uint64
	hashes []Hash // the biggest subtree first
}

// NewRange returns the range of size leaves with these hashes, as [Range.Hashes]
// gave them. [ErrRange] if size is above [MaxSize] or needs another number of
// hashes; whether they are the right ones, only the root can tell.
func NewRange(size uint64, hashes []Hash) (Range, error) {
	if size > MaxSize || len(hashes) != bits.OnesCount64(size) {
		return Range{}, fmt.Errorf("%w: %d hashes for %d leaves", ErrRange, len(hashes), size)
	}
	return Range{size: size, hashes: slices.Clone(hashes)}, nil
}

// Append adds a leaf by its hash.
func (r *Range) Append(leafHash Hash) { r.append(leafHash, func(int, Hash) {}) }

// append adds a leaf and tells of every node that it completes, beginning with
// the leaf itself at height 0.
func (r *Range) append(h Hash, completed func(height int, h Hash)) {
	completed(0, h)
	for height := range bits.TrailingZeros64(^r.size) {
		last := len(r.hashes) - 1
		h = HashNode(r.hashes[last], h)
		r.hashes = r.hashes[:last]
		completed(height+1, h)
	}
	r.hashes = append(r.hashes, h)
	r.size++
}

// Size returns the number of leaves.
func (r *Range) Size() uint64 { return r.size }

// Root returns the root of the log.
func (r *Range) Root() Hash { return fold(r.hashes) }

// Hashes returns a copy of the subtrees' roots, left to right, so the biggest
// first: one for each bit of the size.
func (r *Range) Hashes() []Hash { return slices.Clone(r.hashes) }

// Clone returns a range of its own with the same leaves.
func (r *Range) Clone() Range { return Range{size: r.size, hashes: slices.Clone(r.hashes)} }

// fold joins subtrees, left to right, to the root above them.
func fold(hashes []Hash) Hash {
	if len(hashes) == 0 {
		return EmptyRoot()
	}
	last := len(hashes) - 1
	h := hashes[last]
	for _, left := range slices.Backward(hashes[:last]) {
		h = HashNode(left, h)
	}
	return h
}
