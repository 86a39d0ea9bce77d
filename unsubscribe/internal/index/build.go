package index

import (
	"cmp"
	"encoding/binary"
	"slices"
)

// Builder collects entries in any order for a new index.
type Builder[M comparable] struct {
	marks   marks[M]
	entries []entry
}

type entry struct {
	key  Key
	mark uint32
}

// Add adds an entry; one that is there already changes nothing.
func (b *Builder[M]) Add(key *Key, mark M) error {
	if len(b.entries) >= MaxEntries {
		return ErrFull
	}
	b.entries = append(b.entries, entry{*key, b.marks.number(mark)})
	return nil
}

// Built is what a builder or a file holds, for [Index.Replace].
type Built[M comparable] struct {
	base  *base
	marks []M
}

// Len is how many entries there are.
func (b Built[M]) Len() int { return b.base.len() }

// Build ends the work of the builder.
func (b *Builder[M]) Build() (Built[M], error) {
	slices.SortFunc(b.entries, func(x, y entry) int {
		if a, b := binary.BigEndian.Uint64(x.key[:]), binary.BigEndian.Uint64(y.key[:]); a != b {
			return cmp.Compare(a, b)
		}
		return cmp.Or(slices.Compare(x.key[:], y.key[:]), cmp.Compare(x.mark, y.mark))
	})
	all := slices.Compact(b.entries)
	bb := newBaseBuilder(len(all))
	for i := range all {
		*bb.b.key(i) = all[i].key
		bb.b.marks[i] = all[i].mark
	}
	b.entries = nil
	if err := bb.index(len(all)); err != nil {
		return Built[M]{}, err
	}
	done, err := bb.finish()
	return Built[M]{done, b.marks.list()}, err
}

// Replace makes the index answer from what was built, and from nothing that was put
// before.
func (x *Index[M]) Replace(b Built[M]) {
	x.merging.Lock()
	defer x.merging.Unlock()
	x.write.Lock()
	defer x.write.Unlock()
	x.view.Store(&view[M]{fresh: &changes{}, base: b.base, marks: newMarks(b.marks)})
	x.generation.Add(1)
}
