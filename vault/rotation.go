package vault

import (
	"context"
	"crypto/cipher"
	crand "crypto/rand"
	"errors"
	"fmt"

	"github.com/trothdev/troth"
)

// rootTries bounds how often something is done again because a tenant's roots
// changed under it.
const rootTries = 4

var (
	// errSuperseded says that keys cannot come under the root that was meant: it
	// has been superseded. Who gets it asks for the newest root again.
	errSuperseded = fmt.Errorf("vault: root was superseded meanwhile: %w", troth.ErrBusy)
	// errRetired says that a root was emptied: the keys that lay under it have
	// moved.
	errRetired = errors.New("vault: root is retired")
)

// forgetRoots drops the tenant's roots, and only these: data keys stay what they
// are when a tenant moves to another epoch.
func (v *Vault) forgetRoots(tenant troth.Tenant) {
	v.fence.applied.Add(1)
	v.roots.evict(tenant)
}

// rotation is a tenant on the way to an epoch.
type rotation struct {
	tenant troth.Tenant
	epoch  uint32
	// fresh are the roots to add, that of the wrap lineage first.
	fresh []*RootRow
	// from are the wrap keys of lower epochs, as far as their roots can be read;
	// to is that of the epoch.
	from map[uint32]cipher.AEAD
	to   cipher.AEAD
	// nothing says that there is nothing to do: no root, dead ones, or none below.
	nothing bool
}

// prepareRotation asks the key-encryption key and the EpochStore, which may be
// far away, for all that the transactions will need, which others wait for.
func (v *Vault) prepareRotation(ctx context.Context, tenant troth.Tenant, epoch uint32) (*rotation, error) {
	rows, err := v.store.Roots(ctx, tenant)
	if err != nil {
		return nil, fmt.Errorf("vault: read roots: %w", err)
	}
	t := &rotation{tenant: tenant, epoch: epoch, from: make(map[uint32]cipher.AEAD), nothing: true}
	last := make(map[Lineage]*RootRow)
	for i := range rows {
		row := &rows[i]
		if row.ShreddedAt != 0 {
			t.nothing = true
			return t, nil
		}
		last[row.Lineage] = row
		if row.Epoch >= epoch || len(row.Sealed) == 0 {
			continue
		}
		t.nothing = false
		if row.Lineage != WrapLineage {
			continue
		}
		r, err := v.unwrapRoot(ctx, row)
		switch {
		case err == nil:
			t.from[row.Epoch] = r.wrap
		case !errors.Is(err, ErrKeyRecord): // keys under a damaged one are stuck
			return nil, err
		}
	}
	if t.nothing {
		return t, nil
	}
	for _, l := range []Lineage{WrapLineage, IndexLineage} {
		if row := last[l]; row != nil {
			if err := v.prepareLineage(ctx, t, row); err != nil {
				return nil, err
			}
		}
	}
	return t, nil
}

// prepareLineage makes the root of the epoch, or opens the one that is there.
func (v *Vault) prepareLineage(ctx context.Context, t *rotation, row *RootRow) error {
	if row.Epoch > t.epoch {
		return errSuperseded // another process has advanced
	}
	if row.Epoch < t.epoch {
		var err error
		if row, err = v.renewed(ctx, t, row); err != nil {
			return err
		}
		t.fresh = append(t.fresh, row)
	}
	if row.Lineage != WrapLineage {
		return nil
	}
	r, err := v.unwrapRoot(ctx, row)
	if err == nil {
		t.to = r.wrap
	}
	return err
}

// renewed returns the row that follows another one in its lineage. A wrap root
// is a new secret. An index root keeps its own for the life of the tenant:
// tokens and keyed hashes that are out in the world hang on it.
func (v *Vault) renewed(ctx context.Context, t *rotation, row *RootRow) (*RootRow, error) {
	var secret [keySize]byte
	defer clear(secret[:])
	_, _ = crand.Read(secret[:]) // never fails, crypto/rand documents
	if row.Lineage == IndexLineage {
		old, err := v.unwrapRoot(ctx, row)
		if err != nil {
			return nil, err
		}
		copy(secret[:], old.index)
	}
	return v.sealRoot(ctx, rootName{tenant: t.tenant, lineage: row.Lineage, epoch: int64(t.epoch)}, row.KEK, &secret)
}

// stride is what one transaction of a rotation did.
type stride struct {
	moved int
	// taken is false if another process is rotating the tenant. ended says that
	// no key is left behind the last one; done that nothing is left at all; stuck
	// counts the keys that could not be moved up to there.
	taken, ended, done bool
	stuck              int64
}

// rotate adds the roots if they are not there, and does one transaction's worth:
// it moves keys, and at the end empties the old roots.
func (v *Vault) rotate(ctx context.Context, t *rotation, batch int) (s stride, err error) {
	if t.nothing {
		return stride{taken: true, ended: true, done: true}, nil
	}
	if err := v.renew(ctx, t); err != nil {
		return s, err
	}
	err = v.tx.Atomically(ctx, func(ctx context.Context) error {
		s = stride{}
		at := v.micros()
		row, taken, err := v.store.TakeRewrap(ctx, t.tenant, t.epoch, at)
		if err != nil {
			return fmt.Errorf("vault: take rewrap: %w", err)
		}
		if s.taken = taken; !taken {
			return nil
		}
		if err := v.store.SupersedeRoots(ctx, t.tenant, t.epoch, at); err != nil {
			return fmt.Errorf("vault: supersede roots: %w", err)
		}
		if row.After == (KeyPlace{}) {
			row.Stuck = 0
		}
		if err := v.moveBatch(ctx, t, &row, &s, batch); err != nil {
			return err
		}
		s.stuck = row.Stuck
		if !s.ended {
			return v.saveRewrap(ctx, row)
		}
		return v.endPass(ctx, t, row, &s, at)
	})
	if err != nil {
		return stride{}, err
	}
	if s.done {
		v.forgetRoots(t.tenant)
	}
	return s, nil
}

// renew adds the roots that were prepared, in a transaction of its own: whoever
// creates keys from then on holds the new root, so that those who hold the old
// one, for which superseding it waits, only become fewer. If another process was
// first, they are prepared again from its.
func (v *Vault) renew(ctx context.Context, t *rotation) error {
	if t.fresh == nil {
		return nil
	}
	err := v.tx.Atomically(ctx, func(ctx context.Context) error {
		for _, row := range t.fresh {
			inserted, err := v.store.RenewRoot(ctx, *row)
			if err != nil {
				return fmt.Errorf("vault: renew root: %w", err)
			}
			if !inserted {
				return errSuperseded
			}
		}
		return nil
	})
	if err == nil {
		t.fresh = nil
		v.forgetRoots(t.tenant)
	}
	return err
}

// moveBatch moves the next keys.
func (v *Vault) moveBatch(ctx context.Context, t *rotation, row *RewrapRow, s *stride, batch int) error {
	keys, err := v.store.StaleKeys(ctx, StaleKeys{Tenant: t.tenant, Below: t.epoch, After: row.After, Limit: batch})
	if err != nil {
		return fmt.Errorf("vault: read stale keys: %w", err)
	}
	s.ended = len(keys) < batch
	if len(keys) == 0 {
		return nil
	}
	moves := t.reseal(keys)
	row.Stuck += int64(len(keys) - len(moves))
	row.After = keys[len(keys)-1].place()
	if len(moves) == 0 {
		return nil
	}
	s.moved, err = v.store.MoveKeys(ctx, t.tenant, t.epoch, moves)
	if err != nil {
		return fmt.Errorf("vault: move keys: %w", err)
	}
	if s.moved == 0 {
		return errSuperseded
	}
	row.Moved += int64(s.moved)
	return nil
}

// reseal seals the keys under the new root. Those that do not open under their
// old one are left out: nobody could ever open them again.
func (t *rotation) reseal(keys []KeyRow) []KeyMove {
	const sealedSize = nonceSize + keySize + tagSize
	moves := make([]KeyMove, 0, len(keys))
	sealed := make([]byte, 0, len(keys)*sealedSize)
	var key [keySize]byte
	defer clear(key[:])
	var aad []byte
	for i := range keys {
		row := &keys[i]
		from := t.from[row.Epoch]
		if from == nil || t.to == nil || row.Tenant != t.tenant || unwrapInto(&key, row, from) != nil {
			continue
		}
		m := KeyMove{KeyPlace: row.place(), From: row.Epoch}
		row.Epoch = t.epoch
		aad = appendKeyAAD(aad[:0], row)
		begin := len(sealed)
		sealed = t.to.Seal(sealed, nil, key[:], aad)
		m.Sealed = sealed[begin:len(sealed):len(sealed)]
		moves = append(moves, m)
	}
	return moves
}

// endPass empties the old roots, if nothing is left under them, and tells it.
func (v *Vault) endPass(ctx context.Context, t *rotation, row RewrapRow, s *stride, at int64) error {
	left, err := v.store.RetireRoots(ctx, t.tenant, t.epoch, at)
	if err != nil {
		return fmt.Errorf("vault: retire roots: %w", err)
	}
	if left > 0 {
		row.After = KeyPlace{} // the next pass begins at the front
		return v.saveRewrap(ctx, row)
	}
	s.done = true
	event := FenceEvent{KeyName: KeyName{Tenant: t.tenant}, At: at, Roots: true}
	if err := v.store.RaiseFence(ctx, event); err != nil {
		return fmt.Errorf("vault: raise fence: %w", err)
	}
	return v.record(ctx, troth.Entry{
		Act: actRotate, Tenant: t.tenant,
		Facts: troth.Facts{"epoch": troth.Count(int(t.epoch)), "keys": troth.Count(int(row.Moved))},
	})
}

func (v *Vault) saveRewrap(ctx context.Context, row RewrapRow) error {
	if err := v.store.SaveRewrap(ctx, row); err != nil {
		return fmt.Errorf("vault: save rewrap: %w", err)
	}
	return nil
}
