package merkle

import (
	"fmt"
	"slices"
)

// Path is the proof of what a [Map] says of one key.
type Path struct {
	// Leaf is what stands at the key's place: the key itself with its value, or,
	// to show that the key is absent, nil for an empty place, or another key.
	Leaf *Entry
	// Siblings are the hashes beside the way, from the leaf's level up to the
	// level below the root, at most 256. A map of one key or none has none.
	Siblings []Hash
}

// Prove returns the proof that a key is present with its value, or absent.
func (m *Map) Prove(key Hash) Path {
	m.Root()
	var p Path
	r := m.descend(&key, func(n *node, side int) {
		p.Siblings = append(p.Siblings, m.hash(n.side[1-side]))
	})
	slices.Reverse(p.Siblings)
	if r != 0 {
		leaf := *m.leaf(r)
		p.Leaf = &leaf
	}
	return p
}

// VerifyPath returns what the map with this root says of the key: its value and
// true, or false if it is absent. [ErrProof] if the path does not show it. What
// it refuses without hashing cannot stem from a map: more than 256 siblings,
// another key that does not belong at this place, and an empty lowest sibling,
// which would be a node with fewer than two leaves.
func VerifyPath(root, key Hash, p Path) (value Hash, present bool, err error) {
	depth := len(p.Siblings)
	if depth > keyBits || depth > 0 && p.Siblings[0] == (Hash{}) {
		return Hash{}, false, fmt.Errorf("%w: a path of %d that no map has", ErrProof, depth)
	}
	var h Hash
	if p.Leaf != nil {
		if !samePlace(&p.Leaf.Key, &key, depth) {
			return Hash{}, false, fmt.Errorf("%w: a leaf of another place", ErrProof)
		}
		h = p.Leaf.hash()
	}
	for i, sibling := range p.Siblings {
		if bit(&key, depth-1-i) == 0 {
			h = HashNode(h, sibling)
		} else {
			h = HashNode(sibling, h)
		}
	}
	if h != root {
		return Hash{}, false, fmt.Errorf("%w: a path to another root", ErrProof)
	}
	if p.Leaf == nil || p.Leaf.Key != key {
		return Hash{}, false, nil
	}
	return p.Leaf.Value, true, nil
}

// samePlace says whether two keys have the same bits down to the depth.
func samePlace(a, b *Hash, depth int) bool {
	for i := range depth {
		if bit(a, i) != bit(b, i) {
			return false
		}
	}
	return true
}
