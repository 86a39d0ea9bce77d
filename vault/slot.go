package vault

import "sync/atomic"

// slot holds the keys of one person's compartment. Apart from its atomic
// fields it never changes after it was made.
type slot struct {
	name KeyName
	// keys are the generations, newest first; none if shredded.
	keys []dataKey
	// one is room for the usual number of generations.
	one [1]dataKey
	// prefix begins the associated data of every value of the compartment.
	prefix   []byte
	shredded bool
	// rule is what restrictions leave; nil if there are none.
	rule *rule
	// expires is on the vault's monotonic clock, and so is until, which it is not
	// behind: that of the roots under which the keys lie.
	expires, until int64

	// place is where the cache put the slot; nil if it did not.
	place *atomic.Pointer[slot]
	// tally remembers where the last opening through this slot was counted.
	tally atomic.Pointer[tally]
}

// gone reports whether the slot is not in the cache, or not any more, so that a
// handle which still holds it looks again: fence events reach only what is
// there.
func (s *slot) gone() bool { return s.place == nil || s.place.Load() != s }

// newSlot returns a slot to which keys are still to be added.
func newSlot(name KeyName) *slot {
	s := &slot{name: name, prefix: valuePrefix(name), until: forever}
	s.keys = s.one[:0]
	return s
}

// key returns the generation with the id, nil if there is none.
func (s *slot) key(id uint32) *dataKey {
	for i := range s.keys {
		if s.keys[i].id == id {
			return &s.keys[i]
		}
	}
	return nil
}

// find returns the key of the sealed value, nil if the slot does not have it. It
// may lack one that another process made since.
func (s *slot) find(sealed []byte) *dataKey {
	id, ok := keyID(sealed)
	if !ok {
		return nil
	}
	return s.key(id)
}
