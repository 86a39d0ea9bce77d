package task

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/clearance"
)

// What the engine asks its Disposer about, as the Kind of a disposal.
const (
	// PayloadDisposal is the key of a group whose last work has ended; its ID is
	// that of [GroupSubject].
	PayloadDisposal = "task.payload"
	// FinishedDisposal is what is known of a tenant's tasks that ended long ago;
	// its ID is "finished".
	FinishedDisposal = "task.finished"
)

// groundEnded is why.
const groundEnded = "task-ended"

// PermitFor names in a permit what a disposal is of: a permit that a keeper mints
// for the engine's disposals is for this. A payload is named by its key, as a vault
// names it, so that the permit is good for Config.DestroyKey too; finished tasks by
// their kind. A ref of another kind names nothing that the engine would destroy.
func PermitFor(ref troth.DisposalRef) troth.PermitRef {
	switch ref.Kind {
	case PayloadDisposal:
		return troth.PermitRef{Tenant: string(ref.Tenant), Subject: ref.ID, Compartment: string(Compartment)}
	case FinishedDisposal:
		return troth.PermitRef{Tenant: string(ref.Tenant), Record: FinishedDisposal}
	}
	return troth.PermitRef{Tenant: string(ref.Tenant), Record: ref.Kind + "/" + ref.ID}
}

// unmanaged is the Disposer of an engine without a keeper.
type unmanaged struct{ e *Engine }

func (u unmanaged) Dispose(ctx context.Context, _ troth.DisposalRef, _ string, destroy func(context.Context, troth.Permit) error) error {
	return u.e.tx.Atomically(ctx, func(ctx context.Context) error {
		return destroy(ctx, troth.UnmanagedPermit(u.e.opt.unmanaged))
	})
}

// checkUnmanaged returns ErrUnmanaged if a keeper has taken the store over.
func (e *Engine) checkUnmanaged(ctx context.Context) error {
	managed, err := e.store.Managed(ctx)
	if err == nil && managed {
		return ErrUnmanaged
	}
	return wrap("ask the store", err)
}

// permits checks a permit in the transaction that uses it, and adds to facts what
// there is to say of it.
func (e *Engine) permits(ctx context.Context, p troth.Permit, ref troth.DisposalRef, facts troth.Facts) error {
	scope := e.tx.Scope(ctx)
	if scope == nil {
		return fmt.Errorf("%w: not in a transaction of the store", troth.ErrNotPermitted)
	}
	clearance.Facts(p, facts)
	if p.IsUnmanaged() {
		if e.opt.unmanaged == "" {
			return fmt.Errorf("%w: the engine was made without the option Unmanaged", troth.ErrNotPermitted)
		}
		return e.checkUnmanaged(ctx)
	}
	return p.Check(PermitFor(ref), clearance.Within(scope))
}

// Dispose destroys, as [Engine.Run] does at every poll, the keys of groups
// whose last work has ended, and empties their payloads. It returns how many
// groups it disposed of. What its Disposer forbids stays, is tried again later,
// and is told by [Engine.Undisposed].
func (e *Engine) Dispose(ctx context.Context) (disposed int, err error) {
	ctx = acting(e.tx.Detach(ctx))
	for more := true; more && err == nil; {
		var n int
		n, more, err = e.disposeSome(ctx)
		disposed += n
	}
	return disposed, err
}

// disposeSome disposes of the groups that have waited longest.
func (e *Engine) disposeSome(ctx context.Context) (disposed int, more bool, err error) {
	due, err := e.store.Disposals(ctx, disposalsAtOnce, time.Minute)
	if err != nil {
		return 0, false, wrap("disposals", err)
	}
	for _, d := range due {
		done, err := e.disposeGroup(ctx, d)
		if ctx.Err() != nil {
			return disposed, false, ctx.Err()
		}
		if err != nil {
			err = e.putOff(ctx, d, err)
		}
		if err != nil {
			return disposed, false, err
		}
		if done {
			disposed++
		}
	}
	return disposed, len(due) == disposalsAtOnce, nil
}

// disposalsAtOnce is how many are taken at once. They must be done within the
// minute for which they are held.
const disposalsAtOnce = 64

// putOff tries a disposal again later: after a minute, then twice as long each
// time, up to a day.
func (e *Engine) putOff(ctx context.Context, d Disposal, why error) error {
	reason := "error"
	if errors.Is(why, troth.ErrNotPermitted) || errors.Is(why, ErrUnmanaged) {
		reason = "refused"
	}
	e.log.Info("task: a payload stays for now", zap.String("tenant", string(d.Tenant)), zap.String("reason", reason), zap.Error(why))
	by := min(time.Minute<<min(d.Tries, 16), 24*time.Hour)
	return wrap("postpone", e.store.Postpone(ctx, Postponement{Tenant: d.Tenant, Group: d.Group, By: by, Reason: reason}))
}

func (e *Engine) disposeGroup(ctx context.Context, d Disposal) (done bool, err error) {
	var spent, sealed bool
	err = e.tx.Atomically(ctx, func(ctx context.Context) error {
		if spent, sealed, err = e.store.Spent(ctx, d.Tenant, d.Group); err != nil || !spent || sealed {
			return wrap("look at a group", err)
		}
		return wrap("empty", e.store.Empty(ctx, d.Tenant, d.Group)) // there is nothing to destroy
	})
	if err != nil || !spent || !sealed {
		return false, err
	}
	of := GroupSubject(d.Tenant, d.Group)
	ref := troth.DisposalRef{Tenant: d.Tenant, Kind: PayloadDisposal, ID: of.ID}
	err = e.c.Disposer.Dispose(ctx, ref, groundEnded, func(ctx context.Context, p troth.Permit) error {
		done = false
		spent, _, err := e.store.Spent(ctx, d.Tenant, d.Group)
		if err != nil || !spent {
			return wrap("look at a group", err) // somebody joined it since
		}
		if err := e.destroy(ctx, ref, of, d.Group, p); err != nil {
			return err
		}
		done = true
		return nil
	})
	return done && err == nil, err
}

func (e *Engine) destroy(ctx context.Context, ref troth.DisposalRef, of troth.Subject, group ID, p troth.Permit) error {
	facts := troth.Facts{"group": troth.ID(group.String()), "key": troth.Word("none")}
	if err := e.permits(ctx, p, ref, facts); err != nil {
		return err
	}
	if e.c.DestroyKey != nil {
		facts["key"] = troth.Word("destroyed")
		if err := e.c.DestroyKey(ctx, p, of, Compartment); err != nil {
			return fmt.Errorf("task: destroy key: %w", err)
		}
	}
	if err := e.store.Empty(ctx, ref.Tenant, group); err != nil {
		return wrap("empty", err)
	}
	return e.record(acting(ctx), troth.Entry{Act: actEmpty, Tenant: ref.Tenant, Facts: facts})
}
