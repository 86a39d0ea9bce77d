package vault

import (
	"hash/maphash"
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
	flights flights[KeyName, *slot]
}

// sought is a name with the place of its keys in the cache, which is worked out
// once for each call.
type sought struct {
	name KeyName
	at   *set
	tag  uint64
}

// newCache returns a cache of at most limit slots, and at least one set.
func newCache(limit int) *cache {
	return &cache{seed: maphash.MakeSeed(), sets: make([]set, max(1, limit/ways))}
}

// seek finds the set of a name's person and the tag of the name.
func (c *cache) seek(name KeyName) sought {
	person := maphash.String(c.seed, name.SubjectID) + maphash.String(c.seed, string(name.Tenant))
	tag := person ^ maphash.String(c.seed, string(name.Compartment))
	return sought{name: name, at: &c.sets[person%uint64(len(c.sets))], tag: tag}
}

// cached returns the slot under the name, nil if there is none that is still
// good at the given instant.
func (q *sought) cached(now int64) *slot {
	at := q.at
	for i := range at.tags {
		if at.tags[i].Load() != q.tag {
			continue
		}
		s := at.slots[i].Load()
		if s == nil || s.name != q.name || now > s.expires {
			continue
		}
		if bit := uint32(1) << i; at.hot.Load()&bit == 0 {
			at.hot.Or(bit)
		}
		return s
	}
	return nil
}

// put adds the slot, which nobody else has yet, if allowed still says so under
// the set's lock, which evictions take too.
func (q *sought) put(s *slot, allowed func() bool) {
	at := q.at
	at.mu.Lock()
	defer at.mu.Unlock()
	if !allowed() {
		return
	}
	i := at.room(&q.name, q.tag)
	s.place = &at.slots[i]
	s.place.Store(s)
	at.tags[i].Store(q.tag)
}

// join returns the load of the name under way, or a new one that the caller must
// do and then land.
func (q *sought) join() (load *flight[KeyName, *slot], first bool) {
	q.at.mu.Lock()
	defer q.at.mu.Unlock()
	return q.at.flights.join(&q.name)
}

func (q *sought) land(load *flight[KeyName, *slot]) {
	q.at.mu.Lock()
	defer q.at.mu.Unlock()
	q.at.flights.land(load)
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

// evict removes everything that the name covers, and lets nobody join a load of
// it that is under way: an empty Compartment is all of
// a person's, an empty SubjectID all of a tenant's, an empty Tenant everything.
func (c *cache) evict(name KeyName) {
	if name.SubjectID != "" {
		c.seek(name).at.evict(name)
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
			at.slots[i].Store(nil)
			at.tags[i].Store(0)
		}
	}
	at.flights.drop(func(other *KeyName) bool { return name.covers(*other) })
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
