package merkle

import (
	"fmt"
	"math/bits"
	"slices"
)

// Inclusion returns the proof that the log of this size has the leaf at the
// index: the hashes beside its way, from the leaf's sibling upwards. Every size
// that the source's tiles hold will do, not only the newest. At most two tiles
// of each level are read, and the full tile of level 0 that has the leaf is the
// only one that a source from a [TileCache] reads again. [ErrRange] if index is
// not below size or size above [MaxSize], [ErrTile] if a tile is short; errors
// of the source are wrapped.
func Inclusion(index, size uint64, source Source) ([]Hash, error) {
	if index >= size || size > MaxSize {
		return nil, fmt.Errorf("%w: leaf %d of %d", ErrRange, index, size)
	}
	p := prover{size: size, source: source}
	return p.inclusion(index)
}

// Consistency returns the proof that the log of size leaves begins with its
// first old ones, as [VerifyConsistency] wants it; it is empty if old is 0 or
// size. [ErrRange] if old is above size or size above [MaxSize], [ErrTile] if a
// tile is short; errors of the source are wrapped.
func Consistency(old, size uint64, source Source) ([]Hash, error) {
	if old > size || size > MaxSize {
		return nil, fmt.Errorf("%w: from %d to %d leaves", ErrRange, old, size)
	}
	p := prover{size: size, source: source}
	return p.consistency(old)
}

// prover keeps the tiles that it has read.
type prover struct {
	size   uint64
	source Source
	tiles  []place
}

type place struct {
	level int
	n     uint64
	tile  inner
}

func (p *prover) inclusion(index uint64) ([]Hash, error) {
	return p.sides(wayToLeaf(index, p.size), nil)
}

func (p *prover) consistency(old uint64) ([]Hash, error) {
	if old == 0 {
		return nil, nil
	}
	w := wayToEdge(old, p.size)
	if w.lo == 0 {
		return p.sides(w, nil)
	}
	h, err := p.subtree(w.lo, w.hi)
	if err != nil {
		return nil, err
	}
	return p.sides(w, []Hash{h})
}

// sides appends the hashes of the sides not taken, from the lowest up.
func (p *prover) sides(w way, hashes []Hash) ([]Hash, error) {
	hashes = slices.Grow(hashes, w.n)
	for _, s := range slices.Backward(w.steps()) {
		h, err := p.subtree(s.lo, s.hi)
		if err != nil {
			return nil, err
		}
		hashes = append(hashes, h)
	}
	return hashes, nil
}

// subtree returns the root over the leaves [lo, hi), where lo is a multiple of
// a power of 2 that is not below their number.
func (p *prover) subtree(lo, hi uint64) (Hash, error) {
	var peaks [64]Hash
	n := 0
	for lo < hi {
		height := bits.Len64(hi-lo) - 1
		h, err := p.node(height, lo>>height)
		if err != nil {
			return Hash{}, err
		}
		peaks[n], n, lo = h, n+1, lo+1<<height
	}
	return fold(peaks[:n]), nil
}

// node returns node i of this height, all of whose leaves are in the log.
func (p *prover) node(height int, i uint64) (Hash, error) {
	level, above := height/TileHeight, height%TileHeight
	row := uint64(TileWidth) >> above
	t, err := p.tile(level, i/row)
	if err != nil {
		return Hash{}, err
	}
	return t.at(above, int(i%row)), nil
}

func (p *prover) tile(level int, n uint64) (inner, error) {
	for _, t := range p.tiles {
		if t.level == level && t.n == n {
			return t.tile, nil
		}
	}
	t, err := load(p.source, level, n, width(p.size, level, n))
	if err != nil {
		return inner{}, err
	}
	p.tiles = append(p.tiles, place{level: level, n: n, tile: t})
	return t, nil
}

// load returns a tile with its nodes, from the cache if the source has one.
func load(s Source, level int, n uint64, width int) (inner, error) {
	if c, ok := s.(*cached); ok {
		return c.load(level, n, width)
	}
	b, err := read(s, level, n, width)
	if err != nil {
		return inner{}, err
	}
	return grow(b), nil
}
