package audit

import (
	"context"
	"fmt"

	"github.com/trothdev/troth"
)

// ForgetPseudonym destroys the link between a person and their pseudonyms, as
// data subject and as actor, and records that it did under the pseudonym whose
// link died. The entries stay and name somebody whom nobody can look up; what
// the person does later is recorded under a new pseudonym. Forgetting a person
// who has none does nothing.
//
// The permit must be for the person's troth.PseudonymCompartment or for the
// whole person, and minted in the transaction of ctx; else the error is
// troth.ErrNotPermitted. Permits without a keeper are accepted as [Unmanaged]
// says. It does not destroy the key of the sealed identity: the vault shreds
// it, best in the same transaction.
func (t *Trail) ForgetPseudonym(ctx context.Context, permit troth.Permit, s troth.Subject) error {
	if err := s.Validate(); err != nil {
		return err
	}
	actor, err := troth.ActorFrom(ctx)
	if err != nil {
		return err
	}
	// Always a savepoint: a caller that swallows the error must not keep the
	// evidence of what was not done.
	return t.tx.Atomically(ctx, func(ctx context.Context) error {
		if err := t.permits(ctx, permit, s); err != nil {
			return err
		}
		for _, as := range []role{asActor, asSubject} {
			f := forgetting{actor: actor, permit: permit, person: person{tenant: s.Tenant, role: as, id: s.ID}}
			if err := t.forget(ctx, f); err != nil {
				return err
			}
		}
		return nil
	})
}

// permits checks that the permit covers the person's pseudonyms.
func (t *Trail) permits(ctx context.Context, permit troth.Permit, s troth.Subject) error {
	if permit.IsUnmanaged() {
		if t.unmanaged == "" {
			return troth.ErrNotPermitted
		}
		return t.checkUnmanaged(ctx)
	}
	scope := t.tx.Scope(ctx)
	within := func(minted any) bool {
		s, ok := minted.(*troth.Scope)
		return ok && s != nil && scope.Within(s)
	}
	whole := troth.PermitRef{Tenant: string(s.Tenant), Subject: s.ID}
	part := whole
	part.Compartment = string(troth.PseudonymCompartment)
	if permit.Check(part, within) == nil {
		return nil
	}
	return permit.Check(whole, within)
}

// forgetting is one link to destroy.
type forgetting struct {
	actor  troth.Actor
	permit troth.Permit
	person person
}

func (t *Trail) forget(ctx context.Context, f forgetting) error {
	name, err := t.name(ctx, f.person)
	if err != nil {
		return err
	}
	ps, found, err := t.lookUp(ctx, f.person, name)
	if err != nil || !found {
		return err
	}
	if err := t.recordForgetting(ctx, f, ps); err != nil {
		return err
	}
	if _, err := t.store.DeletePseudonym(ctx, name); err != nil {
		return fmt.Errorf("audit: forget pseudonym: %w", err)
	}
	return nil
}

// recordForgetting names the subject by the pseudonym itself: looking the
// person up would find it for the last time, or make a new one.
func (t *Trail) recordForgetting(ctx context.Context, f forgetting, ps Pseudonym) error {
	facts := troth.Facts{
		"role":   troth.Word(string(f.person.role)),
		"permit": troth.Word(permitManaged),
		"ground": troth.Word(f.permit.Ground()),
	}
	if f.permit.IsUnmanaged() {
		facts["permit"] = troth.Word(permitUnmanaged)
	} else {
		facts["policy"] = troth.Digest(f.permit.Policy())
	}
	e := troth.Entry{Act: actForget, Tenant: f.person.tenant, Facts: facts}
	if err := e.Validate(); err != nil {
		return err
	}
	env := t.envelope(e)
	env.Subject = ps
	var err error
	if env.Actor, err = t.actorRef(ctx, f.actor); err != nil {
		return err
	}
	return t.append(ctx, env)
}
