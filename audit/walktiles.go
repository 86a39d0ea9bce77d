package audit

import (
	"bytes"
	"context"
	"fmt"
)

// tileCursor reads the stored tiles of one level in ascending order.
type tileCursor struct {
	store      LogSystem
	log, level int
	next       uint64
	page       []Tile
	done       bool
}

// tilePage is how many tiles are read at a time: 8 KiB each.
const tilePage = 32

// take returns the next tile; found is false at the end.
func (c *tileCursor) take(ctx context.Context) (tile Tile, found bool, err error) {
	if len(c.page) == 0 && !c.done {
		if c.page, err = c.store.Tiles(ctx, c.log, c.level, c.next, tilePage); err != nil {
			return Tile{}, false, fmt.Errorf("audit: verify: %w", err)
		}
		c.done = len(c.page) < tilePage
	}
	if len(c.page) == 0 {
		return Tile{}, false, nil
	}
	tile, c.page = c.page[0], c.page[1:]
	c.next = tile.N + 1
	return tile, true, nil
}

// cursor returns the cursor of a level, which begins where the walk does.
func (w *walk) cursor(level int) *tileCursor {
	c := w.tiles[level]
	if c == nil {
		c = &tileCursor{store: w.trail.store, log: w.head.Log, level: level, next: w.start >> (8 * (level + 1))}
		w.tiles[level] = c
	}
	return c
}

// compareTiles compares the tiles that the entries have completed so far.
func (w *walk) compareTiles(ctx context.Context) error {
	if w.front.Size()%tileWidth != 0 {
		return nil
	}
	for _, tile := range w.front.Take() {
		if len(tile.Hashes) == tileWidth*hashSize {
			if err := w.compareTile(ctx, Tile{Level: tile.Level, N: tile.N, Hashes: tile.Hashes}, false); err != nil {
				return err
			}
		}
	}
	return nil
}

// compareTile compares the next stored tile of the level. One that the log has
// completed since the walk began may have more than is wanted.
func (w *walk) compareTile(ctx context.Context, want Tile, partial bool) error {
	place := "level " + itoa(want.Level) + " tile " + utoa(want.N)
	got, found, err := w.cursor(want.Level).take(ctx)
	switch {
	case err != nil:
		return err
	case !found || got.N > want.N:
		return w.damage("tile", place, "is missing")
	case got.N < want.N:
		return w.damage("tile", "level "+itoa(got.Level)+" tile "+utoa(got.N), "is of no entries")
	case partial && len(got.Hashes) > len(want.Hashes) && bytes.HasPrefix(got.Hashes, want.Hashes) && w.moved(ctx):
	case !bytes.Equal(got.Hashes, want.Hashes):
		return w.damage("tile", place, "hashes are not those of the entries")
	}
	return nil
}

// endTiles compares the tiles that grow, and looks for those that should not be
// there.
func (w *walk) endTiles(ctx context.Context) error {
	growing := w.front.Edge()
	for level := range maxLevel + 1 {
		if level > 0 {
			if hashes := growing[level]; len(hashes) > 0 {
				tile := Tile{Level: level, N: w.head.Size >> (8 * (level + 1)), Hashes: hashes}
				if err := w.compareTile(ctx, tile, true); err != nil {
					return err
				}
			}
		}
		tile, found, err := w.cursor(level).take(ctx)
		if err != nil {
			return err
		}
		if found && !w.moved(ctx) {
			return w.damage("tile", "level "+itoa(level)+" tile "+utoa(tile.N), "is of no entries")
		}
	}
	return w.noMoreEntries(ctx)
}

// noMoreEntries looks for entries behind the head.
func (w *walk) noMoreEntries(ctx context.Context) error {
	rows, err := w.trail.store.LogRange(ctx, w.head.Log, w.head.Size, 1)
	if err != nil {
		return fmt.Errorf("audit: verify: %w", err)
	}
	if len(rows) > 0 && !w.moved(ctx) {
		return w.damage("entry", "index "+utoa(rows[0].Index), "is behind the end of the log")
	}
	return nil
}
