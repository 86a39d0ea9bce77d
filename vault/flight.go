package vault

import "sync"

// flights makes concurrent loads of one key share a single read. Whoever comes
// first loads, with their own context; the others wait.
type flights struct {
	mu    sync.Mutex
	calls map[KeyName]*flight
}

type flight struct {
	done chan struct{} // made when somebody waits
	slot *slot
	err  error
	// stale says that something under the name died while it was read, so that
	// nobody may be served with it.
	stale bool
}

// join returns the load under way, or a new one that the caller must do and
// then land.
func (f *flights) join(name KeyName) (call *flight, first bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if call := f.calls[name]; call != nil {
		if call.done == nil {
			call.done = make(chan struct{})
		}
		return call, false
	}
	if f.calls == nil {
		f.calls = make(map[KeyName]*flight)
	}
	call = &flight{}
	f.calls[name] = call
	return call, true
}

func (f *flights) land(name KeyName, call *flight) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.calls[name] == call {
		delete(f.calls, name)
	} else {
		call.stale = true
	}
	if call.done != nil {
		close(call.done)
	}
}

// forget lets nobody join the loads that the name covers, and makes them stale.
func (f *flights) forget(name KeyName) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for n := range f.calls {
		if name.covers(n) {
			delete(f.calls, n)
		}
	}
}
