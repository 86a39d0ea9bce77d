package index

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
)

// perBucket is how many entries the directory leaves to look through, on average.
const perBucket = 4

// MaxEntries is how many entries an index holds at most.
const MaxEntries = math.MaxUint32 - 1

// errOrder says that entries do not ascend.
var errOrder = errors.New("unsubscribe/index: entries are not in order")

// base is sorted entries, by key and mark, none twice. It never changes once it is
// built.
type base struct {
	keys  []byte // KeySize each
	marks []uint32
	// directory has where each bucket begins, and where the last one ends.
	directory []uint32
	filter    filter
}

// baseBuilder makes a base of entries that come in order.
type baseBuilder struct {
	b       base
	entries int
	buckets int
	opened  int // buckets whose beginning is known
	done    int
	top     uint64   // of the last key that is done
	same    []uint32 // entries whose key is that of the one before
}

// newBaseBuilder makes room for so many entries, which the caller puts into keys and
// marks.
func newBaseBuilder(entries int) *baseBuilder {
	buckets := (entries + perBucket - 1) / perBucket
	return &baseBuilder{
		b: base{
			keys: make([]byte, entries*KeySize), marks: make([]uint32, entries),
			directory: make([]uint32, buckets+1), filter: newFilter(entries),
		},
		entries: entries, buckets: buckets,
	}
}

func (b *base) key(i int) *Key { return (*Key)(b.keys[i*KeySize:]) }

// index takes up the next entries, whose keys are in place; marks need not be yet.
func (bb *baseBuilder) index(until int) error {
	b := &bb.b
	for ; bb.done < until; bb.done++ {
		key := b.key(bb.done)
		top := binary.BigEndian.Uint64(key[:8])
		if top <= bb.top && bb.done > 0 { // the first eight bytes tell nearly all apart
			switch bytes.Compare(b.key(bb.done - 1)[:], key[:]) {
			case 0:
				bb.same = append(bb.same, uint32(bb.done))
			case 1:
				return errOrder
			}
		}
		bb.top = top
		b.filter.add(key)
		for at := scale(top, bb.buckets); bb.opened <= at; bb.opened++ {
			b.directory[bb.opened] = uint32(bb.done)
		}
	}
	return nil
}

// finish returns the base, once all entries are indexed and all marks in place.
func (bb *baseBuilder) finish() (*base, error) {
	for _, i := range bb.same {
		if bb.b.marks[i-1] >= bb.b.marks[i] {
			return nil, errOrder
		}
	}
	for ; bb.opened <= bb.buckets; bb.opened++ {
		bb.b.directory[bb.opened] = uint32(bb.entries)
	}
	return &bb.b, nil
}

func (b *base) len() int { return len(b.marks) }

// get returns the marks of a key. Nobody may change them.
func (b *base) get(key *Key) []uint32 {
	if !b.filter.mayHave(key) {
		return nil
	}
	first, last := b.find(key)
	return b.marks[first:last:last]
}

// find returns which entries have the key; if none has, where they would stand.
func (b *base) find(key *Key) (first, last int) {
	if len(b.marks) == 0 {
		return 0, 0
	}
	top := binary.BigEndian.Uint64(key[:8])
	bucket := scale(top, len(b.directory)-1)
	first, end := int(b.directory[bucket]), int(b.directory[bucket+1])
	for first < end && less(b.key(first), key, top) {
		first++
	}
	for last = first; last < end && *b.key(last) == *key; last++ {
	}
	return first, last
}

func less(a, key *Key, top uint64) bool {
	if t := binary.BigEndian.Uint64(a[:8]); t != top {
		return t < top
	}
	return bytes.Compare(a[:], key[:]) < 0
}
