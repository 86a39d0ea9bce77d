package memory

import (
	"slices"
	"sync/atomic"
)

// Row is one row of a table.
type Row[K comparable, V any] struct {
	Key   K
	Value V
}

// entry is a row, or the mark of a transaction that deleted one.
type entry[K comparable, V any] struct {
	Row[K, V]
	deleted bool
}

// rows are entries by key and in key order. The order is kept in blocks that
// are replaced, never changed, so that a copy of the list of blocks is a
// snapshot.
type rows[K comparable, V any] struct {
	compare func(a, b K) int
	byKey   map[K]*entry[K, V]
	blocks  [][]*entry[K, V] // none is empty
	shared  atomic.Bool      // whether somebody may still read the list of blocks
}

// maxBlock bounds what one write copies: of one block, and of the list of them
// after somebody took a snapshot. It suits some 100,000 rows.
const maxBlock = 512

func newRows[K comparable, V any](compare func(a, b K) int) *rows[K, V] {
	return &rows[K, V]{compare: compare, byKey: make(map[K]*entry[K, V])}
}

// put adds the entry, or replaces the one of its key.
func (r *rows[K, V]) put(e *entry[K, V]) {
	r.byKey[e.Key] = e
	if len(r.blocks) == 0 {
		r.blocks = [][]*entry[K, V]{{e}}
		return
	}
	b, i, found := r.find(e.Key)
	if b == len(r.blocks) { // behind the last
		b--
		i = len(r.blocks[b])
	}
	block := slices.Clone(r.blocks[b])
	if found {
		block[i] = e
	} else {
		block = slices.Insert(block, i, e)
	}
	r.replace(b, block)
}

// remove takes the key's entry out, if there is one.
func (r *rows[K, V]) remove(k K) {
	if _, ok := r.byKey[k]; !ok {
		return
	}
	delete(r.byKey, k)
	b, i, found := r.find(k)
	if !found {
		return
	}
	r.replace(b, slices.Delete(slices.Clone(r.blocks[b]), i, i+1))
}

func (r *rows[K, V]) replace(b int, block []*entry[K, V]) {
	switch n := len(block); {
	case n == 0:
		r.blocks = slices.Delete(r.blocks, b, b+1)
	case n > maxBlock:
		r.blocks[b] = block[: n/2 : n/2]
		r.blocks = slices.Insert(r.blocks, b+1, block[n/2:])
	default:
		r.blocks[b] = block
	}
}

// find returns where the key stands, or would stand if it were there.
func (r *rows[K, V]) find(k K) (block, at int, found bool) {
	block, _ = slices.BinarySearchFunc(r.blocks, k, func(b []*entry[K, V], k K) int {
		return r.compare(b[len(b)-1].Key, k)
	})
	if block == len(r.blocks) {
		return block, 0, false
	}
	at, found = slices.BinarySearchFunc(r.blocks[block], k, func(e *entry[K, V], k K) int {
		return r.compare(e.Key, k)
	})
	return block, at, found
}

// snapshot is from, for a cursor that is read while rows change.
func (r *rows[K, V]) snapshot(after *K) cursor[K, V] {
	r.shared.Store(true)
	return r.from(after)
}

// unshare must be called before rows change that may have a snapshot.
func (r *rows[K, V]) unshare() {
	if r.shared.Swap(false) {
		r.blocks = slices.Clone(r.blocks)
	}
}

// cursor walks entries in order.
type cursor[K comparable, V any] struct {
	blocks    [][]*entry[K, V]
	block, at int
}

// from returns a cursor at the first entry behind after, or at the first.
func (r *rows[K, V]) from(after *K) cursor[K, V] {
	c := cursor[K, V]{blocks: r.blocks}
	if after == nil {
		return c
	}
	var found bool
	if c.block, c.at, found = r.find(*after); found {
		c.at++
	}
	return c
}

// peek returns the entry at the cursor, nil behind the last.
func (c *cursor[K, V]) peek() *entry[K, V] {
	for c.block < len(c.blocks) && c.at == len(c.blocks[c.block]) {
		c.block, c.at = c.block+1, 0
	}
	if c.block == len(c.blocks) {
		return nil
	}
	return c.blocks[c.block][c.at]
}

func (c *cursor[K, V]) next() { c.at++ }
