package unsubscribe

import (
	"sync"
	"time"
)

// ageClock measures ages. It never goes back, as the monotonic clock does not; but
// that one stands still while the machine sleeps, or is frozen for a copy of it, and
// an index of before must not pass for a young one afterwards. So time by which the
// wall clock went further counts as well. A wall clock that is set forward makes
// things look older than they are, which costs a look at the feed.
type ageClock struct {
	start time.Time

	mu sync.Mutex
	// ahead is by how much the wall clock was ahead when it was compared last, slept
	// the sum of its leaps forward.
	ahead, slept time.Duration
}

// leap is what is not yet a difference of the two clocks.
const leap = time.Millisecond

func (c *ageClock) now() int64 {
	now := time.Now()
	return int64(c.age(now.Sub(c.start), now.Round(0).Sub(c.start.Round(0))))
}

// age is how much time has passed, by what both clocks say.
func (c *ageClock) age(mono, wall time.Duration) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	if by := wall - mono - c.ahead; by > leap {
		c.slept += by
		c.ahead += by
	} else if by < -leap {
		c.ahead += by
	}
	return mono + c.slept
}
