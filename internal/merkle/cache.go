package merkle

import (
	"container/list"
	"sync"
)

// TileCache remembers tiles with the nodes inside them, those that were used
// last: tiles of level 1 and above, and partial tiles of level 0, of which
// there is one for each size that proofs are made for. Full tiles of level 0
// are not kept, there are too many: they are read each time, and only their
// upper nodes are remembered. It may be used by many goroutines at once.
type TileCache struct {
	tiles    recent
	sketches recent // of full tiles of level 0, without their hashes
}

// recent is the tiles that were used last.
type recent struct {
	limit int

	mu    sync.Mutex
	tiles map[tileKey]*list.Element
	used  list.List // of *cachedTile, the one used last in front
}

type tileKey struct {
	log   uint64
	level int
	n     uint64
	width int
}

type cachedTile struct {
	key  tileKey
	tile inner
}

// NewTileCache returns a cache of up to limit tiles, at least one, each of
// which takes up to 16 KiB, and as much again for the upper nodes of others.
func NewTileCache(limit int) *TileCache {
	limit = max(limit, 1)
	return &TileCache{
		tiles:    recent{limit: limit, tiles: make(map[tileKey]*list.Element)},
		sketches: recent{limit: limit << sketched, tiles: make(map[tileKey]*list.Element)},
	}
}

// Source returns a source of the log with this number, with which [Inclusion]
// and [Consistency] use the cache. What is cached is never read again: the
// source must give committed tiles only, and no number may ever stand for two
// logs. Calls of its Tile go to source.
func (c *TileCache) Source(log uint64, source Source) Source {
	return &cached{Source: source, cache: c, log: log}
}

// Len returns the number of whole tiles that are cached.
func (c *TileCache) Len() int {
	c.tiles.mu.Lock()
	defer c.tiles.mu.Unlock()
	return len(c.tiles.tiles)
}

type cached struct {
	Source
	cache *TileCache
	log   uint64
}

// load reads outside the lock: two that miss at once both read.
func (c *cached) load(level int, n uint64, width int) (inner, error) {
	key := tileKey{log: c.log, level: level, n: n, width: width}
	if level == 0 && width == TileWidth {
		return c.sketch(key)
	}
	if t, ok := c.cache.tiles.get(key); ok {
		return t, nil
	}
	t, err := load(c.Source, level, n, width)
	if err == nil {
		c.cache.tiles.put(key, t)
	}
	return t, err
}

// sketch reads a full tile of level 0.
func (c *cached) sketch(key tileKey) (inner, error) {
	hashes, err := read(c.Source, key.level, key.n, key.width)
	if err != nil {
		return inner{}, err
	}
	if t, ok := c.cache.sketches.get(key); ok {
		t.hashes = hashes
		return t, nil
	}
	t := grow(hashes)
	c.cache.sketches.put(key, inner{width: t.width, nodes: t.sketch()})
	return t, nil
}

func (c *recent) get(key tileKey) (inner, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.tiles[key]
	if !ok {
		return inner{}, false
	}
	c.used.MoveToFront(e)
	return e.Value.(*cachedTile).tile, true
}

func (c *recent) put(key tileKey, t inner) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.tiles[key]; ok {
		return
	}
	c.tiles[key] = c.used.PushFront(&cachedTile{key: key, tile: t})
	if len(c.tiles) > c.limit {
		last := c.used.Back()
		delete(c.tiles, c.used.Remove(last).(*cachedTile).key)
	}
}
