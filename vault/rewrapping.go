package vault

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/trothdev/troth"
)

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
	case errors.Is(err, ErrKEK), errors.Is(err, ErrKeyRecord), errors.Is(err, ErrEpochStore), errors.Is(err, troth.ErrBusy):
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
