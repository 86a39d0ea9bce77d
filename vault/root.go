package vault

import (
	"context"
	"crypto/cipher"
	"crypto/hkdf"
	crand "crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"math/rand/v2" //nolint:depguard // spreads expiry, nothing secret hangs on it
	"sync"
	"time"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/canon"
)

// root is an unwrapped tenant root, reduced to what is derived from it.
type root struct {
	epoch uint32
	// wrap seals data keys; set in the wrap lineage.
	wrap cipher.AEAD
	// index derives keys for hashes and tokens; set in the index lineage.
	index []byte
}

type rootName struct {
	tenant  troth.Tenant
	lineage Lineage
	// epoch is newest for the one that new keys are sealed under.
	epoch int64
}

const newest = -1

// rootCache holds roots in two ways. live are roots known to be committed, for
// a time. opened are all roots that were unwrapped, by everything that their
// record binds: what such a record unwraps to is true whether or not the row
// commits, so a transaction that reads it need not ask the key-encryption key
// again.
type rootCache struct {
	mu     sync.Mutex
	live   map[rootName]liveRoot
	opened map[[32]byte]openedRoot
	limit  int
}

type liveRoot struct {
	root    *root
	expires int64
}

type openedRoot struct {
	tenant troth.Tenant
	root   *root
}

func newRootCache(limit int) *rootCache {
	return &rootCache{live: make(map[rootName]liveRoot), opened: make(map[[32]byte]openedRoot), limit: limit}
}

func (c *rootCache) get(n rootName, now int64) *root {
	c.mu.Lock()
	defer c.mu.Unlock()
	l, ok := c.live[n]
	if !ok || now > l.expires {
		return nil
	}
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
}

func (c *rootCache) openedAs(row *RootRow) *root {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.opened[recordDigest(row)].root
}

// recordDigest is of the sealed bytes and of all that they are bound to: the
// bytes alone, under another tenant's name, must not find the root.
func recordDigest(row *RootRow) [32]byte {
	return sha256.Sum256(canon.AppendBytes(rootAAD(row), row.Sealed))
}

// remember keeps an unwrapped root, unless something was evicted since the
// unwrapping began.
func (c *rootCache) remember(row *RootRow, r *root, allowed func() bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !allowed() {
		return
	}
	makeRoom(c.opened, c.limit)
	c.opened[recordDigest(row)] = openedRoot{tenant: row.Tenant, root: r}
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
}

func (c *rootCache) evictAll() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.live)
	clear(c.opened)
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

// overlayRoot is the key of a transaction's own view of a root.
type overlayRoot struct {
	v    *Vault
	name rootName
}

// root returns the tenant's root of that lineage and epoch. It returns nil if
// there is none, and ErrShredded if it is a tombstone.
func (v *Vault) root(ctx context.Context, n rootName) (*root, error) {
	if r := v.roots.get(n, v.fence.asOf.Load()); r != nil {
		return r, nil
	}
	scope := v.tx.Scope(ctx)
	applied := v.fence.applied.Load()
	if scope != nil {
		if r, ok := overlay[*root](scope, overlayRoot{v, n}, applied); ok {
			return r, nil
		}
	}
	if err := v.checkPending(ctx, &KeyName{Tenant: n.tenant}); err != nil {
		return nil, err
	}
	if scope != nil && !scope.Current() { // as in loadInTx
		if r, err := v.root(v.tx.Detach(ctx), n); err != nil || r != nil {
			return r, err
		}
	}
	r, err := v.readRoot(ctx, n)
	if err != nil || r == nil {
		return nil, err
	}
	if scope != nil {
		setOverlay(scope, overlayRoot{v, n}, overlaid[*root]{r, applied})
		return r, nil
	}
	v.roots.put(n, r, v.mono()+jitter(v.opt.rootTTL), v.sinceEviction(applied))
	return r, nil
}

func (v *Vault) readRoot(ctx context.Context, n rootName) (*root, error) {
	var row RootRow
	var found bool
	var err error
	if n.epoch == newest {
		row, found, err = v.store.Root(ctx, n.tenant, n.lineage)
	} else {
		row, found, err = v.store.RootAt(ctx, n.tenant, n.lineage, uint32(n.epoch))
	}
	if err != nil {
		return nil, fmt.Errorf("vault: read root: %w", err)
	}
	if !found {
		return nil, nil
	}
	if row.Tenant != n.tenant || row.Lineage != n.lineage {
		return nil, ErrKeyRecord
	}
	if row.ShreddedAt != 0 || len(row.Sealed) == 0 {
		return nil, ErrShredded
	}
	return v.unwrapRoot(ctx, &row)
}

func (v *Vault) unwrapRoot(ctx context.Context, row *RootRow) (*root, error) {
	if r := v.roots.openedAs(row); r != nil {
		return r, nil
	}
	applied := v.fence.applied.Load()
	plain, err := v.kek.DecryptWithContext(ctx, row.Sealed, rootAAD(row))
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, fmt.Errorf("%w: unwrap root: %w", ErrKEK, err)
	}
	defer clear(plain)
	if len(plain) != keySize {
		return nil, ErrKeyRecord
	}
	got := commitment((*[keySize]byte)(plain))
	if subtle.ConstantTimeCompare(got[:], row.Commitment[:]) != 1 {
		return nil, ErrKeyRecord
	}
	r, err := derive(row, plain)
	if err != nil {
		return nil, err
	}
	v.roots.remember(row, r, v.sinceEviction(applied))
	return r, nil
}

func derive(row *RootRow, secret []byte) (*root, error) {
	r := &root{epoch: row.Epoch}
	if row.Lineage == IndexLineage {
		r.index = append([]byte(nil), secret...)
		return r, nil
	}
	key, err := hkdf.Expand(sha256.New, secret, wrapInfo, keySize)
	if err != nil {
		return nil, fmt.Errorf("vault: derive wrap key: %w", err)
	}
	defer clear(key)
	r.wrap, err = newGCM(key)
	return r, err
}

// prepareRoot asks the key-encryption key, which may be far away, for what
// ensureRoot will need inside a transaction, which others wait for. It returns
// the row of a first root, nil if the tenant has one.
func (v *Vault) prepareRoot(ctx context.Context, tenant troth.Tenant, l Lineage) (*RootRow, error) {
	r, err := v.root(ctx, rootName{tenant: tenant, lineage: l, epoch: newest})
	if err != nil || r != nil {
		return nil, err
	}
	return v.newRoot(ctx, tenant, l)
}

// ensureRoot returns the newest root of the lineage. Where there is none it
// adds the given one, or makes it. A root made inside a transaction lives and
// dies with it.
func (v *Vault) ensureRoot(ctx context.Context, tenant troth.Tenant, l Lineage, row *RootRow) (*root, error) {
	n := rootName{tenant: tenant, lineage: l, epoch: newest}
	r, err := v.root(ctx, n)
	if err != nil || r != nil {
		return r, err
	}
	if row == nil {
		if row, err = v.newRoot(ctx, tenant, l); err != nil {
			return nil, err
		}
	}
	if _, err := v.store.InsertRoot(ctx, *row); err != nil {
		return nil, fmt.Errorf("vault: insert root: %w", err)
	}
	// Another process may have been first; its root is the tenant's then.
	r, err = v.root(ctx, n)
	if err == nil && r == nil {
		err = ErrKeyRecord
	}
	return r, err
}

func (v *Vault) newRoot(ctx context.Context, tenant troth.Tenant, l Lineage) (*RootRow, error) {
	var secret [keySize]byte
	defer clear(secret[:])
	_, _ = crand.Read(secret[:]) // never fails, crypto/rand documents
	row := &RootRow{Tenant: tenant, Lineage: l, Commitment: commitment(&secret), CreatedAt: v.micros()}
	applied := v.fence.applied.Load()
	sealed, err := v.kek.EncryptWithContext(ctx, secret[:], rootAAD(row))
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, fmt.Errorf("%w: wrap root: %w", ErrKEK, err)
	}
	row.Sealed = sealed
	r, err := derive(row, secret[:])
	if err != nil {
		return nil, err
	}
	v.roots.remember(row, r, v.sinceEviction(applied))
	return row, nil
}

// jitter returns d less up to a tenth, so that what was loaded together does
// not expire together.
func jitter(d time.Duration) int64 {
	return int64(d) - rand.Int64N(int64(d)/10+1) //nolint:gosec // nothing secret hangs on it
}
