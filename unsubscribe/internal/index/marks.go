package index

import "sync/atomic"

// marks gives each distinct mark a number. One goroutine at a time may add; any
// number may read meanwhile.
type marks[M comparable] struct {
	all     atomic.Pointer[[]M]
	numbers map[M]uint32
}

func newMarks[M comparable](all []M) *marks[M] {
	m := &marks[M]{numbers: make(map[M]uint32, len(all))}
	for i, mark := range all {
		m.numbers[mark] = uint32(i)
	}
	m.all.Store(&all)
	return m
}

func (m *marks[M]) list() []M {
	if p := m.all.Load(); p != nil {
		return *p
	}
	return nil
}

// number returns that of a mark, a new one if it has none.
func (m *marks[M]) number(mark M) uint32 {
	n, known := m.numbers[mark]
	if !known {
		all := m.list()
		n = uint32(len(all))
		// What is beyond the length that readers see may be written.
		all = append(all, mark)
		m.all.Store(&all)
		if m.numbers == nil {
			m.numbers = map[M]uint32{}
		}
		m.numbers[mark] = n
	}
	return n
}
