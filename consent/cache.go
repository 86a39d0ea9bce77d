package consent

import (
	"hash/maphash"
	"sync"

	"github.com/trothdev/troth"
)

// known is what a process keeps of a person. It never changes.
type known struct {
	states states
	// given is the latest instant that any of the states speaks of.
	given int64
}

func newKnown(all states) *known {
	k := &known{states: all}
	for i := range all {
		k.given = max(k.given, all[i].state.given)
	}
	return k
}

const shards = 64

// cache holds people's states, bounded. A full shard gives up one that was not
// used since the hand passed it last (CLOCK).
type cache struct {
	seed  maphash.Seed
	parts [shards]shard
}

type shard struct {
	mu    sync.Mutex
	limit int
	slots map[troth.Subject]*slot
	ring  []*slot
	hand  int
	// evicted grows with every eviction: a load that began before one does not
	// enter.
	evicted uint64
}

type slot struct {
	who   troth.Subject
	known *known
	hot   bool
}

func newCache(people int) *cache {
	c := &cache{seed: maphash.MakeSeed()}
	for i := range c.parts {
		c.parts[i].limit = (people + shards - 1) / shards
		c.parts[i].slots = make(map[troth.Subject]*slot)
	}
	return c
}

func (c *cache) part(who troth.Subject) *shard {
	return &c.parts[maphash.String(c.seed, who.ID)%shards]
}

// get returns what is known of a person, nil if nothing is, and what put wants to
// be told.
func (c *cache) get(who troth.Subject) (k *known, evicted uint64) {
	p := c.part(who)
	p.mu.Lock()
	defer p.mu.Unlock()
	if s := p.slots[who]; s != nil {
		s.hot = true
		return s.known, p.evicted
	}
	return nil, p.evicted
}

// put keeps what is known of a person, unless something was evicted since.
func (c *cache) put(who troth.Subject, k *known, evicted uint64) {
	p := c.part(who)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.evicted != evicted || p.limit == 0 {
		return
	}
	if s := p.slots[who]; s != nil {
		s.known = k
		return
	}
	s := &slot{who: who, known: k}
	p.slots[who] = s
	if len(p.ring) < p.limit {
		p.ring = append(p.ring, s)
		return
	}
	for p.ring[p.hand].hot {
		p.ring[p.hand].hot = false
		p.hand = (p.hand + 1) % len(p.ring)
	}
	if old := p.ring[p.hand]; p.slots[old.who] == old {
		delete(p.slots, old.who)
	}
	p.ring[p.hand] = s
	p.hand = (p.hand + 1) % len(p.ring)
}

// evict forgets a person. The slot stays in the ring until the hand comes by.
func (c *cache) evict(who troth.Subject) {
	p := c.part(who)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.evicted++
	if s := p.slots[who]; s != nil {
		s.hot, s.known = false, nil
		delete(p.slots, who)
	}
}

func (c *cache) evictAll() {
	for i := range c.parts {
		p := &c.parts[i]
		p.mu.Lock()
		p.evicted++
		clear(p.slots)
		p.ring, p.hand = nil, 0
		p.mu.Unlock()
	}
}
