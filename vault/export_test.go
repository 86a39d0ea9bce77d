package vault

import (
	"context"
	"errors"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/canon"
	"github.com/trothdev/troth/internal/sealedfile"
)

// WindowGrace is how long after its end a window may wait for its counts.
const WindowGrace = windowGrace

var bells sync.Map // of *Vault: when the fence's bell was to ring

// LastBell is after how long the fence's bell would have rung.
func (v *Vault) LastBell() time.Duration {
	d, _ := bells.Load(v)
	return d.(time.Duration)
}

// UseMono replaces the monotonic clock and looks at the fence by it. Bells ring
// at once, so that everything asks that clock.
func (v *Vault) UseMono(ctx context.Context, mono func() int64) error {
	v.fakeMono = mono
	v.ringAfter = func(_ *time.Timer, d time.Duration, flag *atomic.Bool) *time.Timer {
		if flag == &v.fence.due {
			bells.Store(v, d)
		}
		flag.Store(true)
		return time.NewTimer(0)
	}
	return v.lookAhead(ctx)
}

// LimitWindow bounds how many compartments one window counts.
func (v *Vault) LimitWindow(compartments int) { v.opt.windowSubjects = compartments }

// CachedKeys is how many slots the cache holds.
func (v *Vault) CachedKeys() int {
	n := 0
	for i := range v.cache.sets {
		for j := range v.cache.sets[i].slots {
			if v.cache.sets[i].slots[j].Load() != nil {
				n++
			}
		}
	}
	return n
}

// IsCached reports whether the keys under the name are in the cache, without
// making them any more popular.
func (v *Vault) IsCached(name KeyName) bool {
	at := v.cache.seek(name).at
	for i := range at.slots {
		if s := at.slots[i].Load(); s != nil && s.name == name {
			return true
		}
	}
	return false
}

// RememberedRoots is how many of the tenant's roots are in memory, unwrapped or
// just made.
func (v *Vault) RememberedRoots(tenant troth.Tenant) int {
	v.roots.mu.Lock()
	defer v.roots.mu.Unlock()
	n := 0
	for _, o := range v.roots.opened {
		if o.tenant == tenant {
			n++
		}
	}
	for name := range v.roots.fresh {
		if name.tenant == tenant {
			n++
		}
	}
	return n
}

// Undecided is how many shreddings of this process wait for their end.
func (v *Vault) Undecided() int { return len(v.pendings.all()) }

// RawKey unwraps a stored data key and gives its bytes away.
func (v *Vault) RawKey(ctx context.Context, row KeyRow) ([]byte, error) {
	r, err := v.root(ctx, rootName{tenant: row.Tenant, lineage: WrapLineage, epoch: int64(row.Epoch)})
	if err != nil {
		return nil, err
	}
	if r == nil {
		return nil, errors.New("no root")
	}
	var key [keySize]byte
	if err := unwrapInto(&key, &row, r.wrap); err != nil {
		return nil, err
	}
	return key[:], nil
}

// NextGeneration makes the row of one more generation, and stores it nowhere.
func (v *Vault) NextGeneration(ctx context.Context, row KeyRow) (KeyRow, error) {
	r, err := v.root(ctx, rootName{tenant: row.Tenant, lineage: WrapLineage, epoch: newest})
	if err != nil {
		return KeyRow{}, err
	}
	next := KeyRow{KeyName: row.KeyName, Generation: row.Generation + 1, Epoch: r.epoch, CreatedAt: row.CreatedAt}
	_, err = wrapNew(&next, r.wrap)
	return next, err
}

// ForgeCommitment makes a record that the wrap key sealed and whose commitment
// is not the key's.
func (v *Vault) ForgeCommitment(ctx context.Context, row KeyRow) (KeyRow, error) {
	r, err := v.root(ctx, rootName{tenant: row.Tenant, lineage: WrapLineage, epoch: newest})
	if err != nil {
		return KeyRow{}, err
	}
	row.Commitment[0] ^= 1
	row.Sealed = r.wrap.Seal(nil, nil, make([]byte, keySize), appendKeyAAD(nil, &row))
	return row, nil
}

// UnwrapWith unwraps a stored data key under a wrap key given in the clear.
func UnwrapWith(row KeyRow, wrapKey []byte) ([]byte, error) {
	aead, err := newGCM(wrapKey)
	if err != nil {
		return nil, err
	}
	var key [keySize]byte
	if err := unwrapInto(&key, &row, aead); err != nil {
		return nil, err
	}
	return key[:], nil
}

// KeyAAD is what a stored data key is bound to, RootAAD what a root is.
func KeyAAD(row KeyRow) []byte { return appendKeyAAD(nil, &row) }

// RootAAD is what a stored root is bound to.
func RootAAD(row RootRow) []byte { return rootAAD(&row) }

// Commitment commits to a key.
func Commitment(key []byte) [32]byte { return commitment((*[keySize]byte)(key)) }

// Digest is the hash of the receipt's keys.
func (r *Receipt) Digest() [32]byte { return r.digest() }

// LimitReplay bounds how many lines one walk through the store applies.
func LimitReplay(lines int) Option {
	return func(o *options) error {
		o.replayLines = lines
		return nil
	}
}

// ReadErasure reads a line of the journal without asking who wrote it, and
// writes it again.
func ReadErasure(line []byte) (again []byte, err error) {
	e, tag, err := readErasure(line)
	if err != nil {
		return nil, err
	}
	return canon.AppendBytes(e.append(nil), tag), nil
}

// ReadRecord reads a record of a journal file and writes it again.
func ReadRecord(text []byte) (again []byte, ok bool) {
	chain, lines, ok := parseRecord(text)
	if !ok {
		return nil, false
	}
	return appendRecord(nil, chain, lines), true
}

// RingAlarm is what the fence's timer does after half its bound.
func (v *Vault) RingAlarm() { v.fence.due.Store(true) }

// OpenWeakEpochFolder opens a folder whose passphrase costs nothing to guess.
func OpenWeakEpochFolder(c EpochFolder) (EpochStore, error) {
	return openEpochFolder(c, sealedfile.WeakForTests)
}

// Rewrapped seals a stored data key anew, as moving it to another root does.
func (v *Vault) Rewrapped(ctx context.Context, row KeyRow) (KeyRow, error) {
	return v.withFlag(ctx, &row, func(f flag) flag { return f })
}

// EncodeFlag writes the flag of one restriction.
func EncodeFlag(id troth.EntryID, except []troth.Purpose) []byte {
	return flag{{id: id, except: except}}.encode()
}

// RecodeFlag reads a flag and writes it again.
func RecodeFlag(b []byte) ([]byte, error) {
	f, err := parseFlag(b)
	return f.encode(), err
}

// LockJournal locks a journal file as another program that writes to it does.
func LockJournal(t testing.TB, path string) (unlock func()) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	free, err := tryLockFile(f, true)
	if err != nil || !free {
		t.Fatal(free, err)
	}
	return func() {
		_ = unlockFile(f)
		_ = f.Close()
	}
}

// EpochAAD is what a root is bound to by the key of its epoch.
func EpochAAD(row RootRow) []byte { return epochAAD(&row) }
