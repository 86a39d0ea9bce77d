package audit

import (
	"sync"
	"time"

	"github.com/trothdev/troth"
)

const (
	cacheSize = 10_000
	cacheLife = time.Minute
)

// cache holds pseudonyms whose rows are committed. A pseudonym read or created
// in a transaction waits here, unseen, until its scope tells that it was
// committed; under the host's own transaction that is never.
type cache struct {
	now func() time.Time

	mu   sync.Mutex
	held map[person]cached
}

type cached struct {
	pseudonym Pseudonym
	until     time.Time
	// scope must be committed before the pseudonym may be used.
	scope *troth.Scope
}

func newCache() *cache {
	// Ages run on the monotonic clock, not on the service's.
	return &cache{now: time.Now, held: make(map[person]cached)}
}

func (c *cache) get(p person) (Pseudonym, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.held[p]
	if !ok {
		return Pseudonym{}, false
	}
	if c.now().After(e.until) {
		delete(c.held, p)
		return Pseudonym{}, false
	}
	switch e.scope.State() {
	case troth.ScopeCommitted:
		return e.pseudonym, true
	case troth.ScopeRolledBack:
		delete(c.held, p)
	case troth.ScopeOpen, troth.ScopeUnknown:
		// Only the stored rows can tell.
	}
	return Pseudonym{}, false
}

// put keeps what was seen in scope.
func (c *cache) put(p person, ps Pseudonym, scope *troth.Scope) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.held[p]; !ok && len(c.held) >= cacheSize {
		c.evict()
	}
	c.held[p] = cached{pseudonym: ps, until: c.now().Add(cacheLife), scope: scope}
}

func (c *cache) drop(p person) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.held, p)
}

// evict makes room. Maps are walked in random order, which for a cache whose
// entries live a minute is as good a choice as any.
func (c *cache) evict() {
	for p := range c.held {
		delete(c.held, p)
		return
	}
}
