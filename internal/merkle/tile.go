package merkle

import (
	"fmt"
	"slices"
)

// TileHeight is the height of a tile: the levels of nodes that it stands for.
const TileHeight = 8

// TileWidth is the number of hashes of a full tile.
const TileWidth = 1 << TileHeight

// levels is the number of levels of tiles that the greatest log has.
const levels = 64 / TileHeight

// Tile is one tile of the log as it is stored: the hashes, one behind the
// other, of the nodes of height 8·Level from number 256·N on. A full tile has
// [TileWidth] of them and never changes again.
type Tile struct {
	Level  int
	N      uint64
	Hashes []byte
}

// Width returns the number of hashes.
func (t Tile) Width() int { return len(t.Hashes) / HashSize }

// Source gives the tiles of a log.
//
// Tile returns at least the first width hashes of tile n of the level, one
// behind the other; what follows is not looked at, so a tile that has grown
// since serves as well. width is from 1 to [TileWidth]. The result is not
// changed. A partial tile of level 0 is made of the entries' leaf hashes.
type Source interface {
	Tile(level int, n uint64, width int) ([]byte, error)
}

// SourceFunc is a function that is a [Source].
type SourceFunc func(level int, n uint64, width int) ([]byte, error)

// Tile calls the function.
func (f SourceFunc) Tile(level int, n uint64, width int) ([]byte, error) { return f(level, n, width) }

// read returns exactly width hashes of a tile.
func read(s Source, level int, n uint64, width int) ([]byte, error) {
	b, err := s.Tile(level, n, width)
	if err != nil {
		return nil, fmt.Errorf("merkle: read tile %d of level %d: %w", n, level, err)
	}
	if len(b) < width*HashSize || len(b)%HashSize != 0 {
		return nil, fmt.Errorf("%w: tile %d of level %d has %d bytes, %d hashes wanted", ErrTile, n, level, len(b), width)
	}
	return b[:width*HashSize], nil
}

// width returns how many hashes tile n of the level has in a log of this size.
func width(size uint64, level int, n uint64) int {
	nodes := size >> (TileHeight * level)
	return int(min(nodes-n*TileWidth, TileWidth))
}

// inner is a tile with every node that it completes: first its hashes, then
// half as many of the next height, to the last height below the next level.
type inner struct {
	width int
	nodes []Hash
	// A sketch has in nodes only those from the height sketched on, and makes the
	// others of the tile's hashes.
	hashes []byte
}

// sketched is the lowest height that a sketch of a full tile has nodes of: one
// in sixteen of all, which are those that take the most hashing.
const sketched = 4

// sketch returns what is worth keeping of a full tile.
func (t inner) sketch() []Hash {
	below := 0
	for h := range sketched {
		below += t.width >> h
	}
	return slices.Clone(t.nodes[below:])
}

// grow computes the nodes above the hashes of a tile.
func grow(hashes []byte) inner {
	w := len(hashes) / HashSize
	total := 0
	for height := range TileHeight {
		total += w >> height
	}
	nodes := make([]Hash, 0, total)
	for i := range w {
		nodes = append(nodes, Hash(hashes[i*HashSize:]))
	}
	below := nodes
	for len(below) > 1 && len(nodes) < total {
		start := len(nodes)
		for i := 0; i+1 < len(below); i += 2 {
			nodes = append(nodes, HashNode(below[i], below[i+1]))
		}
		below = nodes[start:]
	}
	return inner{width: w, nodes: nodes}
}

// at returns node i of those of this height above the tile's hashes.
func (t inner) at(height, i int) Hash {
	from := 0
	if t.hashes != nil {
		if from = sketched; height < from {
			return root(t.hashes[i<<height*HashSize : (i+1)<<height*HashSize])
		}
	}
	for h := from; h < height; h++ {
		i += t.width >> h
	}
	return t.nodes[i]
}

// root returns the root above hashes, whose number is a power of 2.
func root(hashes []byte) Hash {
	if len(hashes) == HashSize {
		return Hash(hashes)
	}
	half := len(hashes) / 2
	return HashNode(root(hashes[:half]), root(hashes[half:]))
}
