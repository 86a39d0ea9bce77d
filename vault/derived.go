package vault

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"hash"
	"sync"

	"github.com/trothdev/troth"
)

type derivedName struct {
	info string
	ref  troth.KeyRef
}

// derivedKeys remembers derivations, which cost more than the hash that they
// are for.
type derivedKeys struct {
	mu   sync.Mutex
	keys map[derivedName]*derivedKey
}

// derivedKey remembers the root that it came from: with another root it is
// derived again.
type derivedKey struct {
	from *root
	key  []byte
	macs sync.Pool // HMACs under it: to begin a new one costs as much as to hash a short message
}

// mac is HMAC-SHA-256 of message under the key.
func (k *derivedKey) mac(message []byte) (sum [32]byte) {
	h, ok := k.macs.Get().(hash.Hash)
	if ok {
		h.Reset()
	} else {
		h = hmac.New(sha256.New, k.key)
	}
	h.Write(message)
	h.Sum(sum[:0])
	k.macs.Put(h)
	return sum
}

// derivedLimit bounds the memory of derivations; a thousandth of a second
// derives as many.
const derivedLimit = 1024

func (d *derivedKeys) get(n derivedName, from *root) *derivedKey {
	d.mu.Lock()
	defer d.mu.Unlock()
	if k := d.keys[n]; k != nil && k.from == from {
		return k
	}
	return nil
}

func (d *derivedKeys) put(n derivedName, k *derivedKey) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.keys == nil {
		d.keys = make(map[derivedName]*derivedKey)
	}
	makeRoom(d.keys, derivedLimit)
	d.keys[n] = k
}

func (d *derivedKeys) evict(tenant troth.Tenant) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for n := range d.keys {
		if n.ref.Tenant == tenant {
			delete(d.keys, n)
		}
	}
}

func (d *derivedKeys) evictAll() {
	d.mu.Lock()
	defer d.mu.Unlock()
	clear(d.keys)
}

// deriveKey returns the key alone.
func (v *Vault) deriveKey(ctx context.Context, info string, ref troth.KeyRef) ([]byte, error) {
	k, err := v.derive(ctx, info, ref)
	if err != nil {
		return nil, err
	}
	return k.key, nil
}

// derive returns a key under the tenant's index root, for one use.
func (v *Vault) derive(ctx context.Context, info string, ref troth.KeyRef) (*derivedKey, error) {
	if err := ref.Validate(); err != nil {
		return nil, err
	}
	if v.closed.Load() {
		return nil, ErrClosed
	}
	if err := v.checkFence(ctx); err != nil {
		return nil, err
	}
	r, err := v.indexRoot(ctx, ref.Tenant)
	if err != nil {
		return nil, err
	}
	n := derivedName{info: info, ref: ref}
	if k := v.derived.get(n, r); k != nil {
		return k, nil
	}
	key, err := r.deriveKey(info, ref)
	if err != nil {
		return nil, err
	}
	k := &derivedKey{from: r, key: key}
	v.derived.put(n, k)
	return k, nil
}
