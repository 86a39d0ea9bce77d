package vault

import (
	"context"
	"fmt"
	"time"

	"github.com/trothdev/troth"
)

// Lift ends the restriction that the grant is about. Of the grant no more than
// Tenant and Entry count: the rest is read, and held against the MAC that
// [Vault.Grant] made.
//
// Flags, fence and evidence commit together, in the caller's transaction if the
// context carries one. What is lifted is allowed only once that is committed:
// until then this process goes on refusing, inside the transaction too, and
// other processes may do so for the bound of [WithFenceAge].
//
// It returns [ErrGrant] if there is no such grant or the restriction is lifted
// already, a *[ForgedError] for one that no vault wrote, and [ErrUnannounced]
// while the person has not been told yet (GDPR Article 18(3)).
func (v *Vault) Lift(ctx context.Context, g Grant) (Restricted, error) {
	if err := g.Tenant.Validate(); err != nil {
		return Restricted{}, err
	}
	if err := v.admits(); err != nil {
		return Restricted{}, err
	}
	if _, err := troth.ActorFrom(ctx); err != nil {
		return Restricted{}, err
	}
	row, err := v.usableGrant(ctx, g)
	if err != nil {
		return Restricted{}, err
	}
	first, err := v.prepareReflag(ctx, row.Tenant, row.SubjectID)
	if err != nil {
		return Restricted{}, err
	}
	s, err := v.newScribe(ctx)
	if err != nil {
		return Restricted{}, err
	}
	var done Restricted
	err = v.changing(ctx, row.Tenant, row.SubjectID, func(ctx context.Context) (*rule, error) {
		rows, err := v.lockRestrictions(ctx, row.Tenant, row.SubjectID, first)
		if err != nil {
			return nil, err
		}
		var was *flagged
		if done, was, err = v.lift(ctx, s, row); err != nil {
			return nil, err
		}
		return inForce(rows).with(*was).rule(), nil // as it was
	})
	if err != nil {
		return Restricted{}, err
	}
	return done, nil
}

// usableGrant reads the grant and holds it to its MAC and its announcement.
func (v *Vault) usableGrant(ctx context.Context, g Grant) (*GrantRow, error) {
	row, found, err := v.store.Grant(ctx, g.Tenant, g.Entry)
	if err != nil {
		return nil, fmt.Errorf("vault: read grant: %w", err)
	}
	if !found {
		return nil, fmt.Errorf("%w: there is none of that entry", ErrGrant)
	}
	authentic, err := v.authenticGrant(ctx, &row)
	if err != nil {
		return nil, err
	}
	if !authentic {
		return nil, &ForgedError{Kind: "grant", Entry: row.ID}
	}
	if row.Announced > v.micros() {
		return nil, ErrUnannounced
	}
	return &row, nil
}

// lift does it, inside the transaction that holds the person.
func (v *Vault) lift(ctx context.Context, s *scribe, g *GrantRow) (done Restricted, was *flagged, err error) {
	row, kept, err := v.restrictionInForce(ctx, g)
	if err != nil {
		return done, nil, err
	}
	was = &flagged{id: row.ID, except: row.Except}
	at := v.now()
	row.LiftedAt, row.Grant = at.UnixMicro(), g.ID
	row.LiftedBy, err = v.rec.Record(ctx, troth.Entry{
		Act: actLift, Tenant: g.Tenant, SubjectID: g.SubjectID, Facts: troth.Facts{
			"restriction": troth.ID(row.ID.String()),
			"grant":       troth.ID(g.ID.String()),
			"announced":   troth.Instant(time.UnixMicro(g.Announced)),
		},
	})
	if err != nil {
		return done, nil, fmt.Errorf("vault: record %s: %w", actLift.Name, err)
	}
	if kept {
		if err := v.keepLifted(ctx, row); err != nil {
			return done, nil, err
		}
	}
	keys, err := v.reflag(ctx, g.Tenant, g.SubjectID, func(f flag) flag { return f.without(row.ID) })
	if err != nil {
		return done, nil, err
	}
	if err := v.noteLifted(ctx, s, row); err != nil {
		return done, nil, err
	}
	done = restrictedOf(row)
	done.Keys = keys
	return done, was, v.raise(ctx, g.Tenant, g.SubjectID, at)
}

// keepLifted stores that the restriction is lifted.
func (v *Vault) keepLifted(ctx context.Context, row *RestrictionRow) (err error) {
	if row.MAC, err = v.controlMAC(ctx, row.Tenant, restrictionMessage(row)); err != nil {
		return err
	}
	lifted, err := v.store.LiftRestriction(ctx, *row)
	if err == nil && !lifted {
		err = errNotKept
	}
	if err != nil {
		return fmt.Errorf("vault: lift restriction: %w", err)
	}
	return nil
}
