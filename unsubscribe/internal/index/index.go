package index

import (
	"errors"
	"slices"
	"sync"
	"sync/atomic"
)

// ErrFull says that an index would hold more than [MaxEntries].
var ErrFull = errors.New("unsubscribe/index: too many entries")

// Index maps keys to marks. Any number of goroutines may read, write and merge at
// once. The zero value is empty.
type Index[M comparable] struct {
	view       atomic.Pointer[view[M]]
	generation atomic.Uint64

	write   sync.Mutex // for marks and the fresh overlay
	merging sync.Mutex // taken before write
}

// view is what a reader looks at: what is found first counts, as all of the key's
// marks.
type view[M comparable] struct {
	fresh *changes
	// frozen is being merged into a new base; nil if none is.
	frozen *changes
	base   *base
	marks  *marks[M]
}

type changes = Overlay[[]uint32]

// Marks are those of one key.
type Marks[M comparable] struct {
	numbers []uint32
	of      *marks[M]
}

// Len is how many there are.
func (m Marks[M]) Len() int { return len(m.numbers) }

// At returns one of them.
func (m Marks[M]) At(i int) M { return m.of.list()[m.numbers[i]] }

// Get returns the marks of a key.
func (x *Index[M]) Get(key *Key) Marks[M] {
	v := x.view.Load()
	if v == nil {
		return Marks[M]{}
	}
	return Marks[M]{v.get(key), v.marks}
}

func (v *view[M]) get(key *Key) []uint32 {
	if numbers, found := v.fresh.Get(key); found {
		return numbers
	}
	if v.frozen != nil {
		if numbers, found := v.frozen.Get(key); found {
			return numbers
		}
	}
	return v.base.get(key)
}

// Generation grows whenever something was put: while it stays, so does every answer.
func (x *Index[M]) Generation() uint64 { return x.generation.Load() }

// Put replaces the marks of a key. Who calls Get afterwards sees them.
func (x *Index[M]) Put(key *Key, of []M) {
	x.write.Lock()
	defer x.write.Unlock()
	v := x.current()
	numbers := make([]uint32, len(of))
	for i, m := range of {
		numbers[i] = v.marks.number(m)
	}
	slices.Sort(numbers)
	numbers = slices.Compact(numbers)
	if slices.Equal(numbers, v.get(key)) {
		return
	}
	v.fresh.Put(key, numbers)
	x.generation.Add(1)
}

// current returns the view, an empty one if there was none. The caller holds write.
func (x *Index[M]) current() *view[M] {
	v := x.view.Load()
	if v == nil {
		v = &view[M]{fresh: &changes{}, base: &base{}, marks: &marks[M]{}}
		x.view.Store(v)
	}
	return v
}

// Len returns how many entries the base has, and how many keys changed since it was
// made.
func (x *Index[M]) Len() (entries, changed int) {
	x.write.Lock()
	defer x.write.Unlock()
	v := x.current()
	changed = v.fresh.Len()
	if v.frozen != nil {
		changed += v.frozen.Len()
	}
	return v.base.len(), changed
}

// Merge makes a new base of all that was put, while others read and write.
func (x *Index[M]) Merge() error {
	x.merging.Lock()
	defer x.merging.Unlock()
	_, err := x.merge()
	return err
}

// merge returns what is in the new base. The caller holds merging.
func (x *Index[M]) merge() (Built[M], error) {
	v := x.freeze()
	next := v.base
	if v.frozen != nil {
		var err error
		if next, err = v.base.with(v.frozen.sorted()); err != nil {
			return Built[M]{}, err
		}
	}
	x.write.Lock()
	defer x.write.Unlock()
	x.view.Store(&view[M]{fresh: v.fresh, base: next, marks: v.marks})
	return Built[M]{next, v.marks.list()}, nil
}

// freeze begins a new overlay, unless there is nothing in the old one, or one is
// frozen because a merge before failed.
func (x *Index[M]) freeze() *view[M] {
	x.write.Lock()
	defer x.write.Unlock()
	v := x.current()
	if v.frozen == nil && v.fresh.Len() > 0 {
		v = &view[M]{fresh: &changes{}, frozen: v.fresh, base: v.base, marks: v.marks}
		x.view.Store(v)
	}
	return v
}

// with returns a base in which the cells replace what b has under their keys.
func (b *base) with(cells []*cell[[]uint32]) (*base, error) {
	entries := b.len()
	for _, c := range cells {
		first, last := b.find(&c.key)
		entries += len(c.value) - (last - first)
	}
	if entries > MaxEntries {
		return nil, ErrFull
	}
	bb := newBaseBuilder(entries)
	from, to := 0, 0
	keep := func(until int) {
		copy(bb.b.keys[to*KeySize:], b.keys[from*KeySize:until*KeySize])
		to += copy(bb.b.marks[to:], b.marks[from:until])
	}
	for _, c := range cells {
		first, last := b.find(&c.key)
		keep(first)
		from = last
		for _, m := range c.value {
			*bb.b.key(to) = c.key
			bb.b.marks[to] = m
			to++
		}
	}
	keep(b.len())
	if err := bb.index(entries); err != nil {
		return nil, err
	}
	return bb.finish()
}
