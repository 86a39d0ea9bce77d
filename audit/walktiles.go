package audit

import (
	"bytes"
	"context"
	"slices"

	"github.com/trothdev/troth/internal/merkle"
)

// tileCursor reads the stored tiles of one level in ascending order.
type tileCursor struct {
	store      LogSystem
	log, level int
	next       uint64
	page       []Tile
	// again is set once a tile was taken: pages begin with the last one of the page
	// before, so that a second row in its place is met.
	again, done bool
}

// tilePage is how many tiles are read at a time: 8 KiB each.
const tilePage = 33

// take returns the next tile; found is false at the end.
func (c *tileCursor) take(ctx context.Context) (tile Tile, found bool, err error) {
	if len(c.page) == 0 && !c.done {
		if err := c.fill(ctx); err != nil {
			return Tile{}, false, err
		}
	}
	if len(c.page) == 0 {
		return Tile{}, false, nil
	}
	tile, c.page = c.page[0], c.page[1:]
	c.next, c.again = tile.N, true
	return tile, true, nil
}

func (c *tileCursor) fill(ctx context.Context) (err error) {
	if c.page, err = c.store.Tiles(ctx, c.log, c.level, c.next, tilePage); err != nil {
		return wrapVerify(err)
	}
	c.done = len(c.page) < tilePage
	if c.again && len(c.page) > 0 && c.page[0].N == c.next {
		c.page = c.page[1:]
	}
	return nil
}

// cursor returns the cursor of a level, which begins where the walk does. Where
// the walk does not begin at a trusted checkpoint it covers tiles of level 0
// before that too: none must be left.
func (w *walk) cursor(level int) *tileCursor {
	c := w.tiles[level]
	if c == nil {
		c = &tileCursor{store: w.trail.store, log: w.head.Log, level: level}
		if level > 0 || w.trusted != nil {
			c.next = tileBefore(w.start, level)
		}
		w.tiles[level] = c
	}
	return c
}

// tileBefore is the number of the tile of a level that grows at that size.
func tileBefore(size uint64, level int) uint64 { return size >> (8 * (level + 1)) }

func tilePlace(level int, n uint64) string { return "level " + itoa(level) + " tile " + utoa(n) }

// compareTiles compares the tiles that the entries have completed so far.
func (w *walk) compareTiles(ctx context.Context) error {
	for _, tile := range w.front.Take() {
		if len(tile.Hashes) == tileWidth*hashSize {
			if err := w.compareTile(ctx, Tile{Level: tile.Level, N: tile.N, Hashes: tile.Hashes}, false); err != nil {
				return err
			}
		}
	}
	return nil
}

// compareTile compares the next stored tile of the level. One that grows may
// have got more than is wanted since the walk began.
func (w *walk) compareTile(ctx context.Context, want Tile, grows bool) error {
	place := tilePlace(want.Level, want.N)
	got, found, err := w.cursor(want.Level).take(ctx)
	switch {
	case err != nil:
		return err
	case !found || got.N > want.N:
		return w.damage("tile", place, "is missing")
	case got.N < want.N:
		return w.damage("tile", tilePlace(got.Level, got.N), "is of no entries, or there twice")
	case bytes.Equal(got.Hashes, want.Hashes):
		return nil
	case grows && bytes.HasPrefix(got.Hashes, want.Hashes) && w.moved(ctx):
		return nil
	}
	return w.damage("tile", place, "hashes are not those of the entries")
}

// endTiles compares the tiles that grow, and looks for those that should not be
// there.
func (w *walk) endTiles(ctx context.Context) error {
	growing := w.front.Edge()
	for level := range maxLevel + 1 {
		if hashes := growing[level]; level > 0 && len(hashes) > 0 {
			tile := Tile{Level: level, N: tileBefore(w.head.Size, level), Hashes: hashes}
			if err := w.compareTile(ctx, tile, true); err != nil {
				return err
			}
		}
		tile, found, err := w.cursor(level).take(ctx)
		if err != nil {
			return err
		}
		if found && !w.moved(ctx) {
			return w.damage("tile", tilePlace(level, tile.N), "is of no entries, or there twice")
		}
	}
	return nil
}

// oldTiles holds the tiles of the upper levels that lie before the start to
// those above them. It has something to do in a log that was pruned: below are
// no entries to make them from.
func (w *walk) oldTiles(ctx context.Context) error {
	for level := 1; level < maxLevel; level++ {
		below := tileCursor{store: w.trail.store, log: w.head.Log, level: level}
		for n := range tileBefore(w.start, level) {
			tile, found, err := below.take(ctx)
			if err != nil {
				return err
			}
			if !found || tile.N != n || len(tile.Hashes) != tileWidth*hashSize {
				return w.damage("tile", tilePlace(level, n), "is missing or too short")
			}
			above, err := w.trail.tiles(ctx, w.head.Log).Tile(level+1, n/tileWidth, int(n%tileWidth)+1)
			if err != nil {
				return w.trail.storedOr(err, w.damage("tile", tilePlace(level+1, n/tileWidth), "is missing or too short"))
			}
			if rootOf(tile.Hashes) != [hashSize]byte(above[n%tileWidth*hashSize:]) {
				return w.damage("tile", tilePlace(level, n), "is not what the tile above says")
			}
		}
	}
	return nil
}

// rootOf is the hash of the node that stands above a full tile.
func rootOf(hashes []byte) [hashSize]byte {
	var r merkle.Range
	for h := range slices.Chunk(hashes, hashSize) {
		r.Append([hashSize]byte(h))
	}
	return r.Root()
}

// split cuts hashes that stand one behind the other.
func split(hashes []byte) [][32]byte {
	all := make([][32]byte, 0, len(hashes)/hashSize)
	for h := range slices.Chunk(hashes, hashSize) {
		all = append(all, [32]byte(h))
	}
	return all
}
