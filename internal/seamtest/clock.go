// Package seamtest stands in for what a host wires into the packages that keep promises: its
// clock, keys, sealer, recorder and queue. It is for tests of those packages, whose own rules
// it knows nothing of.
package seamtest

import (
	"sync"
	"time"
)

// Clock is a clock that stands until it is moved.
type Clock struct {
	mu sync.Mutex
	at time.Time
}

// NewClock stands at an instant.
func NewClock(at time.Time) *Clock { return &Clock{at: at} }

// Now is where it stands.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

// Move moves it, and returns where it stands then.
func (c *Clock) Move(d time.Duration) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
	return c.at
}

// Set has it stand elsewhere.
func (c *Clock) Set(at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = at
}
