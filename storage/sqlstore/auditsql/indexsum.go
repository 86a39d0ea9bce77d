package auditsql

import (
	"encoding/binary"
	"hash/maphash"

	"github.com/trothdev/troth/audit"
)

// The indexes of entries, in the order of entryIndexes.
const (
	byNumber = iota
	byID
	bySubject
	byAct
	indexKinds
)

// indexSums are sums of keyed hashes of what stands in each index of entries. The
// order of the summands does not matter: rows come by their place in the log, and
// indexes each in an order of their own.
type indexSums struct {
	seed maphash.Seed
	// sizes are how far each log is compared.
	sizes map[int]uint64
	sums  [indexKinds]indexSum
	entry []byte
}

// indexSum is how many entries of an index there are, and the sum of their hashes.
type indexSum struct{ count, total uint64 }

func newIndexSums(heads []audit.Head) *indexSums {
	s := &indexSums{seed: maphash.MakeSeed(), sizes: make(map[int]uint64, len(heads))}
	for _, h := range heads {
		s.sizes[h.Log] = h.Size
	}
	return s
}

// sibling has the same key and sizes, and sums of nothing.
func (s *indexSums) sibling() *indexSums { return &indexSums{seed: s.seed, sizes: s.sizes} }

// addRow adds what the indexes must hold of a row.
func (s *indexSums) addRow(row *audit.LogRow) {
	s.begin(string(row.Tenant))
	tenant := len(s.entry)
	s.add(byNumber, row.Log, row.Number, row.Index)
	s.entry = append(s.entry, row.ID[:]...)
	s.add(byID, row.Log, 0, row.Index)
	if !row.Subject.IsZero() {
		s.entry = append(s.entry[:tenant], row.Subject[:]...)
		s.add(bySubject, row.Log, row.Number, row.Index)
	}
	if row.Act != "" {
		s.entry = append(s.entry[:tenant], row.Act...)
		s.add(byAct, row.Log, row.Number, row.Index)
	}
}

// begin sets the tenant of what is added next. A key may come behind it.
func (s *indexSums) begin(tenant string) {
	s.entry = append(binary.AppendUvarint(s.entry[:0], uint64(len(tenant))), tenant...)
}

// add adds an entry, unless it stands behind what is compared.
func (s *indexSums) add(kind, log int, number, index uint64) {
	if index >= s.sizes[log] {
		return
	}
	n := len(s.entry)
	s.entry = binary.LittleEndian.AppendUint64(s.entry, uint64(log))
	s.entry = binary.LittleEndian.AppendUint64(s.entry, number)
	s.entry = binary.LittleEndian.AppendUint64(s.entry, index)
	s.sums[kind].count++
	s.sums[kind].total += maphash.Bytes(s.seed, s.entry)
	s.entry = s.entry[:n]
}
