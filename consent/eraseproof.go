package consent

import (
	"context"
	"fmt"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/clearance"
)

// groundLimitation and groundUnconfirmed are why the ledger destroys by itself.
const (
	groundLimitation  = "limitation-period-over"
	groundUnconfirmed = "not-confirmed-in-time"
)

// eraseProof destroys the proof of an erased person whose time is over. Leave is
// asked for by the id that they had: holds name people.
func (l *Ledger) eraseProof(ctx context.Context, row DueRow) error {
	d, err := l.tenant(ctx, row.Tenant)
	if err != nil {
		return err
	}
	p, id, err := l.erasedPerson(ctx, d, row)
	if err != nil {
		return err
	}
	if id == "" {
		return l.store.DeleteDue(ctx, row)
	}
	ref := troth.DisposalRef{Tenant: row.Tenant, Kind: DisposeProof, ID: id}
	return l.dispose(ctx, ref, groundLimitation, func(ctx context.Context, permit troth.Permit) error {
		now, same, err := l.erasedPerson(ctx, d, row)
		if err != nil {
			return err
		}
		if same == "" {
			return l.store.DeleteDue(ctx, row)
		}
		if same != id || now.pseudonym != p.pseudonym {
			return ErrRecord
		}
		if now.keepUntil > l.micros() {
			return ErrHeld
		}
		return l.destroyProof(ctx, permit, row, id, &now)
	})
}

// erasedPerson reads an erased person and the id that they had; the id is empty if
// there is nobody any more.
func (l *Ledger) erasedPerson(ctx context.Context, d *tenantData, row DueRow) (p person, id string, err error) {
	stored, found, err := l.store.Person(ctx, row.Tenant, row.SubjectID)
	if err != nil {
		return p, "", fmt.Errorf("consent: read person: %w", err)
	}
	if !found {
		return p, "", nil
	}
	if p, err = d.openPerson(stored); err != nil {
		return p, "", err
	}
	if p.erasedAt == 0 {
		return p, "", ErrHeld
	}
	id, err = l.openID(ctx, row.Tenant, &p)
	return p, id, err
}

func (l *Ledger) destroyProof(ctx context.Context, permit troth.Permit, row DueRow, id string, p *person) error {
	if l.opt.shredder != nil {
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
		Facts: clearance.Facts(permit, troth.Facts{
			"events": troth.Count(n), "person": troth.Digest(hashOf(row.Tenant, p.pseudonym)),
		}),
	})
	return err
}
