package merkle_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/trothdev/troth/internal/merkle"
)

// most is the size up to which every pair of sizes and indices is tried: more
// than two full tiles.
const most = 600

func TestInclusion_OfEveryLeafAtEverySize(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and nothing at once")
	}
	log := newNaive(most)
	tiles := log.source()
	for size := 1; size <= most; size++ {
		root, prover := log.root(0, size), merkle.NewProver(uint64(size), tiles)
		for index := range size {
			got, err := prover.Inclusion(uint64(index))
			if err != nil || !slices.Equal(got, log.inclusion(index, 0, size)) {
				t.Fatalf("leaf %d of %d: %x, %v", index, size, got, err)
			}
			if err := merkle.VerifyInclusion(uint64(index), uint64(size), log.leaves[index], root, got); err != nil {
				t.Fatalf("leaf %d of %d: %v", index, size, err)
			}
			if err := tlog.CheckRecord(oracle(got), int64(size), root, int64(index), log.leaves[index]); err != nil {
				t.Fatalf("leaf %d of %d: x/mod: %v", index, size, err)
			}
		}
	}
}

func TestConsistency_OfEveryTwoSizes(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and nothing at once")
	}
	log := newNaive(most)
	tiles := log.source()
	for size := range most + 1 {
		root, prover := log.root(0, size), merkle.NewProver(uint64(size), tiles)
		for old := range size + 1 {
			got, err := prover.Consistency(uint64(old))
			if err != nil {
				t.Fatalf("%d to %d: %v", old, size, err)
			}
			if err := merkle.VerifyConsistency(uint64(old), uint64(size), log.root(0, old), root, got); err != nil {
				t.Fatalf("%d to %d: %v", old, size, err)
			}
			if old == 0 {
				require.Empty(t, got)
				continue
			}
			if !slices.Equal(got, log.consistency(old, 0, size, true)) {
				t.Fatalf("%d to %d: %x", old, size, got)
			}
			if err := tlog.CheckTree(oracle(got), int64(size), root, int64(old), log.root(0, old)); err != nil {
				t.Fatalf("%d to %d: x/mod: %v", old, size, err)
			}
		}
	}
}

func oracle(hashes []merkle.Hash) (out []tlog.Hash) {
	for _, h := range hashes {
		out = append(out, h)
	}
	return out
}

func TestProofs_AboveOneLevel(t *testing.T) {
	const size = 256*256*2 + 256*5 + 9
	log, random := newNaive(size), rand.New(rand.NewPCG(13, 14))
	tiles := merkle.NewTileCache(4).Source(1, log.source())
	for i := range 300 {
		n := size
		if i%2 == 1 {
			n = 1 + random.IntN(size)
		}
		index := random.IntN(n)
		got, err := merkle.Inclusion(uint64(index), uint64(n), tiles)
		require.NoError(t, err)
		want, err := tlog.ProveRecord(int64(n), int64(index), log.reader())
		require.NoError(t, err)
		require.Equal(t, tlog.RecordProof(oracle(got)), want[:len(got):len(got)])
		require.Len(t, got, len(want))
		require.NoError(t, merkle.VerifyInclusion(uint64(index), uint64(n), log.leaves[index], log.root(0, n), got))

		got, err = merkle.Consistency(uint64(index+1), uint64(n), tiles)
		require.NoError(t, err)
		require.Equal(t, log.consistency(index+1, 0, n, true), got)
		require.NoError(t, merkle.VerifyConsistency(uint64(index+1), uint64(n), log.root(0, index+1), log.root(0, n), got))
	}
}

// TestVerify_RefusesEveryBitFlipped flips each bit of hashes, leaves and roots,
// and each bit of the numbers.
func TestVerify_RefusesEveryBitFlipped(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and nothing at once")
	}
	log := newNaive(33)
	tiles := log.source()
	for _, size := range []uint64{1, 2, 3, 7, 8, 33} {
		root := log.root(0, int(size))
		for index := range size {
			leaf := log.leaves[index]
			p, err := merkle.Inclusion(index, size, tiles)
			require.NoError(t, err)
			check := merkle.VerifyInclusion
			for bit := range 256 {
				require.ErrorIs(t, check(index, size, flip(leaf, bit), root, p), merkle.ErrProof)
				require.ErrorIs(t, check(index, size, leaf, flip(root, bit), p), merkle.ErrProof)
			}
			eachFlip(p, func(p []merkle.Hash) { require.ErrorIs(t, check(index, size, leaf, root, p), merkle.ErrProof) })
			eachCut(p, func(p []merkle.Hash) { require.ErrorIs(t, check(index, size, leaf, root, p), merkle.ErrProof) })
			for bit := range 64 {
				require.Error(t, check(index^1<<bit, size, leaf, root, p))
			}
		}
		for old := range size + 1 {
			oldRoot := log.root(0, int(old))
			p, err := merkle.Consistency(old, size, tiles)
			require.NoError(t, err)
			check := func(oldRoot, root merkle.Hash, p []merkle.Hash) error {
				return merkle.VerifyConsistency(old, size, oldRoot, root, p)
			}
			for bit := range 256 {
				require.ErrorIs(t, check(flip(oldRoot, bit), root, p), merkle.ErrProof)
				if old > 0 { // the empty log is consistent with every root
					require.ErrorIs(t, check(oldRoot, flip(root, bit), p), merkle.ErrProof)
				}
			}
			eachFlip(p, func(p []merkle.Hash) { require.ErrorIs(t, check(oldRoot, root, p), merkle.ErrProof) })
			eachCut(p, func(p []merkle.Hash) { require.ErrorIs(t, check(oldRoot, root, p), merkle.ErrProof) })
		}
	}
}

// eachFlip calls f with every bit of the hashes flipped, one at a time.
func eachFlip(p []merkle.Hash, f func([]merkle.Hash)) {
	for i := range p {
		for bit := range 256 {
			c := slices.Clone(p)
			c[i] = flip(c[i], bit)
			f(c)
		}
	}
}

// eachCut calls f with each hash left out, doubled, and one more.
func eachCut(p []merkle.Hash, f func([]merkle.Hash)) {
	for i := range p {
		f(slices.Delete(slices.Clone(p), i, i+1))
		f(slices.Insert(slices.Clone(p), i, p[i]))
	}
	f(append(slices.Clone(p), merkle.Hash{}))
}

func TestVerifyConsistency_OfAndWithTheEmptyLog(t *testing.T) {
	empty, some := merkle.EmptyRoot(), merkle.HashLeaf(nil)
	require.NoError(t, merkle.VerifyConsistency(0, 0, empty, empty, nil))
	require.NoError(t, merkle.VerifyConsistency(0, 1, empty, some, nil))
	require.ErrorIs(t, merkle.VerifyConsistency(0, 0, empty, some, nil), merkle.ErrProof)
	require.ErrorIs(t, merkle.VerifyConsistency(0, 0, some, some, nil), merkle.ErrProof)
	require.ErrorIs(t, merkle.VerifyConsistency(0, 1, some, some, nil), merkle.ErrProof)
	require.ErrorIs(t, merkle.VerifyConsistency(0, 1, empty, some, []merkle.Hash{some}), merkle.ErrProof)
	require.NoError(t, merkle.VerifyConsistency(5, 5, some, some, nil))
	require.ErrorIs(t, merkle.VerifyConsistency(5, 5, some, empty, nil), merkle.ErrProof)
}

func TestProofs_RefuseSizesOutOfRange(t *testing.T) {
	tiles := answer(256 * 32)
	for _, c := range [][2]uint64{
		{0, 0},
		{1, 1},
		{2, 1},
		{math.MaxUint64, 1},
		{0, 1 << 63},
		{5, math.MaxUint64},
		{math.MaxUint64, math.MaxUint64},
		{1 << 63, 1 << 63},
	} {
		_, err := merkle.Inclusion(c[0], c[1], tiles)
		require.ErrorIs(t, err, merkle.ErrRange, c)
		require.ErrorIs(t, merkle.VerifyInclusion(c[0], c[1], merkle.Hash{}, merkle.Hash{}, nil), merkle.ErrRange, c)
	}
	for _, c := range [][2]uint64{{1, 0}, {3, 2}, {0, 1 << 63}, {math.MaxUint64, 2}, {1, math.MaxUint64}, {1 << 63, 1 << 63}} {
		_, err := merkle.Consistency(c[0], c[1], tiles)
		require.ErrorIs(t, err, merkle.ErrRange, c)
		require.ErrorIs(t, merkle.VerifyConsistency(c[0], c[1], merkle.Hash{}, merkle.Hash{}, nil), merkle.ErrRange, c)
	}
}

// TestProofs_OfTheGreatestLog has every hash 0 at the height of its tile: nodes
// are then the same at one height above a tile, and proofs can be made.
func TestProofs_OfTheGreatestLog(t *testing.T) {
	tiles := answer(256 * 32)
	for _, index := range []uint64{0, 1, 1 << 62, merkle.MaxSize - 2, merkle.MaxSize - 1} {
		p, err := merkle.Inclusion(index, merkle.MaxSize, tiles)
		require.NoError(t, err)
		require.LessOrEqual(t, len(p), 63)
		err = merkle.VerifyInclusion(index, merkle.MaxSize, merkle.Hash{1}, merkle.Hash{}, p)
		require.ErrorIs(t, err, merkle.ErrProof)
		p, err = merkle.Consistency(index+1, merkle.MaxSize, tiles)
		require.NoError(t, err)
		require.LessOrEqual(t, len(p), 64)
		err = merkle.VerifyConsistency(index+1, merkle.MaxSize, merkle.Hash{1}, merkle.Hash{2}, p)
		require.ErrorIs(t, err, merkle.ErrProof)
	}
}

func TestProofs_RefuseShortTilesAndPassErrorsOn(t *testing.T) {
	failed := errors.New("failed")
	for name, c := range map[string]struct {
		tiles merkle.Source
		want  error
	}{
		"nothing":    {answer(0), merkle.ErrTile},
		"too few":    {answer(2 * 32), merkle.ErrTile},
		"cut":        {answer(256*32 + 1), merkle.ErrTile},
		"a failure":  {merkle.SourceFunc(func(int, uint64, int) ([]byte, error) { return nil, failed }), failed},
		"with cache": {merkle.NewTileCache(1).Source(1, answer(0)), merkle.ErrTile},
	} {
		_, err := merkle.Inclusion(7, 1000, c.tiles)
		require.ErrorIs(t, err, c.want, name)
		_, err = merkle.Consistency(7, 1000, c.tiles)
		require.ErrorIs(t, err, c.want, name)
		_, err = merkle.Consistency(512, 1000, c.tiles)
		require.ErrorIs(t, err, c.want, name)
	}
}
