package retention

import (
	"context"
	"time"

	"github.com/trothdev/troth"
)

// DisposalRule says what disposals of one kind are about. What it leaves out is not
// known, and so within every hold's limits.
type DisposalRule struct {
	// Class is the class of the policy that holds may name.
	Class string
	// Subject returns the person whom the disposal is about, and whether it is known
	// that it is about them alone.
	Subject func(ref troth.DisposalRef) (subjectID string, ok bool)
	// Permit names the disposal in its permit, as the package that asks wants it. Nil
	// is the kind and the id as one record.
	Permit func(ref troth.DisposalRef) troth.PermitRef
}

// ownDisposals are the kinds of this module's packages that differ from the rule.
func ownDisposals() map[string]DisposalRule {
	byID := func(ref troth.DisposalRef) (string, bool) { return ref.ID, ref.ID != "" && ref.ID[0] != '~' }
	return map[string]DisposalRule{
		"consent.content":    {Subject: byID},
		"unsubscribe.person": {Subject: byID},
		"task.payload": {Permit: func(ref troth.DisposalRef) troth.PermitRef {
			return troth.PermitRef{Tenant: string(ref.Tenant), Subject: ref.ID, Compartment: "task"}
		}},
		"task.finished": {Permit: func(ref troth.DisposalRef) troth.PermitRef {
			return troth.PermitRef{Tenant: string(ref.Tenant), Record: ref.Kind}
		}},
	}
}

var _ troth.Disposer = (*Keeper)(nil)

// Dispose implements troth.Disposer: it calls destroy with a permit, in a transaction in
// which no hold covers the disposal and none can be placed, or returns a *[HeldError].
// Holds that are limited to a person cover everything that is not known to be about
// others, and those limited to a class everything that [WithDisposal] does not put into
// another.
func (k *Keeper) Dispose(ctx context.Context, ref troth.DisposalRef, ground string, destroy func(ctx context.Context, p troth.Permit) error) error {
	rule := k.opt.disposals[ref.Kind]
	l := Leave{
		Ref:    troth.PermitRef{Tenant: string(ref.Tenant), Record: ref.Kind + "/" + ref.ID},
		Class:  rule.Class,
		Ground: ground,
	}
	if rule.Permit != nil {
		l.Ref = rule.Permit(ref)
	}
	if rule.Subject != nil {
		if id, ok := rule.Subject(ref); ok {
			l.SubjectID = id
		}
	}
	return k.Permit(ctx, l, destroy)
}

// Leave is what a permit is asked for.
type Leave struct {
	// Ref names what is to be destroyed, as who destroys it does: a key of a vault, an
	// entry of the trail.
	Ref troth.PermitRef
	// SubjectID is whom it is about, Class what it is, Created since when it is there.
	// What is left out is not known, and so within every hold's limits.
	SubjectID, Class string
	Created          time.Time
	// Ground is why, in the host's words.
	Ground string
}

// Permit calls destroy with a permit for what is not a record of the policy, such as a
// person's keys when an erasure was granted. It looks at holds, and at nothing else:
// whether the thing is due is for the caller to know. It returns a *[HeldError] if a
// hold covers it, a *[StoppedError] if destruction is stopped, [ErrNoPolicy] where no policy
// is in force, and [ErrManaged] for a Ref with a Version or Stage, which names a record of
// the policy.
func (k *Keeper) Permit(ctx context.Context, l Leave, destroy func(ctx context.Context, p troth.Permit) error) error {
	tenant := troth.Tenant(l.Ref.Tenant)
	if err := tenant.Validate(); err != nil {
		return err
	}
	if err := checkName("ground", l.Ground); err != nil {
		return err
	}
	if l.Ref.Version != 0 || l.Ref.Stage != "" {
		return ErrManaged
	}
	return k.tx.Atomically(ctx, func(ctx context.Context) error {
		stop, err := k.destroying(ctx, tenant)
		if err != nil {
			return err
		}
		if stop != "" {
			return &StoppedError{Stop: stop}
		}
		holds, err := k.holds(ctx, tenant)
		if err != nil {
			return err
		}
		if held := holds.of(l.SubjectID, l.Class, l.Created); len(held) > 0 {
			return &HeldError{Hold: held[0].Hold, Matter: held[0].Matter}
		}
		h, err := k.history(ctx)
		if err != nil {
			return err
		}
		_, policy, ok := h.Active(k.now())
		if !ok {
			return ErrNoPolicy
		}
		return k.mint(ctx, l.Ref, l.Ground, policy, destroy)
	})
}
