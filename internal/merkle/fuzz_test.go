package merkle_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/trothdev/troth/internal/merkle"
)

// oracleLimit is the size above which x/mod never returns.
const oracleLimit = 1 << 62

// cut makes hashes of fuzzed bytes.
func cut(b []byte) (hashes []merkle.Hash) {
	for h := range slices.Chunk(b, merkle.HashSize) {
		if len(h) == merkle.HashSize {
			hashes = append(hashes, merkle.Hash(h))
		}
	}
	return hashes
}

// FuzzVerify holds our verifiers against those of x/mod, on whatever comes.
func FuzzVerify(f *testing.F) {
	log := newNaive(9)
	leaf, root, old := log.leaves[5], log.root(0, 9), log.root(0, 6)
	for _, p := range [][]merkle.Hash{log.inclusion(5, 0, 9), log.consistency(6, 0, 9, true)} {
		var b []byte
		for _, h := range p {
			b = append(b, h[:]...)
		}
		f.Add(uint64(5), uint64(9), leaf[:], root[:], b)
		f.Add(uint64(6), uint64(9), old[:], root[:], b)
	}
	f.Add(uint64(0), uint64(0), []byte{}, []byte{}, []byte{})
	f.Add(uint64(1)<<62, uint64(merkle.MaxSize), leaf[:], root[:], make([]byte, 63*32))
	f.Add(uint64(1)<<63, uint64(1)<<63+1, leaf[:], root[:], make([]byte, 64*32))
	f.Fuzz(func(t *testing.T, n, size uint64, first, second, proof []byte) {
		var a, root merkle.Hash
		copy(a[:], first)
		copy(root[:], second)
		hashes := cut(proof)
		inclusion := merkle.VerifyInclusion(n, size, a, root, hashes)
		consistency := merkle.VerifyConsistency(n, size, a, root, hashes)
		if size > oracleLimit || n > oracleLimit {
			return
		}
		theirs := tlog.CheckRecord(oracle(hashes), int64(size), root, int64(n), a)
		require.Equal(t, theirs == nil, inclusion == nil, "%v, %v", theirs, inclusion)
		if n > 0 { // x/mod has no proofs from the empty log
			theirs = tlog.CheckTree(oracle(hashes), int64(size), root, int64(n), a)
			require.Equal(t, theirs == nil, consistency == nil, "%v, %v", theirs, consistency)
		}
	})
}

// FuzzProve makes proofs from tiles that say anything, of any size: proofs of
// both kinds that are made can be judged, and nothing panics.
func FuzzProve(f *testing.F) {
	f.Add(uint64(5), uint64(9), make([]byte, 256*32))
	f.Add(uint64(0), uint64(merkle.MaxSize), make([]byte, 256*32))
	f.Add(uint64(70_000), uint64(1_000_000), make([]byte, 31))
	f.Fuzz(func(t *testing.T, n, size uint64, tile []byte) {
		tiles := merkle.SourceFunc(func(int, uint64, int) ([]byte, error) { return tile, nil })
		for _, s := range []merkle.Source{tiles, merkle.NewTileCache(3).Source(1, tiles)} {
			if p, err := merkle.Inclusion(n, size, s); err == nil {
				require.NotErrorIs(t, merkle.VerifyInclusion(n, size, merkle.Hash{}, merkle.Hash{}, p), merkle.ErrRange)
			}
			if p, err := merkle.Consistency(n, size, s); err == nil {
				require.NotErrorIs(t, merkle.VerifyConsistency(n, size, merkle.Hash{}, merkle.Hash{}, p), merkle.ErrRange)
			}
		}
		hashes := cut(tile)
		if _, err := merkle.LoadFrontier(size, merkle.Hash{}, hashes, tiles); err == nil {
			t.Fatal("something has the root 0")
		}
		if r, err := merkle.NewRange(size, hashes); err == nil {
			r.Append(merkle.Hash{})
			require.Equal(t, size+1, r.Size())
		}
	})
}

// FuzzMap sets keys made of the input's bytes, short ones that share many bits,
// and compares root and paths with the naive map.
func FuzzMap(f *testing.F) {
	f.Add([]byte{0, 1, 2, 3, 0, 1, 128, 7}, []byte{1, 2})
	f.Add([]byte{}, []byte{})
	f.Fuzz(func(t *testing.T, sets, asked []byte) {
		key := func(b []byte) (k merkle.Hash) {
			k[0], k[31] = b[0]&0xc3, b[1]&0x81
			return k
		}
		var m merkle.Map
		pairs := map[merkle.Hash]merkle.Hash{}
		for b := range slices.Chunk(sets[:len(sets)/4*4], 4) {
			pairs[key(b)] = merkle.Hash{b[2], b[3]}
			m.Set(key(b), merkle.Hash{b[2], b[3]})
		}
		require.Equal(t, naiveMap(pairs, 0), m.Root())
		require.Equal(t, len(pairs), m.Len())
		for b := range slices.Chunk(asked[:len(asked)/2*2], 2) {
			requirePath(t, &m, pairs, key(b))
		}
	})
}

// FuzzVerifyPath changes one byte of a true path at a place the fuzzer chooses,
// or gives it another depth: the truth about the key is all that verifies.
func FuzzVerifyPath(f *testing.F) {
	var m merkle.Map
	pairs := map[merkle.Hash]merkle.Hash{}
	for i := range uint64(50) {
		pairs[number(i)] = number(i + 1)
		m.Set(number(i), number(i+1))
	}
	root := m.Root()
	f.Add(uint64(3), uint64(3), true, []byte{})
	f.Add(uint64(3), uint64(90), false, []byte{1, 2, 3})
	f.Add(uint64(77), uint64(4), true, make([]byte, 300*32))
	f.Fuzz(func(t *testing.T, asked, shown uint64, leaf bool, more []byte) {
		key, p := number(asked), m.Prove(number(shown))
		if !leaf {
			p.Leaf = nil
		}
		p.Siblings = append(p.Siblings, cut(more)...)
		value, present, err := merkle.VerifyPath(root, key, p)
		if err != nil {
			require.ErrorIs(t, err, merkle.ErrProof)
			return
		}
		want, ok := pairs[key]
		require.Equal(t, ok, present)
		require.Equal(t, want, value)
	})
}
