package merkle_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/internal/merkle"
)

// naiveMap is the rule of the package comment as it is written.
func naiveMap(pairs map[merkle.Hash]merkle.Hash, depth int) merkle.Hash {
	if len(pairs) == 0 {
		return merkle.Hash{}
	}
	if len(pairs) == 1 {
		for k, v := range pairs {
			return sha256.Sum256(bytes.Join([][]byte{{0}, k[:], v[:]}, nil))
		}
	}
	sides := [2]map[merkle.Hash]merkle.Hash{{}, {}}
	for k, v := range pairs {
		sides[k[depth/8]>>(7-depth%8)&1][k] = v
	}
	left, right := naiveMap(sides[0], depth+1), naiveMap(sides[1], depth+1)
	return sha256.Sum256(bytes.Join([][]byte{{1}, left[:], right[:]}, nil))
}

func number(i uint64) merkle.Hash {
	return sha256.Sum256(binary.BigEndian.AppendUint64(nil, i))
}

// near is a key whose first bits are those of the zero key, often very many.
func near(random *rand.Rand) (k merkle.Hash) {
	i := random.IntN(256)
	k[i/8] = 1 << random.IntN(8)
	k[31] |= byte(random.IntN(4))
	return k
}

func randomPairs(random *rand.Rand, n int) map[merkle.Hash]merkle.Hash {
	pairs := map[merkle.Hash]merkle.Hash{}
	for range n {
		k := number(random.Uint64())
		if random.IntN(3) == 0 {
			k = near(random)
		}
		pairs[k] = number(random.Uint64())
	}
	return pairs
}

func TestMap_IsTheNaiveOne(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	for n := range 60 {
		var m merkle.Map
		pairs := map[merkle.Hash]merkle.Hash{}
		require.Equal(t, merkle.Hash{}, m.Root())
		for k, v := range randomPairs(random, n) {
			pairs[k] = v
			m.Set(k, v)
			require.Equal(t, len(pairs), m.Len())
			if random.IntN(2) == 0 {
				require.Equal(t, naiveMap(pairs, 0), m.Root(), "after every change")
			}
			got, ok := m.Get(k)
			require.True(t, ok)
			require.Equal(t, v, got)
		}
		for k := range pairs {
			if random.IntN(2) == 0 {
				pairs[k] = number(random.Uint64())
				m.Set(k, pairs[k])
			}
		}
		require.Equal(t, naiveMap(pairs, 0), m.Root(), "after values changed")
		require.Equal(t, len(pairs), m.Len())
		_, ok := m.Get(number(random.Uint64()))
		require.False(t, ok)
	}
}

func TestMap_ForgetsTheOrder(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 8))
	pairs := randomPairs(random, 500)
	var keys []merkle.Hash
	for k := range pairs {
		keys = append(keys, k)
	}
	want := naiveMap(pairs, 0)
	for range 5 {
		random.Shuffle(len(keys), func(i, j int) { keys[i], keys[j] = keys[j], keys[i] })
		var m merkle.Map
		for _, k := range keys {
			m.Set(k, merkle.Hash{1})
			m.Set(k, pairs[k])
		}
		require.Equal(t, want, m.Root())
	}
}

func TestMap_BeyondABlockOfMemory(t *testing.T) {
	pairs := map[merkle.Hash]merkle.Hash{}
	var m merkle.Map
	for i := range uint64(5000) {
		pairs[number(i)] = number(i + 1)
		m.Set(number(i), number(i+1))
	}
	require.Equal(t, naiveMap(pairs, 0), m.Root())
}

// requirePath proves and verifies, and returns the path.
func requirePath(t *testing.T, m *merkle.Map, pairs map[merkle.Hash]merkle.Hash, key merkle.Hash) merkle.Path {
	t.Helper()
	p := m.Prove(key)
	value, present, err := merkle.VerifyPath(m.Root(), key, p)
	require.NoError(t, err)
	want, ok := pairs[key]
	require.Equal(t, ok, present)
	require.Equal(t, want, value)
	return p
}

func TestMap_ProvesPresenceAndAbsence(t *testing.T) {
	random := rand.New(rand.NewPCG(9, 10))
	for n := range 40 {
		pairs := randomPairs(random, n)
		var m merkle.Map
		for k, v := range pairs {
			m.Set(k, v)
		}
		for k := range pairs {
			requirePath(t, &m, pairs, k)
			k[31] ^= 1
			requirePath(t, &m, pairs, k)
		}
		for range 20 {
			requirePath(t, &m, pairs, number(random.Uint64()))
			requirePath(t, &m, pairs, near(random))
		}
	}
}

func TestMap_ProvesAtTheGreatestDepth(t *testing.T) {
	a, b := merkle.Hash{}, merkle.Hash{31: 1}
	pairs := map[merkle.Hash]merkle.Hash{a: {1}, b: {2}}
	var m merkle.Map
	m.Set(a, pairs[a])
	m.Set(b, pairs[b])
	require.Equal(t, naiveMap(pairs, 0), m.Root())
	require.Len(t, requirePath(t, &m, pairs, a).Siblings, 256)
	require.Len(t, requirePath(t, &m, pairs, b).Siblings, 256)
	require.Len(t, requirePath(t, &m, pairs, merkle.Hash{31: 2}).Siblings, 255)
	require.Len(t, requirePath(t, &m, pairs, merkle.Hash{0x80}).Siblings, 1)
}

// TestVerifyPath_RefusesEveryChange flips every bit of everything that is
// verified. One path may rightly speak of several keys, as it shows what stands
// at a place: what it says of another key is compared with the map.
func TestVerifyPath_RefusesEveryChange(t *testing.T) {
	random := rand.New(rand.NewPCG(11, 12))
	pairs := map[merkle.Hash]merkle.Hash{}
	var m merkle.Map
	var keys []merkle.Hash
	for i := range uint64(5) {
		// Of each pair of keys one is in the map: they share 20 bits.
		k := number(i)
		pairs[k] = number(random.Uint64())
		m.Set(k, pairs[k])
		keys = append(keys, k, flip(k, 20), number(random.Uint64()))
	}
	m.Set(flip(number(0), 16), merkle.Hash{1})
	pairs[flip(number(0), 16)] = merkle.Hash{1}
	root := m.Root()
	for _, key := range keys {
		p := m.Prove(key)
		refused := func(root merkle.Hash, p merkle.Path, what string) {
			t.Helper()
			value, present, err := merkle.VerifyPath(root, key, p)
			require.ErrorIs(t, err, merkle.ErrProof, what)
			require.Zero(t, value)
			require.False(t, present)
		}
		for bit := range 256 {
			refused(flip(root, bit), p, "root")
			for i := range p.Siblings {
				c := copyPath(p)
				c.Siblings[i] = flip(c.Siblings[i], bit)
				refused(root, c, "sibling")
			}
			if p.Leaf != nil {
				c := copyPath(p)
				c.Leaf.Key = flip(c.Leaf.Key, bit)
				refused(root, c, "key of the leaf")
				c = copyPath(p)
				c.Leaf.Value = flip(c.Leaf.Value, bit)
				refused(root, c, "value")
			}
			other := flip(key, bit)
			value, present, err := merkle.VerifyPath(root, other, p)
			if err == nil {
				want, ok := pairs[other]
				require.Equal(t, ok, present)
				require.Equal(t, want, value)
			}
		}
		for i := range p.Siblings {
			c := copyPath(p)
			c.Siblings = append(c.Siblings[:i], c.Siblings[i+1:]...)
			refused(root, c, "a sibling left out")
		}
		c := copyPath(p)
		if c.Leaf == nil {
			c.Leaf = &merkle.Entry{Key: key}
		} else {
			c.Leaf = nil
		}
		refused(root, c, "leaf for none")
		c = copyPath(p)
		c.Siblings = append(c.Siblings, merkle.Hash{1})
		refused(root, c, "one sibling more")
		c.Siblings = append([]merkle.Hash{{}}, p.Siblings...)
		refused(root, c, "an empty lowest sibling")
		c.Siblings = make([]merkle.Hash, 257)
		c.Siblings[0] = merkle.Hash{1}
		refused(root, c, "257 siblings")
	}
}

// TestVerifyPath_RefusesWhatNoMapBuilds gives it roots that were made against
// the rules, under which the hashes alone would fit.
func TestVerifyPath_RefusesWhatNoMapBuilds(t *testing.T) {
	key, value := number(1), number(2)
	var m merkle.Map
	m.Set(key, value)
	leaf := m.Root()
	alone := merkle.HashNode(leaf, merkle.Hash{})
	if key[0]&0x80 != 0 {
		alone = merkle.HashNode(merkle.Hash{}, leaf)
	}
	_, _, err := merkle.VerifyPath(alone, key, merkle.Path{Leaf: &merkle.Entry{Key: key, Value: value}, Siblings: []merkle.Hash{{}}})
	require.ErrorIs(t, err, merkle.ErrProof, "a node above one leaf")

	_, _, err = merkle.VerifyPath(merkle.HashNode(merkle.Hash{}, merkle.Hash{}), key, merkle.Path{Siblings: []merkle.Hash{{}}})
	require.ErrorIs(t, err, merkle.ErrProof, "a node above none")

	// A leaf that stands on the wrong side hides nothing.
	other := flip(key, 7) // the first bit
	wrong := merkle.HashNode(leaf, number(3))
	if other[0]&0x80 != 0 {
		wrong = merkle.HashNode(number(3), leaf)
	}
	_, _, err = merkle.VerifyPath(wrong, other, merkle.Path{Leaf: &merkle.Entry{Key: key, Value: value}, Siblings: []merkle.Hash{number(3)}})
	require.ErrorIs(t, err, merkle.ErrProof, "a leaf of another place")
}

func flip(h merkle.Hash, bit int) merkle.Hash {
	h[bit/8] ^= 1 << (bit % 8)
	return h
}

func copyPath(p merkle.Path) merkle.Path {
	c := merkle.Path{Siblings: append([]merkle.Hash(nil), p.Siblings...)}
	if p.Leaf != nil {
		leaf := *p.Leaf
		c.Leaf = &leaf
	}
	return c
}
