package unsubscribe

import (
	"context"
	"sync"
)

// watchers are told of every row that this process writes, inside of the
// transaction: what denies counts at once, also before the commit; what allows must
// wait for the feed, so who watches takes nothing away on their word.
type watchers struct {
	mu  sync.RWMutex
	all []func(context.Context, EntryRow)
}

// watch adds a watcher, which is given the context of the transaction. It must not
// use the store.
func (r *Registry) watch(fn func(context.Context, EntryRow)) {
	r.watchers.mu.Lock()
	defer r.watchers.mu.Unlock()
	r.watchers.all = append(r.watchers.all, fn)
}

func (w *watchers) tell(ctx context.Context, row EntryRow) {
	w.mu.RLock()
	defer w.mu.RUnlock()
	for _, fn := range w.all {
		fn(ctx, row)
	}
}
