package vault

import (
	"context"
	"errors"
	"fmt"
	"sync"
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
	if err := v.epochCall(ctx); err != nil {
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
	if err := v.epochCall(ctx); err != nil {
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

// rewrapping is one call of Rewrap or Rotate.
type rewrapping struct {
	v *Vault
	RewrapParams
	r        *Rewrapped
	began    int64
	budget   int
	failures int
}

// all goes around all tenants once, beginning behind the one at which the last
// call of this process ended: some that cannot be moved must not keep it from
// the others.
func (w *rewrapping) all(ctx context.Context) error {
	v := w.v
	start := v.pace.last()
	after, around := start, start == (RootPlace{})
	seen := make(map[troth.Tenant]bool)
	for w.budget > 0 {
		places, err := v.store.StaleRoots(ctx, w.r.Epoch, after, rewrapPage)
		if err != nil {
			return fmt.Errorf("vault: read stale roots: %w", err)
		}
		for _, p := range places {
			if w.budget <= 0 {
				break
			}
			after = p
			if seen[p.Tenant] {
				continue
			}
			seen[p.Tenant] = true
			if err := w.one(ctx, p.Tenant); err != nil {
				return err
			}
			v.pace.setLast(p)
		}
		if len(places) < rewrapPage && w.budget > 0 {
			v.pace.setLast(RootPlace{})
			if around {
				return nil
			}
			after, around = RootPlace{}, true
		}
	}
	return nil
}

// one moves a tenant as far as it goes. Only what is not the tenant's own
// affair is an error.
func (w *rewrapping) one(ctx context.Context, tenant troth.Tenant) error {
	before := w.r.Moved
	ended, err := w.tenant(ctx, tenant)
	if w.r.Moved == before {
		w.budget--
	}
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err == nil:
		w.failures = 0
		if ended {
			w.r.Tenants++
		}
		return nil
	case errors.Is(err, ErrKEK), errors.Is(err, ErrKeyRecord), errors.Is(err, ErrEpochStore):
		if w.failures++; w.failures >= rewrapFailures {
			return err
		}
		w.r.Stuck = append(w.r.Stuck, Stuck{Tenant: tenant, Err: err})
		return nil
	}
	return err
}

// tenant goes through a tenant's keys once, and reports whether nothing of it is
// left behind.
func (w *rewrapping) tenant(ctx context.Context, tenant troth.Tenant) (done bool, err error) {
	v := w.v
	for try := 1; ; try++ {
		done, err = w.pass(ctx, tenant)
		if !errors.Is(err, errSuperseded) || try == rootTries {
			return done, err
		}
		v.forgetRoots(tenant)
		if w.r.Epoch, err = v.newestEpoch(ctx); err != nil {
			return false, err
		}
	}
}

func (w *rewrapping) pass(ctx context.Context, tenant troth.Tenant) (done bool, err error) {
	t, err := w.v.prepareRotation(ctx, tenant, w.r.Epoch)
	if err != nil {
		return false, err
	}
	for {
		s, err := w.v.rotate(ctx, t, w.batch())
		if err != nil {
			return false, err
		}
		w.r.Moved += s.moved
		w.budget -= s.moved
		w.v.pace.note(w.r.Moved, w.v.mono()-w.began)
		if err := w.slow(ctx); err != nil {
			return false, err
		}
		switch {
		case !s.taken:
			return false, nil // another process is at it
		case s.ended && !s.done && s.stuck > 0:
			w.r.Stuck = append(w.r.Stuck, Stuck{Tenant: tenant, Keys: s.stuck})
			return false, nil
		case s.ended:
			return s.done, nil
		case w.Keys > 0 && w.budget <= 0:
			return false, nil
		}
	}
}

// batch is how many keys go into the next transaction.
func (w *rewrapping) batch() int {
	n := w.Batch
	if w.Keys > 0 {
		n = min(n, max(w.budget, 1))
	}
	if w.PerSecond > 0 { // a rate is no rate if it comes in heaps
		n = min(n, max(w.PerSecond/10, 1))
	}
	return n
}

// slow waits until as much time has passed as the keys that were moved may take.
func (w *rewrapping) slow(ctx context.Context) error {
	if w.PerSecond == 0 {
		return nil
	}
	due := time.Duration(float64(w.r.Moved) / float64(w.PerSecond) * float64(time.Second))
	return pause(ctx, due-time.Duration(w.v.mono()-w.began))
}

func pause(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// pace is how fast this process rewraps, and where it is.
type pace struct {
	mu        sync.Mutex
	perSecond float64
	place     RootPlace
}

func (p *pace) note(moved int, took int64) {
	if moved == 0 || took <= 0 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.perSecond = float64(moved) / time.Duration(took).Seconds()
}

func (p *pace) last() RootPlace {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.place
}

func (p *pace) setLast(at RootPlace) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.place = at
}

// Progress is how far the move to the newest epoch has come, for all tenants.
type Progress struct {
	// Epoch is the newest one.
	Epoch uint32
	// Tenants are those that are under lower epochs yet, Keys their living keys
	// there.
	Tenants, Keys int64
	// Oldest is the lowest epoch that something lies under; Slowest is the tenant
	// with the most keys there, which holds up the horizon of everybody. Both are
	// zero if nothing is left.
	Oldest  uint32
	Slowest troth.Tenant
	// PerSecond is how many keys this process moved in a second in its latest
	// call of Rewrap or Rotate; 0 if it made none. Left is how long the rest takes
	// at this rate; 0 if that is not known.
	PerSecond float64
	Left      time.Duration
}

// Progress tells how far the move to the newest epoch has come. It counts what
// is left, which takes the longer the more that is.
func (v *Vault) Progress(ctx context.Context) (p Progress, err error) {
	rows, err := v.epochRows(ctx)
	if err != nil || len(rows) == 0 {
		return p, err
	}
	p.Epoch = rows[len(rows)-1].Epoch
	s, err := v.store.Staleness(ctx, p.Epoch)
	if err != nil {
		return p, fmt.Errorf("vault: count stale keys: %w", err)
	}
	p.Tenants, p.Keys, p.Slowest, p.Oldest = s.Tenants, s.Keys, s.Slowest, s.Oldest
	v.pace.mu.Lock()
	p.PerSecond = v.pace.perSecond
	v.pace.mu.Unlock()
	if p.PerSecond > 0 {
		p.Left = time.Duration(float64(p.Keys) / p.PerSecond * float64(time.Second))
	}
	return p, nil
}

// String is the progress in one line.
func (p Progress) String() string {
	if p.Tenants == 0 {
		return fmt.Sprintf("everything is under epoch %d", p.Epoch)
	}
	line := fmt.Sprintf("%d keys of %d tenants are left to move to epoch %d; tenant %q is the slowest, in epoch %d",
		p.Keys, p.Tenants, p.Epoch, p.Slowest, p.Oldest)
	if p.PerSecond > 0 {
		line += fmt.Sprintf("; %.0f keys/s, %v left", p.PerSecond, p.Left.Round(time.Second))
	}
	return line
}
