package merkle

import "crypto/sha256"

// keyBits is the number of bits of a key, and the greatest depth of a leaf.
const keyBits = HashSize * 8

// Map is a Merkle map from 32-byte keys to 32-byte values; the package comment
// has its rules. It remembers the hashes of nodes, so that [Map.Root] computes
// only those above what changed. The zero Map is empty. It needs some 130 bytes
// for each of many random keys.
type Map struct {
	root   ref
	leaves arena[Entry]
	nodes  arena[node]
}

// Entry is a key of a [Map] with its value.
type Entry struct {
	Key, Value Hash
}

// node has leaves below both sides, or at least two below one.
type node struct {
	side  [2]ref
	clean bool // hash is that of the sides as they are
	hash  Hash
}

// ref points to a place of one of the arenas: 0 to nothing, odd numbers to
// leaf ref/2, other even ones to node ref/2-1.
type ref uint32

func leafRef(i int) ref          { return ref(i)<<1 | 1 }
func nodeRef(i int) ref          { return ref(i+1) << 1 }
func (r ref) isLeaf() bool       { return r&1 == 1 }
func (m *Map) leaf(r ref) *Entry { return m.leaves.at(int(r >> 1)) }
func (m *Map) node(r ref) *node  { return m.nodes.at(int(r>>1) - 1) }

// bit returns bit i of a key: side 0 or 1 at depth i.
func bit(key *Hash, i int) int { return int(key[i/8]>>(7-i%8)) & 1 }

// Len returns the number of keys.
func (m *Map) Len() int { return m.leaves.n }

// Get returns the value of a key, and whether it is there.
func (m *Map) Get(key Hash) (Hash, bool) {
	r := m.descend(&key, func(*node, int) {})
	if r == 0 || m.leaf(r).Key != key {
		return Hash{}, false
	}
	return m.leaf(r).Value, true
}

// Set gives a key its value, in place of one that it had.
func (m *Map) Set(key, value Hash) {
	slot, depth := &m.root, 0
	for *slot != 0 && !slot.isLeaf() {
		n := m.node(*slot)
		n.clean = false
		slot = &n.side[bit(&key, depth)]
		depth++
	}
	if *slot != 0 {
		old := m.leaf(*slot)
		if old.Key == key {
			old.Value = value
			return
		}
		slot = m.split(slot, depth, &old.Key, &key)
	}
	i, e := m.leaves.add()
	*e = Entry{Key: key, Value: value}
	*slot = leafRef(i)
}

// split puts nodes above the leaf at slot, down to the depth at which the two
// keys part, and returns the slot that is free for the new one.
func (m *Map) split(slot *ref, depth int, old, key *Hash) *ref {
	leaf := *slot
	for {
		i, n := m.nodes.add()
		*slot = nodeRef(i)
		was, is := bit(old, depth), bit(key, depth)
		if was != is {
			n.side[was] = leaf
			return &n.side[is]
		}
		slot = &n.side[is]
		depth++
	}
}

// Root returns the root, computing the hashes that are not known any more.
func (m *Map) Root() Hash { return m.hash(m.root) }

func (m *Map) hash(r ref) Hash {
	if r == 0 {
		return Hash{}
	}
	if r.isLeaf() {
		return m.leaf(r).hash()
	}
	n := m.node(r)
	if !n.clean {
		n.hash, n.clean = HashNode(m.hash(n.side[0]), m.hash(n.side[1])), true
	}
	return n.hash
}

func (e *Entry) hash() Hash {
	var b [1 + 2*HashSize]byte // begins with 0x00
	copy(b[1:], e.Key[:])
	copy(b[1+HashSize:], e.Value[:])
	return sha256.Sum256(b[:])
}

// descend walks from the root to the place of a key and calls visit for every
// node on the way with the side to which the key belongs. It returns what is
// there, a leaf or nothing.
func (m *Map) descend(key *Hash, visit func(n *node, side int)) ref {
	r := m.root
	for depth := 0; r != 0 && !r.isLeaf(); depth++ {
		n, side := m.node(r), bit(key, depth)
		visit(n, side)
		r = n.side[side]
	}
	return r
}
