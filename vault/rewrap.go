package vault

import (
	"context"
	"fmt"
	"time"

	"github.com/trothdev/troth"
)

const (
	// rewrapKeys and rewrapBatch are the defaults of RewrapParams.
	rewrapKeys  = 10_000
	rewrapBatch = 256
	// rewrapPage is how many tenants are looked up at a time.
	rewrapPage = 100
	// rewrapFailures is how many tenants may fail one after the other before
	// a call gives up: then it is not the tenants.
	rewrapFailures = 10
	// rewrapPause is how long is waited for others who hold rows or the tenant,
	// rewrapPasses how often.
	rewrapPause  = 10 * time.Millisecond
	rewrapPasses = 100
)

// RewrapParams bound one call of [Vault.Rewrap]. Zeros are the defaults.
type RewrapParams struct {
	// Keys is about how many keys are moved at most. A tenant without keys counts
	// as one. Default 10,000.
	Keys int
	// PerSecond is how many are moved in a second at most. Default: no limit.
	PerSecond int
	// Batch is how many are moved in one transaction, for the length of which
	// others may have to wait. Default 256, at most 10,000.
	Batch int
}

func (p RewrapParams) withDefaults() (RewrapParams, error) {
	if p.Keys < 0 || p.PerSecond < 0 || p.Batch < 0 || p.Batch > 10_000 {
		return p, fmt.Errorf("vault: rewrap: parameters out of bounds")
	}
	if p.Keys == 0 {
		p.Keys = rewrapKeys
	}
	if p.Batch == 0 {
		p.Batch = rewrapBatch
	}
	return p, nil
}

// Stuck is a tenant of which keys could not be moved.
type Stuck struct {
	Tenant troth.Tenant
	// Keys is how many do not open under their root: they were damaged. Restore
	// these rows, or shred them.
	Keys int64
	// Err is why nothing of the tenant could be moved, such as a root that does
	// not open; nil if there are only Keys.
	Err error
}

// Rewrapped is what one call of [Vault.Rewrap] did.
type Rewrapped struct {
	// Epoch is the one that keys were moved to.
	Epoch uint32
	// Moved is how many keys, Tenants how many tenants came to an end.
	Moved, Tenants int
	// Stuck are tenants that stay behind until somebody helps.
	Stuck []Stuck
	// Done says that nothing lies under a lower epoch any more.
	Done bool
}

// Rotate moves one tenant to the newest epoch: it gives it a new root there, and
// seals the tenant's living keys anew under that. No value is touched, and data
// can be sealed and opened all the while. It goes on until it is done or ctx
// ends, in many small transactions; what it has done stays done, and the next
// call, or [Vault.Rewrap], takes up where it was. The evidence is recorded when
// the last key has moved.
func (v *Vault) Rotate(ctx context.Context, tenant troth.Tenant) (r Rewrapped, err error) {
	if err := v.rotationCall(ctx); err != nil {
		return r, err
	}
	if err := tenant.Validate(); err != nil {
		return r, err
	}
	if r.Epoch, err = v.newestEpoch(ctx); err != nil {
		return r, err
	}
	w := &rewrapping{v: v, RewrapParams: RewrapParams{Batch: rewrapBatch}, r: &r, began: v.mono()}
	for range rewrapPasses {
		before := r.Moved
		ended, err := w.tenant(ctx, tenant)
		if err != nil {
			return r, err
		}
		if ended || len(r.Stuck) > 0 {
			r.Done = ended
			return r, nil
		}
		if r.Moved > before {
			continue
		}
		if err := pause(ctx, rewrapPause); err != nil {
			return r, err
		}
	}
	return r, fmt.Errorf("vault: rotate: others hold keys of the tenant: %w", troth.ErrBusy)
}

// Rewrap moves tenants that are under lower epochs to the newest one, as
// [Vault.Rotate] does, those of the oldest epoch first. One call does a bounded
// amount; call it again until it says Done, at any pace, from as many processes
// as you like. How far it has come is stored, so that a crash loses at most one
// transaction. When nothing is left below, the lower epochs are closed, and
// [Vault.Retire] destroys their keys.
//
// A tenant that cannot be moved does not keep others from it: it is in Stuck.
func (v *Vault) Rewrap(ctx context.Context, p RewrapParams) (r Rewrapped, err error) {
	if err := v.rotationCall(ctx); err != nil {
		return r, err
	}
	if p, err = p.withDefaults(); err != nil {
		return r, err
	}
	if r.Epoch, err = v.newestEpoch(ctx); err != nil {
		return r, err
	}
	w := &rewrapping{v: v, RewrapParams: p, r: &r, began: v.mono(), budget: p.Keys}
	if err := w.all(ctx); err != nil {
		return r, err
	}
	left, err := v.store.StaleRoots(ctx, r.Epoch, RootPlace{}, 1)
	if err != nil {
		return r, fmt.Errorf("vault: read stale roots: %w", err)
	}
	r.Done = len(left) == 0
	_, err = v.closeEpochs(ctx)
	return r, err
}
