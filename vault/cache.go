package vault

import (
	"hash/maphash"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/trothdev/troth"
)

// ways is how many slots a set of the cache has.
const ways = 8

// cache is bounded and set-associative, like a processor's: a person's name
// gives the set, and a set holds eight slots at the most, of all compartments.
// Reading takes no lock. A full set evicts by CLOCK among its own: a hit sets
// one bit.
type cache struct {
	seed maphash.Seed
	sets []set
}

type set struct {
	// tags are hashes of whole names: most of what is not there is found out
	// without looking at any slot. A tag that is wrong for a moment costs no
	// more than a miss, because names are compared.
	tags  [ways]atomic.Uint64
	slots [ways]atomic.Pointer[slot]
	// hot has a bit for each slot that was used since the hand passed it.
	hot atomic.Uint32

	mu      sync.Mutex // for writing
	hand    int
	flights []*flight
}

// newCache returns a cache of at most limit slots, and at least one set.
func newCache(limit int) *cache {
	return &cache{seed: maphash.MakeSeed(), sets: make([]set, max(1, limit/ways))}
}

// find returns the set of a name's person and the tag of the name.
func (c *cache) find(name *KeyName) (*set, uint64) {
	person := maphash.String(c.seed, name.SubjectID) + maphash.String(c.seed, string(name.Tenant))
	tag := person ^ maphash.String(c.seed, string(name.Compartment))
	return &c.sets[person%uint64(len(c.sets))], tag
}

// get returns the slot under name, nil if there is none that is still good at
// the given instant.
func (c *cache) get(name *KeyName, now int64) *slot {
	at, tag := c.find(name)
	for i := range at.tags {
		if at.tags[i].Load() != tag {
			continue
		}
		s := at.slots[i].Load()
		if s == nil || s.name != *name || now > s.expires {
			continue
		}
		if bit := uint32(1) << i; at.hot.Load()&bit == 0 {
			at.hot.Or(bit)
		}
		return s
	}
	return nil
}

// put adds the slot if allowed still says so under the set's lock, which
// evictions take too. A slot that is not added counts as gone.
func (c *cache) put(s *slot, allowed func() bool) {
	at, tag := c.find(&s.name)
	at.mu.Lock()
	defer at.mu.Unlock()
	if !allowed() {
		s.gone.Store(true)
		return
	}
	i := at.room(&s.name, tag)
	at.remove(i)
	at.slots[i].Store(s)
	at.tags[i].Store(tag)
}

// room returns where a slot of that name may go: in the place of the one before,
// an empty place, or that of the first slot from the hand on which was not used
// since the hand last passed.
func (at *set) room(name *KeyName, tag uint64) int {
	empty := -1
	for i := range at.slots {
		switch s := at.slots[i].Load(); {
		case s == nil:
			empty = i
		case at.tags[i].Load() == tag && s.name == *name:
			return i
		}
	}
	if empty >= 0 {
		return empty
	}
	for {
		i := at.hand
		at.hand = (at.hand + 1) % ways
		bit := uint32(1) << i
		if at.hot.And(^bit)&bit == 0 {
			return i
		}
	}
}

func (at *set) remove(i int) {
	if s := at.slots[i].Load(); s != nil {
		s.gone.Store(true)
		at.slots[i].Store(nil)
		at.tags[i].Store(0)
	}
}

// evict removes everything that the name covers, and lets nobody join a load of
// it that is under way: an empty Compartment is all of
// a person's, an empty SubjectID all of a tenant's, an empty Tenant everything.
func (c *cache) evict(name KeyName) {
	if name.SubjectID != "" {
		at, _ := c.find(&name)
		at.evict(name)
		return
	}
	for i := range c.sets {
		c.sets[i].evict(name)
	}
}

func (at *set) evict(name KeyName) {
	at.mu.Lock()
	defer at.mu.Unlock()
	for i := range at.slots {
		if s := at.slots[i].Load(); s != nil && name.covers(s.name) {
			at.remove(i)
		}
	}
	at.flights = slices.DeleteFunc(at.flights, func(f *flight) bool { return name.covers(f.name) })
}

// covers reports whether n, with its empty parts as wildcards, takes in other.
func (n KeyName) covers(other KeyName) bool {
	if n.Tenant != "" && n.Tenant != other.Tenant {
		return false
	}
	if n.SubjectID != "" && n.SubjectID != other.SubjectID {
		return false
	}
	return n.Compartment == "" || n.Compartment == other.Compartment
}

// nameOf is the name of the keys that seal at the given place.
func nameOf(at *troth.Context) KeyName {
	return KeyName{Tenant: at.Subject.Tenant, SubjectID: at.Subject.ID, Compartment: at.Compartment}
}
