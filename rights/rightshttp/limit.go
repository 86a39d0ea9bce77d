package rightshttp

import (
	"sync"
	"time"
)

// limiter counts by key in windows. It is bounded: when it is full it forgets all, so
// that many keys loosen limits for a while instead of filling memory.
type limiter struct {
	most   int
	window time.Duration

	mu    sync.Mutex
	began time.Time
	seen  map[string]int
}

// maxKeys bounds what is kept.
const maxKeys = 50_000

func newLimiter(most int, window time.Duration) *limiter {
	return &limiter{most: most, window: window, began: time.Now(), seen: map[string]int{}}
}

// allow counts one, and reports whether it is within the limit.
func (l *limiter) allow(key string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if time.Since(l.began) >= l.window || len(l.seen) >= maxKeys {
		l.began, l.seen = time.Now(), map[string]int{}
	}
	if l.seen[key] >= l.most {
		return false
	}
	l.seen[key]++
	return true
}
