package audit

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/clearance"
)

// EntryRef names one entry in the permit for [Trail.Redact].
func EntryRef(tenant troth.Tenant, id troth.EntryID) troth.PermitRef {
	return troth.PermitRef{Tenant: string(tenant), Record: "audit.entry/" + id.String()}
}

// PartsRef names the parts of a tenant's entries in the permit for
// [Trail.DropParts].
func PartsRef(tenant troth.Tenant) troth.PermitRef {
	return troth.PermitRef{Tenant: string(tenant), Record: "audit.parts"}
}

// LogRef names a log, in which all tenants have entries, in the permit for
// [Trail.Prune].
func LogRef(log int) troth.PermitRef {
	return troth.PermitRef{Tenant: string(troth.Platform), Record: "audit.log/" + strconv.Itoa(log)}
}

// way is how the trail gets leave: from whoever calls.
func (t *Trail) way() *clearance.Way {
	return &clearance.Way{
		Tx: t.tx, Ground: t.unmanaged, Managed: t.managed, ErrManaged: ErrUnmanaged,
		ErrAlone: fmt.Errorf("%w: no keeper minted it, and the trail was made without audit.Unmanaged", troth.ErrNotPermitted),
	}
}

// deed is something that is being destroyed: by whom, with whose leave, and
// which entry will tell of it.
type deed struct {
	actor  troth.Actor
	permit troth.Permit
	// entry is of the instant at.
	entry troth.EntryID
	at    time.Time
}

// next gives the deed another entry to tell of it.
func (d deed) next(at time.Time) deed {
	d.entry, d.at = troth.NewEntryID(at), at
	return d
}

// destroy runs fn in a savepoint, if the permit is for one of the refs. A caller
// that swallows the error must not keep the evidence of what was not done, nor
// the deed without its evidence.
func (t *Trail) destroy(ctx context.Context, permit troth.Permit, fn func(ctx context.Context, d deed) error, refs ...troth.PermitRef) error {
	actor, err := troth.ActorFrom(ctx)
	if err != nil {
		return err
	}
	return t.tx.Atomically(ctx, func(ctx context.Context) error {
		if err := t.way().Check(ctx, permit, refs...); err != nil {
			return err
		}
		return fn(ctx, deed{actor: actor, permit: permit}.next(t.now()))
	})
}

// tell records the deed. The entry names its subject by the pseudonym itself:
// looking the person up could find it for the last time, or make a new one.
func (t *Trail) tell(ctx context.Context, d deed, e troth.Entry, about Pseudonym) error {
	clearance.Facts(d.permit, e.Facts)
	if err := e.Validate(); err != nil {
		return err
	}
	env := envelopeAt(d.at, e)
	env.ID, env.Subject = d.entry, about
	var err error
	if env.Actor, err = t.actorRef(ctx, d.actor); err != nil {
		return err
	}
	return t.append(ctx, env)
}
