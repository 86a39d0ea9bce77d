package vault

import (
	"crypto/sha256"
	"sync"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/canon"
)

// rootCache holds roots in two ways. live are roots known to be committed, for
// a time. opened are all roots that were unwrapped, by everything that their
// record binds: what such a record unwraps to is true whether or not the row
// commits, so a transaction that reads it need not ask the key-encryption key
// again.
type rootCache struct {
	mu     sync.Mutex
	live   map[rootName]liveRoot
	opened map[[32]byte]openedRoot
	// fresh are first roots that were made and may or may not have become a
	// tenant's: whoever wants one next takes the same.
	fresh map[rootName]*RootRow
	limit int
	// Asking the key-encryption key takes long and costs money, so that one
	// caller does it for all who want the same.
	opening flights[[32]byte, *root]
	making  flights[rootName, *RootRow]
}

type liveRoot struct {
	root    *root
	expires int64
}

type openedRoot struct {
	tenant troth.Tenant
	root   *root
	// row is what to ask a tenant's own key again with; nil under the platform's,
	// which is not asked again.
	row *RootRow
}

func newRootCache(limit int) *rootCache {
	return &rootCache{
		live: make(map[rootName]liveRoot), opened: make(map[[32]byte]openedRoot),
		fresh: make(map[rootName]*RootRow), limit: limit,
	}
}

func (c *rootCache) get(n rootName, now int64) *root {
	c.mu.Lock()
	defer c.mu.Unlock()
	l, ok := c.live[n]
	if !ok || now > l.expires {
		return nil
	}
	l.root.used.Store(true)
	return l.root
}

func (c *rootCache) put(n rootName, r *root, expires int64, allowed func() bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !allowed() {
		return
	}
	makeRoom(c.live, c.limit)
	c.live[n] = liveRoot{root: r, expires: expires}
	delete(c.fresh, n)
}

// openedAs returns the root of a record that was unwrapped before and may still
// be used; else the flight of whoever unwraps it now, or a new one, which the caller must do and
// land.
func (c *rootCache) openedAs(record [32]byte, now int64) (r *root, f *flight[[32]byte, *root], first bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if o, ok := c.opened[record]; ok && now <= o.root.until.Load() {
		o.root.used.Store(true)
		return o.root, nil, false
	}
	f, first = c.opening.join(&record)
	return nil, f, first
}

// dueRoot is a root of which a tenant's own key must be asked again.
type dueRoot struct {
	record [32]byte
	openedRoot
}

// due returns the roots in use that may not be used much longer, by the name of
// the tenant's key. What ended already is left to who wants it.
func (c *rootCache) due(now, ahead int64) map[string][]dueRoot {
	c.mu.Lock()
	defer c.mu.Unlock()
	var due map[string][]dueRoot
	for record, o := range c.opened {
		if o.row == nil {
			continue
		}
		if until := o.root.until.Load(); now > until || until-now > ahead || !o.root.used.Load() {
			continue
		}
		if due == nil {
			due = make(map[string][]dueRoot)
		}
		due[o.row.KEK] = append(due[o.row.KEK], dueRoot{record, o})
	}
	return due
}

// startRefresh returns a flight that the caller must do and land, nil if the
// root is opened by somebody else now, or was forgotten.
func (c *rootCache) startRefresh(d *dueRoot) *flight[[32]byte, *root] {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.opened[d.record].root != d.root {
		return nil
	}
	f, first := c.opening.join(&d.record)
	if !first {
		return nil
	}
	return f
}

// extend lets the root be used for longer, unless it was forgotten meanwhile.
func (c *rootCache) extend(d *dueRoot, until int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.opened[d.record].root == d.root {
		d.root.until.Store(until)
		d.root.used.Store(false)
	}
}

func (c *rootCache) landOpening(f *flight[[32]byte, *root]) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.opening.land(f)
}

// freshOf is openedAs for a first root to be made.
func (c *rootCache) freshOf(n rootName) (row *RootRow, f *flight[rootName, *RootRow], first bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if row := c.fresh[n]; row != nil {
		return row, nil, false
	}
	f, first = c.making.join(&n)
	return nil, f, first
}

func (c *rootCache) landMaking(f *flight[rootName, *RootRow]) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.making.land(f)
}

// recordDigest is of the sealed bytes and of all that they are bound to: the
// bytes alone, under another tenant's name, must not find the root.
func recordDigest(row *RootRow) [32]byte {
	return sha256.Sum256(canon.AppendBytes(rootAAD(row), row.Sealed))
}

// remember keeps an unwrapped root, unless something was evicted since the
// unwrapping began.
func (c *rootCache) remember(record [32]byte, row *RootRow, r *root, allowed func() bool) {
	o := openedRoot{tenant: row.Tenant, root: r}
	if row.KEK != "" {
		again := *row
		o.row = &again
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !allowed() {
		return
	}
	makeRoom(c.opened, c.limit)
	c.opened[record] = o
}

// keepFresh keeps a first root that was made, under the same condition.
func (c *rootCache) keepFresh(n rootName, row *RootRow, allowed func() bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !allowed() {
		return
	}
	makeRoom(c.fresh, c.limit)
	c.fresh[n] = row
}

func (c *rootCache) evict(tenant troth.Tenant) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for n := range c.live {
		if n.tenant == tenant {
			delete(c.live, n)
		}
	}
	for d, o := range c.opened {
		if o.tenant == tenant {
			delete(c.opened, d)
		}
	}
	for n := range c.fresh {
		if n.tenant == tenant {
			delete(c.fresh, n)
		}
	}
}

func (c *rootCache) evictAll() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.live)
	clear(c.opened)
	clear(c.fresh)
}

// makeRoom removes any entry of a full map: roots are few and cheap to find
// again, so which one goes does not matter.
func makeRoom[K comparable, V any](m map[K]V, limit int) {
	for k := range m {
		if len(m) < limit {
			return
		}
		delete(m, k)
	}
}
