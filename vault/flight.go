package vault

import "slices"

// flight is a load of one key that is under way. Whoever comes first loads,
// with their own context; the others wait.
type flight struct {
	name KeyName
	done chan struct{} // made when somebody waits
	slot *slot
	err  error
	// stale says that something under the name died while it was read, so that
	// nobody may be served with it.
	stale bool
}

// join returns the load of that name under way, or a new one that the caller
// must do and then land.
func (c *cache) join(name *KeyName) (call *flight, first bool) {
	at, _ := c.find(name)
	at.mu.Lock()
	defer at.mu.Unlock()
	for _, call := range at.flights {
		if call.name == *name {
			if call.done == nil {
				call.done = make(chan struct{})
			}
			return call, false
		}
	}
	call = &flight{name: *name}
	at.flights = append(at.flights, call)
	return call, true
}

// land ends a load. It is stale if an eviction has taken it out meanwhile.
func (c *cache) land(call *flight) {
	at, _ := c.find(&call.name)
	at.mu.Lock()
	defer at.mu.Unlock()
	i := slices.Index(at.flights, call)
	if i >= 0 {
		at.flights = slices.Delete(at.flights, i, i+1)
	}
	call.stale = i < 0
	if call.done != nil {
		close(call.done)
	}
}
