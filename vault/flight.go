package vault

import (
	"context"
	"slices"
)

// flight is work under way whose outcome several callers want, such as a load
// of one key. Whoever comes first does it, with their own context; the others
// wait.
type flight[K comparable, V any] struct {
	key   K
	done  chan struct{} // made when somebody waits
	value V
	err   error
	// stale says that something under the key died while it was looked for, so
	// that nobody may be served with the outcome.
	stale bool
}

// flights are those under way. Their owner's lock guards them.
type flights[K comparable, V any] []*flight[K, V]

// join returns the flight of that key, or a new one that the caller must do and
// then land.
func (fs *flights[K, V]) join(key *K) (f *flight[K, V], first bool) {
	for _, f := range *fs {
		if f.key == *key {
			if f.done == nil {
				f.done = make(chan struct{})
			}
			return f, false
		}
	}
	f = &flight[K, V]{key: *key}
	*fs = append(*fs, f)
	return f, true
}

// land ends a flight. It is stale if it was dropped meanwhile.
func (fs *flights[K, V]) land(f *flight[K, V]) {
	i := slices.Index(*fs, f)
	if i >= 0 {
		*fs = slices.Delete(*fs, i, i+1)
	}
	f.stale = i < 0
	if f.done != nil {
		close(f.done)
	}
}

// drop lets nobody join the chosen flights any more.
func (fs *flights[K, V]) drop(chosen func(key *K) bool) {
	*fs = slices.DeleteFunc(*fs, func(f *flight[K, V]) bool { return chosen(&f.key) })
}

// wait waits until somebody else's flight has landed, or ctx ends.
func (f *flight[K, V]) wait(ctx context.Context) error {
	select {
	case <-f.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
