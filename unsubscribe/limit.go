package unsubscribe

import (
	"net/netip"
	"sync"
	"time"
)

// limiter counts by key in windows that slide: what was counted in the window
// before weighs by how much of it still lies within one length of now. It is
// bounded: at most entries it forgets the older window early, so that many keys
// loosen limits for a while instead of filling memory.
type limiter[K comparable] struct {
	most    int
	window  time.Duration
	entries int

	mu          sync.Mutex
	began       time.Time
	now, before map[K]int
}

func newLimiter[K comparable](most int, window time.Duration, entries int) *limiter[K] {
	return &limiter[K]{most: most, window: window, entries: entries, began: time.Now(), now: make(map[K]int)}
}

// allow counts one, and reports whether it is within the limit. What is refused
// does not count.
func (l *limiter[K]) allow(key K) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	age := time.Since(l.began)
	switch {
	case age >= 2*l.window:
		l.now, l.before, l.began, age = make(map[K]int), nil, time.Now(), 0
	case age >= l.window || len(l.now) >= l.entries:
		l.now, l.before = make(map[K]int), l.now
		l.began = l.began.Add(min(age, l.window))
		age = time.Since(l.began)
	}
	left := 1 - float64(age)/float64(l.window)
	if float64(l.now[key])+float64(l.before[key])*left+1 > float64(l.most) {
		return false
	}
	l.now[key]++
	return true
}

// network is what limits count clients by: one IPv4 address, or the /64 that one
// household or one machine has of IPv6.
func network(a netip.Addr) netip.Prefix {
	a = a.Unmap().WithZone("")
	bits := 64
	if a.Is4() {
		bits = 32
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return netip.Prefix{} // no address: all of these are counted as one
	}
	return p
}
