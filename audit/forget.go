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
	whole := troth.PermitRef{Tenant: string(s.Tenant), Subject: s.ID}
	part := whole
	part.Compartment = string(troth.PseudonymCompartment)
	return t.destroy(ctx, permit, func(ctx context.Context, d deed) error {
		for _, as := range []role{asActor, asSubject} {
			if err := t.forget(ctx, d.next(t.now()), person{tenant: s.Tenant, role: as, id: s.ID}); err != nil {
				return err
			}
		}
		return nil
	}, part, whole)
}

func (t *Trail) forget(ctx context.Context, d deed, p person) error {
	name, err := t.name(ctx, p)
	if err != nil {
		return err
	}
	ps, found, err := t.lookUp(ctx, p, name)
	if err != nil || !found {
		return err
	}
	facts := troth.Facts{"role": troth.Word(string(p.role))}
	if err := t.tell(ctx, d, troth.Entry{Act: actForget, Tenant: p.tenant, Facts: facts}, ps); err != nil {
		return err
	}
	if _, err := t.store.DeletePseudonym(ctx, name); err != nil {
		return fmt.Errorf("audit: forget pseudonym: %w", err)
	}
	return nil
}
