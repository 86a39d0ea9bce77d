package index

import (
	"encoding/binary"
	"math/bits"
)

const (
	// bitsPerEntry of the filter let about one in two hundred keys pass that are not
	// there.
	bitsPerEntry = 12
	blockBits    = 256
)

// block is half a line of the processor's cache: a key sets one bit of each word.
type block [8]uint32

// filter says of a key that it is not there, or that it may be.
type filter []block

func newFilter(entries int) filter {
	return make(filter, (entries*bitsPerEntry+blockBits-1)/blockBits)
}

// scale makes of the first eight bytes of a key a number below n, in the order of
// keys: so whoever goes through sorted keys fills filter and directory from front to
// back.
func scale(top uint64, n int) int {
	high, _ := bits.Mul64(top, uint64(n))
	return int(high)
}

func (f filter) block(key *Key) *block {
	return &f[scale(binary.BigEndian.Uint64(key[:8]), len(f))]
}

// within are bits of a key that scale does not use: five for each word of a block.
func within(key *Key) uint64 { return binary.BigEndian.Uint64(key[8:16]) }

func (f filter) add(key *Key) {
	b, w := f.block(key), within(key)
	for i := range b {
		b[i] |= 1 << (w & 31)
		w >>= 5
	}
}

func (f filter) mayHave(key *Key) bool {
	if len(f) == 0 {
		return false
	}
	b, w := f.block(key), within(key)
	// Written out: this is what nearly every question costs.
	return b[0]>>(w&31)&(b[1]>>(w>>5&31))&(b[2]>>(w>>10&31))&(b[3]>>(w>>15&31))&
		(b[4]>>(w>>20&31))&(b[5]>>(w>>25&31))&(b[6]>>(w>>30&31))&(b[7]>>(w>>35&31))&1 != 0
}
