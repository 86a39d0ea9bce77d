package consent

import (
	"context"
	"fmt"

	"github.com/trothdev/troth"
)

// groundLimitation and groundUnconfirmed are why the ledger destroys by itself.
const (
	groundLimitation  = "limitation-period-over"
	groundUnconfirmed = "not-confirmed-in-time"
)

// eraseProof destroys the proof of an erased person whose time is over.
func (l *Ledger) eraseProof(ctx context.Context, row DueRow) error {
	d, err := l.tenant(ctx, row.Tenant)
	if err != nil {
		return err
	}
	ref := troth.DisposalRef{Tenant: row.Tenant, Kind: DisposeProof, ID: row.Ref}
	return l.dispose(ctx, ref, groundLimitation, func(ctx context.Context, permit troth.Permit) error {
		stored, found, err := l.store.Person(ctx, row.Tenant, row.SubjectID)
		if err != nil {
			return fmt.Errorf("consent: read person: %w", err)
		}
		if !found {
			return l.store.DeleteDue(ctx, row)
		}
		p, err := d.openPerson(stored)
		if err != nil {
			return err
		}
		if p.keepUntil > l.micros() || p.erasedAt == 0 {
			return ErrHeld
		}
		return l.destroyProof(ctx, permit, row, &p)
	})
}

func (l *Ledger) destroyProof(ctx context.Context, permit troth.Permit, row DueRow, p *person) error {
	if l.opt.shredder != nil {
		id, err := l.openID(ctx, row.Tenant, p)
		if err != nil {
			return err
		}
		if err := l.opt.shredder(ctx, permit, troth.Subject{Tenant: row.Tenant, ID: id}, ProofCompartment); err != nil {
			return fmt.Errorf("consent: shred proof: %w", err)
		}
	}
	n, err := l.store.DeletePerson(ctx, row.Tenant, row.SubjectID)
	if err != nil {
		return fmt.Errorf("consent: erase proof: %w", err)
	}
	_, err = l.record(ctx, troth.Entry{
		Act: actProofErase, Tenant: row.Tenant,
		Facts: destroyed(permit, troth.Facts{
			"events": troth.Count(n), "person": troth.Digest(hashOf(row.Tenant, p.pseudonym)),
		}),
	})
	return err
}
