package merkle

import (
	"fmt"
	"slices"
)

// VerifyInclusion judges the proof that the log of this size and root has this
// leaf at the index. hashes run from the leaf's sibling upwards. [ErrRange] if
// index is not below size or size above [MaxSize], [ErrProof] if the proof does
// not hold or has another length than it must.
func VerifyInclusion(index, size uint64, leafHash, root Hash, hashes []Hash) error {
	if index >= size || size > MaxSize {
		return fmt.Errorf("%w: leaf %d of %d", ErrRange, index, size)
	}
	w := wayToLeaf(index, size)
	steps := w.steps()
	if len(hashes) != len(steps) {
		return fmt.Errorf("%w: inclusion by %d hashes, not %d", ErrProof, len(hashes), len(steps))
	}
	h := leafHash
	for _, s := range slices.Backward(steps) {
		h, hashes = s.join(h, hashes[0]), hashes[1:]
	}
	if h != root {
		return fmt.Errorf("%w: inclusion of leaf %d in %d", ErrProof, index, size)
	}
	return nil
}

// VerifyConsistency judges the proof that the log of size leaves and this root
// begins with the old leaves whose root was oldRoot. For an old size of 0, and
// for equal sizes, the proof is empty, and the roots must be the empty one and
// equal ones. [ErrRange] if old is above size or size above [MaxSize],
// [ErrProof] if the proof does not hold or has another length than it must.
func VerifyConsistency(old, size uint64, oldRoot, root Hash, hashes []Hash) error {
	if old > size || size > MaxSize {
		return fmt.Errorf("%w: from %d to %d leaves", ErrRange, old, size)
	}
	was, is, err := runConsistency(old, size, oldRoot, root, hashes)
	if err != nil {
		return err
	}
	if was != oldRoot || is != root {
		return fmt.Errorf("%w: consistency of %d with %d", ErrProof, size, old)
	}
	return nil
}

// runConsistency returns the two roots that the proof leads to.
func runConsistency(old, size uint64, oldRoot, root Hash, hashes []Hash) (was, is Hash, err error) {
	if old == 0 {
		if size == 0 {
			root = EmptyRoot()
		}
		return EmptyRoot(), root, wantHashes(hashes, 0)
	}
	w := wayToEdge(old, size)
	if w.lo == 0 {
		// The old log is a subtree as a whole: its root is known.
		was, is, err = oldRoot, oldRoot, wantHashes(hashes, w.n)
	} else if err = wantHashes(hashes, w.n+1); err == nil {
		was, is, hashes = hashes[0], hashes[0], hashes[1:]
	}
	if err != nil {
		return Hash{}, Hash{}, err
	}
	for i, s := range slices.Backward(w.steps()) {
		side := hashes[w.n-1-i]
		if s.left {
			was = s.join(was, side)
		}
		is = s.join(is, side)
	}
	return was, is, nil
}

func wantHashes(hashes []Hash, n int) error {
	if len(hashes) != n {
		return fmt.Errorf("%w: consistency by %d hashes, not %d", ErrProof, len(hashes), n)
	}
	return nil
}

// join returns the node above what the way took and the side it did not take.
func (s step) join(taken, side Hash) Hash {
	if s.left {
		return HashNode(side, taken)
	}
	return HashNode(taken, side)
}
