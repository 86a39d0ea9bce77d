package merkle_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/trothdev/troth/internal/merkle"
)

// naive is RFC 6962, section 2.1, word by word, over leaf hashes that anybody
// can make again: leaf i is the hash of i in 8 bytes.
type naive struct {
	leaves []merkle.Hash
	memo   map[int]merkle.Hash
	stored []tlog.Hash // in the order of x/mod
}

func newNaive(size int) *naive {
	r := &naive{memo: make(map[int]merkle.Hash)}
	for i := range size {
		data := binary.BigEndian.AppendUint64(nil, uint64(i))
		r.leaves = append(r.leaves, sha256.Sum256(append([]byte{0}, data...)))
		more, err := tlog.StoredHashes(int64(i), data, r.reader())
		if err != nil {
			panic(err)
		}
		r.stored = append(r.stored, more...)
	}
	return r
}

// reader reads for x/mod.
func (r *naive) reader() tlog.HashReader {
	return tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		hashes := make([]tlog.Hash, len(indexes))
		for i, index := range indexes {
			hashes[i] = r.stored[index]
		}
		return hashes, nil
	})
}

// split is the greatest power of 2 below n.
func split(n int) int {
	k := 1
	for k*2 < n {
		k *= 2
	}
	return k
}

func (r *naive) root(lo, hi int) merkle.Hash {
	switch hi - lo {
	case 0:
		return sha256.Sum256(nil)
	case 1:
		return r.leaves[lo]
	}
	if h, ok := r.memo[hi<<32|lo]; ok {
		return h
	}
	k := lo + split(hi-lo)
	left, right := r.root(lo, k), r.root(k, hi)
	h := sha256.Sum256(bytes.Join([][]byte{{1}, left[:], right[:]}, nil))
	r.memo[hi<<32|lo] = h
	return h
}

// inclusion is PATH of the RFC.
func (r *naive) inclusion(index, lo, hi int) []merkle.Hash {
	if hi-lo == 1 {
		return nil
	}
	if k := lo + split(hi-lo); index < k {
		return append(r.inclusion(index, lo, k), r.root(k, hi))
	} else {
		return append(r.inclusion(index, k, hi), r.root(lo, k))
	}
}

// consistency is SUBPROOF of the RFC.
func (r *naive) consistency(old, lo, hi int, whole bool) []merkle.Hash {
	if old == hi {
		if whole {
			return nil
		}
		return []merkle.Hash{r.root(lo, hi)}
	}
	if k := lo + split(hi-lo); old <= k {
		return append(r.consistency(old, lo, k, whole), r.root(k, hi))
	} else {
		return append(r.consistency(old, k, hi, false), r.root(lo, k))
	}
}

// tile is what is stored of a log of this size: all hashes that the tile has.
func (r *naive) tile(size, level int, n uint64) []byte {
	var b []byte
	for i := int(n) * merkle.TileWidth; i < int(n+1)*merkle.TileWidth && (i+1)<<(8*level) <= size; i++ {
		h := r.root(i<<(8*level), (i+1)<<(8*level))
		b = append(b, h[:]...)
	}
	return b
}

// source gives the tiles of the whole log, and counts.
type source struct {
	log   *naive
	mu    sync.Mutex
	tiles map[string][]byte
	reads map[string]int
}

func (r *naive) source() *source {
	return &source{log: r, tiles: map[string][]byte{}, reads: map[string]int{}}
}

func (s *source) Tile(level int, n uint64, width int) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	name := fmt.Sprintf("%d/%d", level, n)
	s.reads[name]++
	b, ok := s.tiles[name]
	if !ok {
		b = s.log.tile(len(s.log.leaves), level, n)
		s.tiles[name] = b
	}
	if width < 1 || width > merkle.TileWidth || len(b) < width*merkle.HashSize {
		return nil, errNoTile
	}
	return b, nil
}

var errNoTile = errors.New("no such tile")
