package merkle_test

import (
	"crypto/sha256"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/trothdev/troth/internal/merkle"
)

func TestHashes_AreTheRFCs(t *testing.T) {
	require.Equal(t, sha256.Sum256(nil), merkle.EmptyRoot())
	require.Equal(t, sha256.Sum256([]byte("\x00data")), merkle.HashLeaf([]byte("data")))
	l, r := merkle.HashLeaf([]byte("l")), merkle.HashLeaf([]byte("r"))
	require.Equal(t, sha256.Sum256([]byte("\x01"+string(l[:])+string(r[:]))), merkle.HashNode(l, r))
}

func TestRange_HasTheRootOfEverySize(t *testing.T) {
	log := newNaive(1100)
	var r merkle.Range
	for size := range log.leaves {
		require.Equal(t, uint64(size), r.Size())
		require.Equal(t, log.root(0, size), r.Root(), size)
		oracle, err := tlog.TreeHash(int64(size), log.reader())
		require.NoError(t, err)
		require.Equal(t, merkle.Hash(oracle), r.Root(), size)

		again, err := merkle.NewRange(r.Size(), r.Hashes())
		require.NoError(t, err)
		require.Equal(t, r.Root(), again.Root())
		require.Equal(t, r.Hashes(), again.Hashes())
		r.Append(log.leaves[size])
		again.Append(log.leaves[size])
		require.Equal(t, r.Root(), again.Root())
	}
}

func TestRange_HashesAreTheBiggestSubtreesFirst(t *testing.T) {
	log := newNaive(11)
	var r merkle.Range
	for _, h := range log.leaves {
		r.Append(h)
	}
	require.Equal(t, []merkle.Hash{log.root(0, 8), log.root(8, 10), log.root(10, 11)}, r.Hashes())
}

func TestRange_SharesNothing(t *testing.T) {
	log := newNaive(12)
	var r merkle.Range
	for _, h := range log.leaves[:7] {
		r.Append(h)
	}
	clone, given := r.Clone(), r.Hashes()
	again, err := merkle.NewRange(7, given)
	require.NoError(t, err)
	clear(given)
	for i, h := range log.leaves[7:] {
		clone.Append(h)
		again.Append(h)
		require.Equal(t, log.root(0, 8+i), clone.Root())
		require.Equal(t, log.root(0, 8+i), again.Root())
		require.Equal(t, log.root(0, 7), r.Root())
	}
}

func TestNewRange_Refuses(t *testing.T) {
	for _, c := range []struct {
		size   uint64
		hashes int
	}{{0, 1}, {1, 0}, {1, 2}, {7, 2}, {8, 3}, {merkle.MaxSize, 62}, {1 << 63, 1}, {math.MaxUint64, 64}} {
		_, err := merkle.NewRange(c.size, make([]merkle.Hash, c.hashes))
		require.ErrorIs(t, err, merkle.ErrRange, c)
	}
	r, err := merkle.NewRange(merkle.MaxSize, make([]merkle.Hash, 63))
	require.NoError(t, err)
	r.Append(merkle.Hash{})
	require.Equal(t, uint64(1<<63), r.Size())
}
