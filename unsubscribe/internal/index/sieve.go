package index

import (
	"encoding/binary"
	"math/bits"
)

// Sieve tells of keys that they are surely not among those that were put in. It knows
// them by their first eight bytes, and takes twelve bits for each. It is made of equal
// parts of all keys, each of which has as much room as it has keys.
type Sieve struct{ parts []filter }

// NewSieve returns an empty one of so many parts.
func NewSieve(parts int) *Sieve { return &Sieve{make([]filter, parts)} }

// Fill puts keys, by their first eight bytes, into the part to which all of them
// belong.
func (s *Sieve) Fill(part int, tops []uint64) {
	f := newFilter(len(tops))
	s.parts[part] = f
	for _, top := range tops {
		_, k := s.place(top)
		f.add(&k)
	}
}

// MayHave is false where no key with these first eight bytes was put in, and for about
// one in two hundred others true.
func (s *Sieve) MayHave(top uint64) bool {
	part, k := s.place(top)
	return s.parts[part].mayHave(&k)
}

// place is the part of a key, and what its filter knows it by: where in the part it
// lies, for the block, and the bits that it has for the bits in it.
func (s *Sieve) place(top uint64) (part uint64, k Key) {
	part, within := bits.Mul64(top, uint64(len(s.parts)))
	binary.BigEndian.PutUint64(k[:8], within)
	binary.BigEndian.PutUint64(k[8:16], top)
	return part, k
}

// PartStart is the first of part i of n.
func PartStart(i, n int) uint64 {
	at, rest := bits.Div64(uint64(i), 0, uint64(n))
	if rest > 0 {
		at++
	}
	return at
}
