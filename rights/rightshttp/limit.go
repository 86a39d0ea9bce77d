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
	now    func() time.Time

	mu    sync.Mutex
	began time.Time
	seen  map[string]int
}

// maxKeys bounds what is kept.
const maxKeys = 50_000

func newLimiter(most int, window time.Duration, now func() time.Time) *limiter {
	return &limiter{most: most, window: window, now: now, began: now(), seen: map[string]int{}}
}

// allow counts n, and returns 0 if that is within the limit; otherwise after what time to
// try again. The first call of a window is always within it.
func (l *limiter) allow(key string, n int) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	if now.Sub(l.began) >= l.window || now.Before(l.began) || len(l.seen) >= maxKeys {
		l.began, l.seen = now, map[string]int{}
	}
	if have := l.seen[key]; have > 0 && have+n > l.most {
		return l.began.Add(l.window).Sub(now)
	}
	l.seen[key] += n
	return 0
}
