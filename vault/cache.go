package vault

import (
	"hash/maphash"
	"math/bits"
	"sync"
	"sync/atomic"

	"github.com/trothdev/troth"
)

// slot holds the keys of one person's compartment. Apart from its atomic
// fields it never changes after it was made.
type slot struct {
	name KeyName
	// keys are the generations, newest first; none if shredded.
	keys []dataKey
	// prefix begins the associated data of every value of the compartment.
	prefix   []byte
	shredded bool
	// expires is on the vault's monotonic clock.
	expires int64

	// gone is set when the slot leaves the cache, so that a handle which still
	// holds it looks again: fence events reach only what is in the cache.
	gone atomic.Bool
	// hot is the cache's second chance.
	hot atomic.Bool
	// tally remembers where the last opening through this slot was counted.
	tally atomic.Pointer[tally]
}

func newSlot(name KeyName, keys []dataKey) *slot {
	return &slot{name: name, keys: keys, prefix: valuePrefix(name)}
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

// holds reports whether the slot has the key of the sealed value. It may lack
// one that another process made since.
func (s *slot) holds(sealed []byte) bool {
	id, ok := keyID(sealed)
	return ok && s.key(id) != nil
}

const cacheShards = 16

// cache is bounded, and sharded by person, so that all of a person's
// compartments are in one shard. Each shard evicts by CLOCK: a hit sets one bit
// and takes only the shard's read lock, or no lock where it finds the slot in
// front.
type cache struct {
	seed   maphash.Seed
	shards [cacheShards]shard
	// front is a table without chains of the slots used last: what is in it is
	// in a shard too, and leaves both together.
	front []atomic.Pointer[slot]
}

type shard struct {
	cache *cache
	mu    sync.RWMutex
	slots map[KeyName]*slot
	ring  []*slot
	hand  int
	limit int
}

func newCache(limit int) *cache {
	c := &cache{seed: maphash.MakeSeed(), front: make([]atomic.Pointer[slot], 1<<bits.Len(uint(limit)))}
	for i := range c.shards {
		c.shards[i].cache = c
		c.shards[i].limit = max(1, limit/cacheShards)
		c.shards[i].slots = make(map[KeyName]*slot)
	}
	return c
}

func (c *cache) hash(subjectID string) uint64 { return maphash.String(c.seed, subjectID) }

func (c *cache) shard(h uint64) *shard { return &c.shards[h%cacheShards] }

// get returns the slot under name, nil if there is none that is still good at
// the given instant.
func (c *cache) get(name *KeyName, now int64) *slot {
	h := c.hash(name.SubjectID)
	front := c.place(h, name)
	s := front.Load()
	if s == nil || s.name != *name {
		sh := c.shard(h)
		sh.mu.RLock()
		if s = sh.slots[*name]; s != nil {
			front.Store(s) // under the lock: evictions clear it
		}
		sh.mu.RUnlock()
	}
	if s == nil || now > s.expires {
		return nil
	}
	if !s.hot.Load() {
		s.hot.Store(true)
	}
	return s
}

// place is where the front table may have the name. Compartments of one person
// must not all fall on one place.
func (c *cache) place(h uint64, name *KeyName) *atomic.Pointer[slot] {
	n := len(name.Compartment)
	if n > 0 {
		h += uint64(n)<<8 | uint64(name.Compartment[n-1])
	}
	return &c.front[(h>>4)&uint64(len(c.front)-1)]
}

// put adds the slot if allowed still says so under the shard's lock, which
// evictions take too. A slot that is not added counts as gone.
func (c *cache) put(s *slot, allowed func() bool) {
	sh := c.shard(c.hash(s.name.SubjectID))
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if !allowed() {
		s.gone.Store(true)
		return
	}
	if old := sh.slots[s.name]; old != nil {
		sh.remove(old)
	}
	for len(sh.ring) >= sh.limit {
		sh.evictOne()
	}
	sh.slots[s.name] = s
	sh.ring = append(sh.ring, s)
}

// evict removes everything that the name covers: an empty Compartment is all of
// a person's, an empty SubjectID all of a tenant's.
func (c *cache) evict(name KeyName) {
	if name.SubjectID != "" {
		c.shard(c.hash(name.SubjectID)).evict(name)
		return
	}
	for i := range c.shards {
		c.shards[i].evict(name)
	}
}

func (c *cache) evictAll() {
	for i := range c.shards {
		c.shards[i].evict(KeyName{})
	}
}

func (c *cache) len() int {
	n := 0
	for i := range c.shards {
		c.shards[i].mu.RLock()
		n += len(c.shards[i].ring)
		c.shards[i].mu.RUnlock()
	}
	return n
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

func (sh *shard) evict(name KeyName) {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if name.Compartment != "" {
		if s := sh.slots[name]; s != nil {
			sh.remove(s)
		}
		return
	}
	kept := sh.ring[:0]
	for _, s := range sh.ring {
		if !name.covers(s.name) {
			kept = append(kept, s)
			continue
		}
		sh.leave(s)
	}
	clear(sh.ring[len(kept):])
	sh.ring, sh.hand = kept, 0
}

// evictOne removes the first slot from the hand on that was not used since the
// hand last passed.
func (sh *shard) evictOne() {
	for {
		if sh.hand >= len(sh.ring) {
			sh.hand = 0
		}
		s := sh.ring[sh.hand]
		if s.hot.CompareAndSwap(true, false) {
			sh.hand++
			continue
		}
		sh.removeAt(sh.hand)
		return
	}
}

// leave takes the slot from everywhere but the ring.
func (sh *shard) leave(s *slot) {
	s.gone.Store(true)
	delete(sh.slots, s.name)
	sh.cache.place(sh.cache.hash(s.name.SubjectID), &s.name).CompareAndSwap(s, nil)
}

func (sh *shard) remove(s *slot) {
	for i, at := range sh.ring {
		if at == s {
			sh.removeAt(i)
			return
		}
	}
}

func (sh *shard) removeAt(i int) {
	sh.leave(sh.ring[i])
	last := len(sh.ring) - 1
	sh.ring[i] = sh.ring[last]
	sh.ring[last] = nil
	sh.ring = sh.ring[:last]
}

// nameOf is the name of the keys that seal at the given place.
func nameOf(at *troth.Context) KeyName {
	return KeyName{Tenant: at.Subject.Tenant, SubjectID: at.Subject.ID, Compartment: at.Compartment}
}
