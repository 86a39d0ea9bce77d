package vault

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/trothdev/troth"
)

// fence follows the shreddings of all processes. Caches may be used for as long
// as the fence was read recently enough; the bound on its age is the longest
// time for which another process may go on opening what was shredded here.
type fence struct {
	// looking holds a token while somebody looks, so that others need not; who
	// waits for it can give up.
	looking  chan struct{}
	position atomic.Int64
	// asOf is when the last look that succeeded began, on the monotonic clock:
	// everything committed before it has been seen.
	asOf atomic.Int64
	// freshUntil is asOf plus half the bound: until then nobody need look.
	freshUntil atomic.Int64
	// due is set by a timer at freshUntil. It spares sealing the clock: coming
	// late reveals nothing there. Opening asks the clock each time, since a
	// process that was stopped may run for a while before its timers do.
	due  atomic.Bool
	bell *time.Timer
	// applied grows with every eviction; a load that began before one does not
	// enter the cache.
	applied atomic.Uint64
}

// scopeFence is when a transaction last looked at the fence for itself.
type scopeFence struct{ v *Vault }

// checkFence makes sure that the fence is young enough, by looking if need be.
func (v *Vault) checkFence(ctx context.Context) error { return v.checkFenceAt(ctx, v.mono()) }

// checkFenceAt is checkFence for who has just asked the clock.
func (v *Vault) checkFenceAt(ctx context.Context, now int64) error {
	if now <= v.fence.freshUntil.Load() {
		return nil
	}
	bound := int64(v.opt.fenceAge)
	if now-v.fence.asOf.Load() <= bound {
		// Young enough to go on. One caller looks, the others do not wait.
		if v.tx.Scope(ctx) != nil {
			return nil
		}
		select {
		case v.fence.looking <- struct{}{}:
			defer v.fence.stopLooking()
			if now <= v.fence.freshUntil.Load() {
				return nil // somebody has looked since
			}
			if err := v.look(ctx); err != nil {
				if ctx.Err() != nil || v.mono()-v.fence.asOf.Load() > bound {
					return err // it took so long that the look before is too old now
				}
				v.log.Warn("vault: fence not read, going on within its bound", zap.Error(err))
			}
		default:
		}
		return nil
	}
	if scope := v.tx.Scope(ctx); scope != nil && scope.Current() {
		return v.lookInTx(ctx, scope)
	}
	if err := v.fence.startLooking(ctx); err != nil {
		return err
	}
	defer v.fence.stopLooking()
	if v.mono()-v.fence.asOf.Load() <= bound {
		return nil
	}
	return v.look(v.tx.Detach(ctx))
}

// lookInTx looks at the fence inside the caller's transaction: there may be no
// other connection to be had. What it finds evicts, which is always safe, but
// it moves nothing that outlives the transaction.
func (v *Vault) lookInTx(ctx context.Context, scope *troth.Scope) error {
	began := v.mono()
	if at, ok := scope.Value(scopeFence{v}).(int64); ok && began-at <= int64(v.opt.fenceAge)/2 {
		return nil
	}
	found, err := v.store.Follow(ctx, v.fence.position.Load())
	if err != nil {
		return stale(ctx, err)
	}
	v.apply(found)
	scope.SetValue(scopeFence{v}, began)
	return nil
}

// stale is why a look failed; who gave up is told so and nothing else.
func stale(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return fmt.Errorf("%w: %w", ErrFenceStale, err)
}

func (f *fence) startLooking(ctx context.Context) error {
	select {
	case f.looking <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (f *fence) stopLooking() { <-f.looking }

// look reads the fence and evicts what died. It holds the token.
func (v *Vault) look(ctx context.Context) error {
	began := v.mono()
	found, err := v.store.Follow(ctx, v.fence.position.Load())
	if err != nil {
		return stale(ctx, err)
	}
	v.apply(found)
	v.fence.position.Store(found.Head) // after a gap it may be lower, as after a restore
	v.fence.asOf.Store(began)
	v.fence.freshUntil.Store(began + int64(v.opt.fenceAge)/2)
	v.fence.due.Store(false)
	took := v.mono() - began
	v.fence.bell = v.ringAfter(v.fence.bell, max(0, v.opt.fenceAge/2-time.Duration(took)), &v.fence.due)
	if took > int64(v.opt.fenceAge) {
		return fmt.Errorf("%w: reading it took longer than its bound", ErrFenceStale)
	}
	return nil
}

// ringAfter sets the flag after d, and returns the timer that will; it takes
// back the one before, if there was one.
func ringAfter(before *time.Timer, d time.Duration, flag *atomic.Bool) *time.Timer {
	if before != nil {
		before.Stop()
	}
	return time.AfterFunc(d, func() { flag.Store(true) })
}

// stop is for tidiness: the bell rings once and harms nobody.
func (f *fence) stop(ctx context.Context) {
	if f.startLooking(ctx) != nil {
		return
	}
	defer f.stopLooking()
	if f.bell != nil {
		f.bell.Stop()
	}
}

func (v *Vault) apply(found Followed) {
	if found.Gap {
		v.forgetAll()
		return
	}
	for _, e := range found.Events {
		if e.Roots {
			v.forgetRoots(e.Tenant)
			continue
		}
		v.forget(e.KeyName)
	}
}
