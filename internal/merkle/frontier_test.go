package merkle_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/internal/merkle"
)

// shelf keeps tiles as a store does: full ones of level 0 only.
type shelf map[string]merkle.Tile

func (s shelf) put(t *testing.T, tiles []merkle.Tile) {
	t.Helper()
	taken := map[string]bool{}
	for _, tile := range tiles {
		name := fmt.Sprintf("%d/%d", tile.Level, tile.N)
		require.False(t, taken[name], "each tile once: %s", name)
		require.Less(t, s[name].Width(), tile.Width(), "only what grew: %s", name)
		if tile.Level == 0 {
			require.Equal(t, merkle.TileWidth, tile.Width())
		}
		taken[name], s[name] = true, tile
	}
}

func (s shelf) Tile(level int, n uint64, _ int) ([]byte, error) {
	tile, ok := s[fmt.Sprintf("%d/%d", level, n)]
	if !ok {
		return nil, errNoTile
	}
	return tile.Hashes, nil
}

// requireStored compares everything that a log of this size stores.
func requireStored(t *testing.T, log *naive, size int, s shelf) {
	t.Helper()
	count := 0
	for level := range 3 {
		for n := 0; ; n++ {
			want := log.tile(size, level, uint64(n))
			if len(want) == 0 || level == 0 && len(want) < 256*32 {
				break
			}
			got := s[fmt.Sprintf("%d/%d", level, n)]
			require.Equal(t, merkle.Tile{Level: level, N: uint64(n), Hashes: want}, got)
			count++
		}
	}
	require.Len(t, s, count)
}

func TestFrontier_GivesOutWhatBatchesMustWrite(t *testing.T) {
	const size = 256*256 + 256*3 + 7
	log, random := newNaive(size), rand.New(rand.NewPCG(1, 2))
	f, stored := new(merkle.Frontier), shelf{}
	require.Empty(t, f.Take())
	for done := 0; done < size; {
		batch := min(1+random.IntN(1500), size-done)
		for _, h := range log.leaves[done : done+batch] {
			f.Append(h)
		}
		done += batch
		stored.put(t, f.Take())
		require.Empty(t, f.Take(), "taken once")
		require.Equal(t, uint64(done), f.Size())
		if random.IntN(4) == 0 || done == size {
			require.Equal(t, log.root(0, done), f.Root())
			requireStored(t, log, done, stored)
		}
	}
}

func TestFrontier_LoadsAtEverySize(t *testing.T) {
	log := newNaive(256*2 + 40)
	f, stored := new(merkle.Frontier), shelf{}
	for size := range log.leaves {
		tail := log.leaves[size-size%256 : size]
		again, err := merkle.LoadFrontier(uint64(size), f.Root(), tail, stored)
		require.NoError(t, err)
		require.Equal(t, f.Range(), again.Range())
		_, err = merkle.LoadFrontier(uint64(size), merkle.Hash{1}, tail, stored)
		require.ErrorIs(t, err, merkle.ErrRoot)

		// What was loaded goes on as what was never lost.
		f.Append(log.leaves[size])
		again.Append(log.leaves[size])
		require.Equal(t, f.Root(), again.Root())
		taken := f.Take()
		require.Equal(t, taken, again.Take())
		stored.put(t, taken)
	}
}

func TestLoadFrontier_AboveOneLevel(t *testing.T) {
	const size = 256*256 + 256*5 + 9
	log := newNaive(size + 600)
	f, err := merkle.LoadFrontier(size, log.root(0, size), log.leaves[size-9:size], log.source())
	require.NoError(t, err)
	for _, h := range log.leaves[size:] {
		f.Append(h)
	}
	require.Equal(t, log.root(0, size+600), f.Root())
	for _, tile := range f.Take() {
		require.Equal(t, log.tile(size+600, tile.Level, tile.N), tile.Hashes)
	}
}

func TestLoadFrontier_Refuses(t *testing.T) {
	const size = 256*3 + 2
	log := newNaive(size)
	root, tail, tiles := log.root(0, size), log.leaves[size-2:], log.source()
	_, err := merkle.LoadFrontier(size, root, tail, tiles)
	require.NoError(t, err)
	for name, c := range map[string]struct {
		size  uint64
		tail  []merkle.Hash
		tiles merkle.Source
		want  error
	}{
		"a short tail":    {size, tail[1:], tiles, merkle.ErrRange},
		"a long tail":     {size, log.leaves[size-3:], tiles, merkle.ErrRange},
		"a swapped tail":  {size, []merkle.Hash{tail[1], tail[0]}, tiles, merkle.ErrRoot},
		"another size":    {size - 256, tail, tiles, merkle.ErrRoot},
		"size 2^63":       {1 << 63, nil, tiles, merkle.ErrRange},
		"size 2^64-1":     {math.MaxUint64, make([]merkle.Hash, 255), tiles, merkle.ErrRange},
		"no tiles":        {size, tail, shelf{}, errNoTile},
		"the max without": {merkle.MaxSize, make([]merkle.Hash, 255), shelf{}, errNoTile},
		"a short tile":    {size, tail, answer(2 * 32), merkle.ErrTile},
		"a cut tile":      {size, tail, answer(3*32 + 1), merkle.ErrTile},
		"another tile":    {size, tail, answer(3 * 32), merkle.ErrRoot},
	} {
		_, err := merkle.LoadFrontier(c.size, root, c.tail, c.tiles)
		require.ErrorIs(t, err, c.want, name)
	}
}

// answer gives that many zeros for every tile.
func answer(n int) merkle.Source {
	return merkle.SourceFunc(func(int, uint64, int) ([]byte, error) { return make([]byte, n), nil })
}

func TestFrontier_CloneIsThrownAwayWithoutATrace(t *testing.T) {
	const size = 3 * 256
	log, other := newNaive(size), newNaive(size + 1).leaves[1:]
	f, stored := new(merkle.Frontier), shelf{}
	random := rand.New(rand.NewPCG(3, 4))
	for done := 0; done < size; {
		batch := min(1+random.IntN(100), size-done)
		before := f.Clone()
		failed := f.Clone()
		for _, h := range other[done : done+batch] {
			failed.Append(h)
		}
		failed.Take()
		for _, h := range log.leaves[done : done+batch] {
			f.Append(h)
		}
		require.Equal(t, log.root(0, done), before.Root())
		require.Empty(t, before.Take())
		done += batch
		// What was not taken yet goes over to a clone.
		if random.IntN(2) == 0 {
			f = f.Clone()
		}
		stored.put(t, f.Take())
		requireStored(t, log, done, stored)
	}
	require.Equal(t, log.root(0, size), f.Root())
}

func TestFrontier_TakenTilesStay(t *testing.T) {
	log := newNaive(256 * 4)
	f := new(merkle.Frontier)
	var early []merkle.Tile
	for i, h := range log.leaves {
		f.Append(h)
		if i == 255 {
			early = f.Take()
		}
	}
	require.Len(t, early, 2)
	require.Equal(t, log.tile(256, 0, 0), early[0].Hashes)
	require.Equal(t, log.tile(256, 1, 0), early[1].Hashes)
	require.Equal(t, len(early[1].Hashes), cap(early[1].Hashes), "an append elsewhere cannot reach the edge")
}
