package vault

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/recent"
)

// fence follows the shreddings of all processes. Caches may be used for as long
// as the fence was read recently enough; the bound on its age is the longest
// time for which another process may go on opening what was shredded here.
type fence struct {
	recent.Reading
	position atomic.Int64
	// due is set by a timer when somebody should look. It spares sealing the clock: coming
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
	if v.fence.Fresh(now) {
		return nil
	}
	scope := v.tx.Scope(ctx)
	usable := func() bool { return v.fence.Within(v.mono(), v.opt.fenceAge) }
	if v.fence.Within(now, v.opt.fenceAge) {
		if scope != nil {
			return nil
		}
		look := func(ctx context.Context) error {
			if v.fence.Fresh(now) {
				return nil // somebody has looked since
			}
			return v.look(ctx)
		}
		return v.fence.Renew(ctx, look, usable, func(err error) {
			v.log.Warn("vault: fence not read, going on within its bound", zap.Error(err))
		})
	}
	if scope != nil && scope.Current() {
		return v.lookInTx(ctx, scope)
	}
	return v.fence.Catch(ctx, func(ctx context.Context) error { return v.look(v.tx.Detach(ctx)) }, usable)
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

// look reads the fence and evicts what died. The caller has the turn.
func (v *Vault) look(ctx context.Context) error {
	began := v.mono()
	found, err := v.store.Follow(ctx, v.fence.position.Load())
	if err != nil {
		return stale(ctx, err)
	}
	v.apply(found)
	v.fence.position.Store(found.Head) // after a gap it may be lower, as after a restore
	v.fence.Read(began, v.opt.fenceAge)
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
	if f.Begin(ctx) != nil {
		return
	}
	defer f.End()
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
