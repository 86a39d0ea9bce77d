package merkle_test

import (
	"errors"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/internal/merkle"
)

func TestTileCache_LeavesOneTileToRead(t *testing.T) {
	const size = 256*256 + 256*5 + 9
	log := newNaive(size)
	tiles := log.source()
	source := merkle.NewTileCache(16).Source(1, tiles)
	prove := func(index uint64) {
		t.Helper()
		p, err := merkle.Inclusion(index, size, source)
		require.NoError(t, err)
		require.Equal(t, log.inclusion(int(index), 0, size), p)
	}
	prove(300)
	require.Equal(t, map[string]int{"0/1": 1, "0/261": 1, "1/0": 1, "1/1": 1}, tiles.reads)
	clear(tiles.reads)
	prove(301)
	prove(700)
	require.Equal(t, map[string]int{"0/1": 1, "0/2": 1}, tiles.reads)
	clear(tiles.reads)
	prove(size - 1)
	require.Equal(t, map[string]int{"2/0": 1}, tiles.reads, "the partial tile of level 0 is of this size and hot")
	clear(tiles.reads)
	prove(size - 2)
	require.Empty(t, tiles.reads)
}

func TestTileCache_KeepsApartLogsAndWidths(t *testing.T) {
	a, b := newNaive(700), newNaive(701)
	b.leaves = b.leaves[1:]
	cache := merkle.NewTileCache(16)
	for range 2 {
		for number, log := range map[uint64]*naive{1: a, 2: b} {
			clean := &naive{leaves: log.leaves, memo: map[int]merkle.Hash{}}
			for _, size := range []int{520, 700, 600} {
				p, err := merkle.Inclusion(3, uint64(size), cache.Source(number, clean.source()))
				require.NoError(t, err)
				require.Equal(t, clean.inclusion(3, 0, size), p)
			}
		}
	}
}

func TestTileCache_IsBounded(t *testing.T) {
	log := newNaive(1000)
	for _, limit := range []int{-1, 0, 1, 3} {
		cache := merkle.NewTileCache(limit)
		tiles := log.source()
		for size := uint64(1); size <= 1000; size += 7 {
			_, err := merkle.Inclusion(size/2, size, cache.Source(1, tiles))
			require.NoError(t, err)
			require.LessOrEqual(t, cache.Len(), max(limit, 1))
		}
		require.Equal(t, max(limit, 1), cache.Len())
	}
}

func TestTileCache_DropsTheOneUsedLongestAgo(t *testing.T) {
	log := newNaive(100)
	tiles := log.source()
	source := merkle.NewTileCache(2).Source(1, tiles)
	prove := func(size uint64) int {
		t.Helper()
		clear(tiles.reads)
		_, err := merkle.Inclusion(0, size, source)
		require.NoError(t, err)
		return tiles.reads["0/0"]
	}
	require.Equal(t, 1, prove(50))
	require.Equal(t, 1, prove(60))
	require.Equal(t, 0, prove(50))
	require.Equal(t, 1, prove(70), "in place of 60")
	require.Equal(t, 0, prove(50))
	require.Equal(t, 1, prove(60))
}

func TestTileCache_KeepsNoFailure(t *testing.T) {
	log, failed := newNaive(100), errors.New("failed")
	cache := merkle.NewTileCache(2)
	_, err := merkle.Inclusion(0, 100, cache.Source(1, merkle.SourceFunc(func(int, uint64, int) ([]byte, error) { return nil, failed })))
	require.ErrorIs(t, err, failed)
	require.Zero(t, cache.Len())
	_, err = merkle.Inclusion(0, 100, cache.Source(1, log.source()))
	require.NoError(t, err)
}

func TestTileCache_IsSafeForManyAtOnce(t *testing.T) {
	log := newNaive(1000)
	tiles, cache := log.source(), merkle.NewTileCache(3)
	roots := make([]merkle.Hash, 1001)
	for size := range roots {
		roots[size] = log.root(0, size)
	}
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 200 {
				size := 1 + (i*131+g*7)%1000
				index := (i * 17) % size
				p, err := merkle.Inclusion(uint64(index), uint64(size), cache.Source(1, tiles))
				if err != nil {
					t.Error(err)
					return
				}
				if err := merkle.VerifyInclusion(uint64(index), uint64(size), log.leaves[index], roots[size], p); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

func TestTileCache_SourceStillGivesTiles(t *testing.T) {
	log := newNaive(600)
	f, err := merkle.LoadFrontier(600, log.root(0, 600), log.leaves[512:], merkle.NewTileCache(1).Source(1, log.source()))
	require.NoError(t, err)
	require.Equal(t, log.root(0, 600), f.Root())
}
