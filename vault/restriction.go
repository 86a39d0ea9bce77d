package vault

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/trothdev/troth"
)

// Restriction keeps a person's data from being used while it stays where it is
// (GDPR Article 18): it opens for the excepted purposes only, such as those that
// Article 18(2) leaves, and sealing goes on, which is storing.
type Restriction struct {
	Tenant    troth.Tenant
	SubjectID string
	// Except are the purposes for which the data still opens, at most 16; if
	// there are none it opens for nothing.
	Except []troth.Purpose
	// Ground is why, in the host's words, such as "accuracy-contested". It must
	// not be about a person.
	Ground string
}

// maxRestrictions bounds how many are in force for a person, and how many
// purposes one of them excepts.
const maxRestrictions = 16

func (r Restriction) validate() error {
	if err := (troth.Subject{Tenant: r.Tenant, ID: r.SubjectID}).Validate(); err != nil {
		return err
	}
	if len(r.Except) > maxRestrictions {
		return fmt.Errorf("%w: more than %d purposes are excepted", ErrRestriction, maxRestrictions)
	}
	for _, p := range r.Except {
		if err := p.Validate(); err != nil {
			return err
		}
	}
	return checkGround(r.Ground)
}

// Restricted is a restriction as it is on record.
type Restricted struct {
	Restriction
	// Entry is the evidence, and names the restriction.
	Entry troth.EntryID
	// At is the instant by the service's clock.
	At time.Time
	// Already says that [Vault.Restrict] found it in force.
	Already bool
	// Keys is how many living keys Restrict put under it.
	Keys int

	// LiftedAt is zero while the restriction is in force. Lifted is the evidence
	// that it was lifted, Grant the grant by which.
	LiftedAt      time.Time
	Lifted, Grant troth.EntryID
}

// normal returns the exceptions sorted, each once.
func normal(ps []troth.Purpose) []troth.Purpose {
	ps = slices.Clone(ps)
	slices.Sort(ps)
	return slices.Compact(ps)
}

func restrictedOf(row *RestrictionRow) Restricted {
	r := Restricted{
		Restriction: Restriction{Tenant: row.Tenant, SubjectID: row.SubjectID, Except: row.Except, Ground: row.Ground},
		Entry:       row.ID, At: time.UnixMicro(row.At).UTC(), Lifted: row.LiftedBy, Grant: row.Grant,
	}
	if row.LiftedAt != 0 {
		r.LiftedAt = time.UnixMicro(row.LiftedAt).UTC()
	}
	return r
}

// Restrictions returns the restrictions of a person, lifted ones included, in
// the order in which they were made. A row that no vault wrote comes as one that
// is in force and excepts nothing, as it is treated, and with a
// *[ForgedError] beside all of them.
func (v *Vault) Restrictions(ctx context.Context, tenant troth.Tenant, subjectID string) ([]Restricted, error) {
	if err := (troth.Subject{Tenant: tenant, ID: subjectID}).Validate(); err != nil {
		return nil, err
	}
	rows, forged, err := v.restrictionsOf(ctx, tenant, subjectID)
	if err != nil {
		return nil, err
	}
	found := make([]Restricted, len(rows))
	for i := range rows {
		found[i] = restrictedOf(&rows[i])
	}
	return found, forged
}

// restrictionsOf reads the restrictions of a person. One that no vault wrote is
// named by forged, and comes as one that is in force and excepts nothing.
func (v *Vault) restrictionsOf(ctx context.Context, tenant troth.Tenant, subjectID string) (rows []RestrictionRow, forged, err error) {
	rows, err = v.store.Restrictions(ctx, tenant, subjectID)
	if err != nil {
		return nil, nil, fmt.Errorf("vault: read restrictions: %w", err)
	}
	for i := range rows {
		authentic, err := v.authenticRestriction(ctx, &rows[i])
		if err != nil {
			return nil, nil, err
		}
		if !authentic {
			id := rows[i].ID
			rows[i] = RestrictionRow{Tenant: tenant, SubjectID: subjectID, ID: id, At: rows[i].At}
			forged = &ForgedError{Kind: "restriction", Entry: id}
		}
	}
	return rows, forged, nil
}

// inForce are the restrictions that are not lifted, as a key carries them.
func inForce(rows []RestrictionRow) flag {
	var f flag
	for i := range rows {
		if rows[i].LiftedAt == 0 {
			f = append(f, flagged{id: rows[i].ID, except: rows[i].Except})
		}
	}
	return f
}

// flagFor returns what a new key of the name must carry, of a person whose state
// is held.
func (v *Vault) flagFor(ctx context.Context, name *KeyName, state PersonState) (flag, error) {
	if state.Restricted <= 0 || name.Compartment == troth.PseudonymCompartment {
		return nil, nil
	}
	rows, _, err := v.restrictionsOf(ctx, name.Tenant, name.SubjectID)
	if err != nil {
		return nil, err
	}
	f := inForce(rows)
	if len(f) < state.Restricted || len(f.encode()) > maxFlag {
		return nil, &ForgedError{Kind: "restriction"} // one is gone, or there are more than can be
	}
	return f, nil
}
