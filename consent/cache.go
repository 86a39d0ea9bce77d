package consent

import (
	"hash/maphash"
	"math/bits"
	"sync"
	"sync/atomic"

	"github.com/trothdev/troth"
)

// known is what a process keeps of a person.
type known struct {
	states states
	// given is the latest instant that any of the states speaks of.
	given int64
	// last is the decision that was asked for last: who is asked about is often
	// asked about again.
	last atomic.Pointer[memo]
}

func newKnown(all states) *known {
	k := &known{states: all}
	for i := range all {
		k.given = max(k.given, all[i].state.given)
	}
	return k
}

const ways = 8

// cache holds people's states, bounded, in sets of eight as a processor's does: a
// person's name gives the set. Reading takes no lock. A full set gives up one that
// was not used since the hand passed it last (CLOCK).
type cache struct {
	seed maphash.Seed
	sets []set
}

type set struct {
	slots [ways]atomic.Pointer[slot]
	// hot has a bit for each slot that was used since the hand passed it.
	hot atomic.Uint32
	// evicted grows with every eviction: a load that began before one does not
	// enter.
	evicted atomic.Uint64

	mu   sync.Mutex // for writing
	hand int
}

// slot never changes.
type slot struct {
	hash  uint64
	who   troth.Subject
	known *known
}

// newCache returns a cache of at most so many people; of fewer than eight it keeps
// none.
func newCache(people int) *cache {
	return &cache{seed: maphash.MakeSeed(), sets: make([]set, people/ways)}
}

// sought is a person with the place that they have in the cache.
type sought struct {
	who  troth.Subject
	hash uint64
	at   *set // nil in a cache of nobody
	// evicted is what at's counter was before the person was looked for.
	evicted uint64
}

func (c *cache) seek(who troth.Subject) sought {
	q := sought{who: who, hash: maphash.String(c.seed, who.ID)}
	if len(c.sets) > 0 {
		high, _ := bits.Mul64(q.hash, uint64(len(c.sets))) // a number below len, without dividing
		q.at = &c.sets[high]
		q.evicted = q.at.evicted.Load()
	}
	return q
}

// get returns what is known of the person, nil if nothing is.
func (q *sought) get() *known {
	if q.at == nil {
		return nil
	}
	for i := range q.at.slots {
		s := q.at.slots[i].Load()
		if s == nil || s.hash != q.hash || s.who != q.who {
			continue
		}
		if bit := uint32(1) << i; q.at.hot.Load()&bit == 0 {
			q.at.hot.Or(bit)
		}
		return s.known
	}
	return nil
}

// put keeps what is known of the person, unless something was evicted since they
// were looked for.
func (q *sought) put(k *known) {
	if q.at == nil {
		return
	}
	q.at.mu.Lock()
	defer q.at.mu.Unlock()
	if q.at.evicted.Load() == q.evicted {
		q.at.slots[q.at.room(q)].Store(&slot{q.hash, q.who, k})
	}
}

// room returns where a person may go: to their own place, an empty one, or that of
// the first from the hand on who was not asked about since the hand last passed.
func (at *set) room(q *sought) int {
	empty := -1
	for i := range at.slots {
		switch s := at.slots[i].Load(); {
		case s == nil:
			empty = i
		case s.who == q.who:
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

// evict forgets a person.
func (c *cache) evict(who troth.Subject) {
	q := c.seek(who)
	if q.at == nil {
		return
	}
	q.at.forget(func(s *slot) bool { return s.who == who })
}

func (c *cache) evictAll() {
	for i := range c.sets {
		c.sets[i].forget(func(*slot) bool { return true })
	}
}

func (at *set) forget(which func(*slot) bool) {
	at.mu.Lock()
	defer at.mu.Unlock()
	at.evicted.Add(1)
	for i := range at.slots {
		if s := at.slots[i].Load(); s != nil && which(s) {
			at.slots[i].Store(nil)
		}
	}
}
