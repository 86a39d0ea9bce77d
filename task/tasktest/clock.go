package tasktest

import (
	"sync"
	"time"
)

// Clock is a clock that tests move. It may be used by any number of goroutines.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// NewClock returns a clock that stands at an instant whose last microsecond
// matters.
func NewClock() *Clock { return &Clock{now: time.UnixMicro(instant).UTC()} }

// Now is what it shows.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Advance moves it, back if d is negative.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}
