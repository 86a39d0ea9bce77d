package merkle

import (
	"cmp"
	"fmt"
	"slices"
)

// Frontier is what a sequencer keeps between two batches: the [Range], and the
// tiles of the right edge, which go on growing. The zero Frontier is the empty
// log.
type Frontier struct {
	log   Range
	edge  [levels][]byte // hashes of the last tile of each level, fewer than 256
	grown [levels]bool   // the edge of the level got hashes since Take
	full  []Tile         // since Take
}

// LoadFrontier builds a frontier again from what is stored: the tiles of the
// right edge of levels 1 and above, and tail, the leaf hashes of the partial
// tile of level 0, of which there are size modulo 256. [ErrRange] if size is
// above [MaxSize] or tail has another length, [ErrTile] if a tile is short, and
// [ErrRoot] if all of it together does not have the root; errors of the source
// are wrapped.
func LoadFrontier(size uint64, root Hash, tail []Hash, tiles Source) (*Frontier, error) {
	f, err := FrontierAt(size, tail, tiles)
	if err != nil {
		return nil, err
	}
	if f.log.Root() != root {
		return nil, fmt.Errorf("%w: right edge at %d leaves", ErrRoot, size)
	}
	return f, nil
}

// FrontierAt is [LoadFrontier] for who does not know the root yet. Whether the
// hashes are the right ones, only a root can tell.
func FrontierAt(size uint64, tail []Hash, tiles Source) (*Frontier, error) {
	if size > MaxSize || uint64(len(tail)) != size%TileWidth {
		return nil, fmt.Errorf("%w: %d hashes at the end of %d leaves", ErrRange, len(tail), size)
	}
	f := &Frontier{log: Range{size: size}}
	for _, h := range tail {
		f.edge[0] = append(f.edge[0], h[:]...)
	}
	for level := 1; level < levels; level++ {
		n := size >> (TileHeight * (level + 1))
		w := width(size, level, n)
		if w == 0 {
			continue
		}
		b, err := read(tiles, level, n, w)
		if err != nil {
			return nil, err
		}
		f.edge[level] = slices.Clone(b)
	}
	for _, hashes := range slices.Backward(f.edge[:]) {
		f.log.hashes = append(f.log.hashes, peaks(hashes)...)
	}
	return f, nil
}

// peaks returns the range's hashes that lie in a partial tile.
func peaks(hashes []byte) []Hash {
	var r Range
	for h := range slices.Chunk(hashes, HashSize) {
		r.Append(Hash(h))
	}
	return r.hashes
}

// Append adds a leaf by its hash.
func (f *Frontier) Append(leafHash Hash) {
	f.log.append(leafHash, func(height int, h Hash) {
		if height%TileHeight == 0 {
			f.put(height/TileHeight, h)
		}
	})
}

// put adds a hash to the edge of a level. The buffers are only ever appended
// to, so clones and tiles that were taken may share them.
func (f *Frontier) put(level int, h Hash) {
	edge := f.edge[level]
	if cap(edge) < len(edge)+HashSize {
		edge = append(make([]byte, 0, TileWidth*HashSize), edge...)
	}
	f.edge[level], f.grown[level] = append(edge, h[:]...), true
	if len(f.edge[level]) < TileWidth*HashSize {
		return
	}
	n := f.log.size >> (TileHeight * (level + 1))
	f.full = append(f.full, Tile{Level: level, N: n, Hashes: f.edge[level]})
	f.edge[level], f.grown[level] = nil, false
}

// Size returns the number of leaves.
func (f *Frontier) Size() uint64 { return f.log.size }

// Root returns the root of the log.
func (f *Frontier) Root() Hash { return f.log.Root() }

// Range returns a copy of the compact range.
func (f *Frontier) Range() Range { return f.log.Clone() }

// Take returns the tiles that must be written for what was appended since the
// last time, by level and number, each once: tiles of level 0 that became full,
// and tiles of the levels above that grew or became full. Their bytes must not
// be changed.
func (f *Frontier) Take() []Tile {
	tiles := f.full
	for level := 1; level < levels; level++ {
		if f.grown[level] {
			n := f.log.size >> (TileHeight * (level + 1))
			tiles = append(tiles, Tile{Level: level, N: n, Hashes: slices.Clip(f.edge[level])})
		}
	}
	f.full, f.grown = nil, [levels]bool{}
	slices.SortFunc(tiles, func(a, b Tile) int {
		return cmp.Or(cmp.Compare(a.Level, b.Level), cmp.Compare(a.N, b.N))
	})
	return tiles
}

// Clone returns a frontier of its own in the same state, so that a batch whose
// transaction fails can be thrown away.
func (f *Frontier) Clone() *Frontier {
	c := &Frontier{log: f.log.Clone(), edge: f.edge, grown: f.grown, full: slices.Clone(f.full)}
	for level := range c.edge {
		// Without room, so that the clone's next hash goes to a buffer of its own.
		c.edge[level] = slices.Clip(c.edge[level])
	}
	return c
}

// Edge returns the hashes of the last tile of each level, as far as it is not
// full, by level. They must not be changed.
func (f *Frontier) Edge() [levels][]byte { return f.edge }
