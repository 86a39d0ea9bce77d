package retention

import (
	"context"
	"slices"
	"time"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/clearance"
	"github.com/trothdev/troth/internal/permit"
)

// Handler does to the host's records of one type what the policy says. Every method
// works in the transaction of its context, and may be called again for what is done
// already: [ErrNotFound] says that the record is gone, which is success. Any other error,
// or a panic, undoes what was done for that record, and the call is made again later.
type Handler interface {
	// Hide makes sure that nobody sees the record but those whom o.Visible names.
	Hide(ctx context.Context, o Order) error
	// Restore lets those see it again whom o.Visible names.
	Restore(ctx context.Context, o Order) error
	// Destroy destroys the record, and everything that was made of it, in all of
	// o.Copies. It must return an error unless [Keeper.Check] accepts the order, and as
	// long as any of these has not been told.
	Destroy(ctx context.Context, o Order) error
	// Anonymise takes out of the record all that leads to a person; it is otherwise as
	// Destroy.
	Anonymise(ctx context.Context, o Order) error
	// Count counts the host's records of the type that a tenant has.
	Count(ctx context.Context, tenant troth.Tenant) (int64, error)
}

// Registration is how the keeper deals with one record type.
type Registration struct {
	Handler Handler
	// Permit names a record in the permit to destroy it, where the handler hands that on
	// to somebody who knows it by another name: a vault wants that of a key. Nil is the
	// record itself, with its version and stage.
	Permit func(key RecordKey, subjectID string) troth.PermitRef
	// Erased tells of the key that a record was sealed with and that its destruction
	// destroyed, for certificates, by the record's handle. It is for records of which
	// nothing personal lies in the primary in clear. Nil, and the zero value, are none.
	Erased func(ctx context.Context, tenant troth.Tenant, handle string) (KeyErasure, error)
}

// Order is what a handler is told to do.
type Order struct {
	RecordKey
	// Handle is the record's name in evidence.
	Handle    string
	SubjectID string
	// Class and Stage are where it stands, Visible who may see it from now on.
	Class, Stage string
	Visible      Visibility
	// Version counts the record's changes.
	Version int64
	// Copies are those that lose the record: all of them when it is destroyed, some
	// when a stage begins. It names none that rotate by themselves, and none that are
	// told apart: those of [WithCopy], what is made of these, and paper.
	Copies []string
	// Policy is the hash of the policy that decided.
	Policy [32]byte
	// Permit is leave to destroy; the zero value, which permits nothing, in other
	// orders. It ends when the handler returns.
	Permit troth.Permit
}

// Check returns [troth.ErrNotPermitted] unless the order's permit is for exactly this
// order, in the transaction of ctx, and nothing has ended it since: no hold, and not
// the return of the handler that it was made for.
func (k *Keeper) Check(ctx context.Context, o Order) error {
	reg, ok := k.opt.types[o.Type]
	if !ok {
		return ErrUnregistered
	}
	scope := k.tx.Scope(ctx)
	if scope == nil || o.Permit.IsUnmanaged() || o.Permit.Policy() != o.Policy {
		return troth.ErrNotPermitted
	}
	return o.Permit.Check(reg.ref(o), clearance.Within(scope))
}

// ref names the record of an order in its permit.
func (r Registration) ref(o Order) troth.PermitRef {
	if r.Permit != nil {
		return r.Permit(o.RecordKey, o.SubjectID)
	}
	return troth.PermitRef{Tenant: string(o.Tenant), Record: o.Type + "/" + o.ID, Version: o.Version, Stage: o.Stage}
}

// mint makes a permit that lasts while fn runs. The caller holds the tenant's lock and
// has looked at its holds in this transaction. Whoever places a hold in it meanwhile
// ends the permit.
func (k *Keeper) mint(ctx context.Context, ref troth.PermitRef, ground string, policy [32]byte, fn func(ctx context.Context, p troth.Permit) error) error {
	return k.tx.Atomically(ctx, func(ctx context.Context) error {
		scope := k.tx.Scope(ctx)
		p := permit.Managed(ref, ground, policy, scope)
		defer permit.Revoke(p)
		defer k.live(scope, p)()
		return fn(ctx, p)
	})
}

// livePermits is the key of the permits that live in a transaction.
type livePermits struct{ k *Keeper }

// live notes a permit, until the returned function is called.
func (k *Keeper) live(scope *troth.Scope, p troth.Permit) (end func()) {
	outer := scope.Outermost()
	before, _ := outer.Value(livePermits{k}).([]troth.Permit)
	outer.SetValue(livePermits{k}, append(slices.Clip(before), p))
	return func() { outer.SetValue(livePermits{k}, before) }
}

// revokeLive ends the permits that live in the transaction of ctx.
func (k *Keeper) revokeLive(ctx context.Context) {
	all, _ := k.tx.Scope(ctx).Outermost().Value(livePermits{k}).([]troth.Permit)
	for _, p := range all {
		permit.Revoke(p)
	}
}

// order makes an order about a record. Copies are left to the caller.
func orderOf(row *RecordRow, d *Decision) Order {
	return Order{
		RecordKey: row.RecordKey, Handle: row.Handle, SubjectID: row.SubjectID,
		Class: row.Class, Stage: row.Stage, Visible: row.Visible, Version: row.Version, Policy: d.Policy,
	}
}

// lastGone returns by when the last copy of a record is gone if all are told at an
// instant. A record may lie in the copies of every version that was in force while it was
// there.
func (h *History) lastGone(class string, at time.Time) time.Time {
	gone := at
	for _, v := range h.versions[:h.active(at)+1] {
		for _, c := range h.Copies(class, v.number, at) {
			gone = later(gone, c.By)
		}
	}
	return gone
}
