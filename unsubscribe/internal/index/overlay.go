package index

import (
	"encoding/binary"
	"iter"
	"slices"
	"sync/atomic"
)

// Overlay maps keys to values. One goroutine at a time may write; any number may read
// meanwhile, without a lock.
type Overlay[V any] struct {
	table atomic.Pointer[table[V]]
	cells int // of the writer
}

// table is open addressing, at most half full. Cells never change and never leave: a
// newer one takes the place of an older one of the same key.
type table[V any] []atomic.Pointer[cell[V]]

type cell[V any] struct {
	key   Key
	value V
}

const smallest = 64 // slots

// slot is where the search for a key begins.
func (t table[V]) slot(key *Key) uint64 {
	return binary.BigEndian.Uint64(key[24:]) & uint64(len(t)-1)
}

// Get returns the value that was put last under a key.
func (o *Overlay[V]) Get(key *Key) (value V, found bool) {
	p := o.table.Load()
	if p == nil {
		return value, false
	}
	t := *p
	for i := t.slot(key); ; i = (i + 1) & uint64(len(t)-1) {
		c := t[i].Load()
		if c == nil {
			return value, false
		}
		if c.key == *key {
			return c.value, true
		}
	}
}

// Put replaces the value under a key.
func (o *Overlay[V]) Put(key *Key, value V) {
	p := o.table.Load()
	if p == nil || (o.cells+1)*2 > len(*p) {
		p = o.grow(p)
	}
	if p.put(&cell[V]{*key, value}) {
		o.cells++
	}
}

// put reports whether the key is new.
func (t table[V]) put(c *cell[V]) bool {
	for i := t.slot(&c.key); ; i = (i + 1) & uint64(len(t)-1) {
		switch old := t[i].Load(); {
		case old == nil:
			t[i].Store(c)
			return true
		case old.key == c.key:
			t[i].Store(c)
			return false
		}
	}
}

// grow doubles the table. Who reads the old one meanwhile sees what was there before.
func (o *Overlay[V]) grow(old *table[V]) *table[V] {
	size := smallest
	if old != nil {
		size = 2 * len(*old)
	}
	t := make(table[V], size)
	if old != nil {
		for i := range *old {
			if c := (*old)[i].Load(); c != nil {
				t.put(c)
			}
		}
	}
	o.table.Store(&t)
	return &t
}

// Reset empties the overlay.
func (o *Overlay[V]) Reset() {
	o.table.Store(nil)
	o.cells = 0
}

// Len is how many keys are there, whatever their values; the writer may ask.
func (o *Overlay[V]) Len() int { return o.cells }

// All yields every key; the writer may ask.
func (o *Overlay[V]) All() iter.Seq2[*Key, V] {
	return func(yield func(*Key, V) bool) {
		p := o.table.Load()
		if p == nil {
			return
		}
		for i := range *p {
			if c := (*p)[i].Load(); c != nil && !yield(&c.key, c.value) {
				return
			}
		}
	}
}

// sorted returns the cells in the order of their keys. Nobody may write meanwhile.
func (o *Overlay[V]) sorted() []*cell[V] {
	p := o.table.Load()
	if p == nil {
		return nil
	}
	all := make([]*cell[V], 0, o.cells)
	for i := range *p {
		if c := (*p)[i].Load(); c != nil {
			all = append(all, c)
		}
	}
	slices.SortFunc(all, func(a, b *cell[V]) int { return slices.Compare(a.key[:], b.key[:]) })
	return all
}
