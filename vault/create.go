package vault

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/trothdev/troth"
)

// resolveOrCreate returns the keys under the name, and makes the first one.
func (v *Vault) resolveOrCreate(ctx context.Context, q *sought) (*slot, error) {
	s, err := v.resolve(ctx, q)
	if err != nil || s != nil {
		return s, err
	}
	name := q.name // q must not escape into the closure below
	scope := v.tx.Scope(ctx)
	applied := v.fence.applied.Load()
	if err := v.checkPending(ctx, &name); err != nil {
		return nil, err
	}
	var made *slot
	for try := 1; ; try++ {
		made, err = v.createIn(ctx, scope, name)
		if err == nil {
			break
		}
		if try == rootTries || !errors.Is(err, errSuperseded) {
			return nil, err
		}
		v.forgetRoots(name.Tenant)
		applied = v.fence.applied.Load()
	}
	if scope != nil {
		setOverlay(scope, overlayKey{v, name}, overlaid[*slot]{made, applied})
	} else {
		v.share(q, made, applied, v.mono())
	}
	if made.shredded {
		return nil, ErrShredded
	}
	return made, nil
}

// createIn makes the first key in a transaction of its own, or inside the
// caller's.
func (v *Vault) createIn(ctx context.Context, scope *troth.Scope, name KeyName) (made *slot, err error) {
	var first *RootRow
	if scope == nil {
		if first, err = v.prepareRoot(ctx, name.Tenant, WrapLineage); err != nil {
			return nil, err
		}
	}
	err = v.tx.Atomically(ctx, func(ctx context.Context) error {
		var err error
		made, err = v.create(ctx, name, first)
		return err
	})
	return made, err
}

// keyIDTries bounds how often a key id is drawn again: two of a person's keys
// share one with a chance of 2^-32.
const keyIDTries = 3

var errKeyID = fmt.Errorf("vault: insert key: no key id found in %d tries", keyIDTries)

func (v *Vault) create(ctx context.Context, name KeyName, first *RootRow) (*slot, error) {
	r, err := v.ensureRoot(ctx, name.Tenant, WrapLineage, first)
	if err != nil {
		return nil, err
	}
	state, err := v.store.LockPerson(ctx, name.Tenant, name.SubjectID, Shared)
	if err != nil {
		return nil, fmt.Errorf("vault: lock person: %w", err)
	}
	if closedTo(state, name.Compartment) {
		return nil, ErrShredded
	}
	if state.Epoch != r.epoch {
		return nil, errSuperseded
	}
	if err := v.checkBuried(ctx, name); err != nil {
		return nil, err
	}
	f, err := v.flagFor(ctx, &name, state)
	if err != nil {
		return nil, err
	}
	generation := uint32(1)
	for range keyIDTries {
		row := KeyRow{
			KeyName: name, Generation: generation, Epoch: r.epoch, FirstEpoch: r.epoch, CreatedAt: v.micros(), Flag: f.encode(),
		}
		key, err := wrapNew(&row, r.wrap)
		if err != nil {
			return nil, err
		}
		inserted, err := v.store.InsertKey(ctx, row)
		if err != nil {
			return nil, fmt.Errorf("vault: insert key: %w", err)
		}
		if inserted {
			s := newSlot(name)
			s.keys = append(s.keys, key)
			s.until = r.until.Load()
			s.rule = f.rule()
			return s, nil
		}
		// Another process was first, or destroyed what is not yet there.
		if s, err := v.read(ctx, name); err != nil || s != nil {
			return s, err
		}
		if generation, err = v.afterRetired(ctx, name); err != nil {
			return nil, err
		}
	}
	return nil, errKeyID
}

// afterRetired is the number behind the generations that were let go under a name
// of which nothing lives: a restore may have lost the one that was in use.
func (v *Vault) afterRetired(ctx context.Context, name KeyName) (uint32, error) {
	rows, err := v.store.Tombstones(ctx, name.Tenant, name.SubjectID)
	if err != nil {
		return 0, fmt.Errorf("vault: read tombstones: %w", err)
	}
	last := uint32(0)
	for i := range rows {
		if rows[i].KeyName == name {
			last = max(last, rows[i].Generation)
		}
	}
	if last == math.MaxUint32 {
		return 0, ErrKeyRecord
	}
	return last + 1, nil
}
