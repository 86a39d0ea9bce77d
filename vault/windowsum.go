package vault

// sums is what a window has counted, by compartment: a hash table of its own,
// because a window of a busy service adds up a great many, each where the
// processor has not looked for a while. Its loop is short enough that it waits
// for several of them at a time.
type sums struct {
	// slots are a power of two, and at least half of them empty.
	slots []sum
	names int
}

// sum is one line of memory long. It is empty while nothing was counted.
type sum struct {
	name KeyName
	tag  uint64
	n    int64
}

func (s *sums) add(tag uint64, name *KeyName, n int64) {
	if n == 0 {
		return
	}
	if 2*s.names >= len(s.slots) {
		s.grow()
	}
	at := s.find(tag, name)
	if at.n == 0 {
		at.tag, at.name = tag, *name
		s.names++
	}
	at.n += n
}

// find returns the place of the name, which may be empty still.
func (s *sums) find(tag uint64, name *KeyName) *sum {
	last := uint64(len(s.slots) - 1)
	for i := tag & last; ; i = (i + 1) & last {
		at := &s.slots[i]
		if at.n == 0 || (at.tag == tag && at.name == *name) {
			return at
		}
	}
}

func (s *sums) grow() {
	old := s.slots
	s.slots = make([]sum, max(16, 2*len(old)))
	for i := range old {
		if old[i].n != 0 {
			*s.find(old[i].tag, &old[i].name) = old[i]
		}
	}
}
