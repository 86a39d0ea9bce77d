package vault

import (
	"context"
	"fmt"
	"time"

	"github.com/trothdev/troth"
)

// Grant is a decision that a restriction may end. Who took it stands on the
// trail: the actor of its entry.
type Grant struct {
	Tenant    troth.Tenant
	SubjectID string
	// Restriction is the Entry of the one that may end.
	Restriction troth.EntryID
	// Ground is why, in the host's words, such as "accuracy-verified". It must
	// not be about a person.
	Ground string
	// Announced is when the person is told that the restriction ends, which must
	// come before it does (GDPR Article 18(3)). It may lie ahead when the
	// decision is taken.
	Announced time.Time

	// Entry is the evidence, and names the grant; At the instant by the
	// service's clock. [Vault.Grant] sets both.
	Entry troth.EntryID
	At    time.Time
}

func (g Grant) validate() error {
	if err := (troth.Subject{Tenant: g.Tenant, ID: g.SubjectID}).Validate(); err != nil {
		return err
	}
	if g.Restriction.IsZero() {
		return fmt.Errorf("%w: it names no restriction", ErrGrant)
	}
	if g.Announced.IsZero() {
		return ErrUnannounced
	}
	return checkGround(g.Ground)
}

func grantOf(row *GrantRow) Grant {
	return Grant{
		Tenant: row.Tenant, SubjectID: row.SubjectID, Restriction: row.Restriction, Ground: row.Ground,
		Announced: time.UnixMicro(row.Announced).UTC(), Entry: row.ID, At: time.UnixMicro(row.At).UTC(),
	}
}

// Grant records the decision of the context's actor that a restriction may end,
// and keeps it for [Vault.Lift]. It lifts nothing. The grant is stored with a MAC
// under a key that the database does not hold.
//
// It returns [ErrGrant] unless the person is under the restriction, and
// [ErrUnannounced] if no instant is given at which the person is told, or one
// from before the restriction.
func (v *Vault) Grant(ctx context.Context, g Grant) (Grant, error) {
	if err := g.validate(); err != nil {
		return Grant{}, err
	}
	if err := v.admits(); err != nil {
		return Grant{}, err
	}
	if _, err := v.controlMAC(ctx, g.Tenant, nil); err != nil { // asks for the root, if need be, before others wait
		return Grant{}, err
	}
	row := GrantRow{
		Tenant: g.Tenant, SubjectID: g.SubjectID, Restriction: g.Restriction, Ground: g.Ground,
		Announced: g.Announced.UnixMicro(), At: v.micros(),
	}
	err := v.tx.Atomically(ctx, func(ctx context.Context) error { return v.grant(ctx, &row) })
	if err != nil {
		return Grant{}, err
	}
	return grantOf(&row), nil
}

func (v *Vault) grant(ctx context.Context, row *GrantRow) error {
	restriction, _, err := v.restrictionInForce(ctx, row)
	if err != nil {
		return err
	}
	if row.Announced < restriction.At {
		return ErrUnannounced
	}
	row.ID, err = v.rec.Record(ctx, troth.Entry{
		Act: actGrant, Tenant: row.Tenant, SubjectID: row.SubjectID, Facts: troth.Facts{
			"restriction": troth.ID(row.Restriction.String()),
			"ground":      troth.Word(row.Ground),
			"announced":   troth.Instant(time.UnixMicro(row.Announced)),
		},
	})
	if err != nil {
		return fmt.Errorf("vault: record %s: %w", actGrant.Name, err)
	}
	if row.MAC, err = v.controlMAC(ctx, row.Tenant, grantMessage(row)); err != nil {
		return err
	}
	inserted, err := v.store.InsertGrant(ctx, *row)
	if err == nil && !inserted {
		err = errNotKept
	}
	if err != nil {
		return fmt.Errorf("vault: insert grant: %w", err)
	}
	return nil
}

// restrictionInForce returns the restriction that the grant is about. kept is
// false for one that keys carry and of which there is no row, as after a restore
// of newer keys: it is no less in force, and must be liftable.
func (v *Vault) restrictionInForce(ctx context.Context, g *GrantRow) (r *RestrictionRow, kept bool, err error) {
	row, found, err := v.store.Restriction(ctx, g.Tenant, g.Restriction)
	if err != nil {
		return nil, false, fmt.Errorf("vault: read restriction: %w", err)
	}
	if !found {
		row, err = v.carried(ctx, g)
		return &row, false, err
	}
	if row.SubjectID != g.SubjectID {
		return nil, false, errNotUnder
	}
	authentic, err := v.authenticRestriction(ctx, &row)
	if err != nil {
		return nil, false, err
	}
	if !authentic {
		return nil, false, &ForgedError{Kind: "restriction", Entry: row.ID}
	}
	if row.LiftedAt != 0 {
		return nil, false, fmt.Errorf("%w: the restriction is lifted", ErrGrant)
	}
	return &row, true, nil
}

var errNotUnder = fmt.Errorf("%w: the person is not under that restriction", ErrGrant)

// carried finds a restriction of which there is no row in the person's keys.
func (v *Vault) carried(ctx context.Context, g *GrantRow) (RestrictionRow, error) {
	rows, err := v.store.PersonKeys(ctx, g.Tenant, g.SubjectID)
	if err != nil {
		return RestrictionRow{}, fmt.Errorf("vault: read keys: %w", err)
	}
	for i := range rows {
		f, err := parseFlag(rows[i].Flag)
		if err != nil || !restrictable(&rows[i]) {
			continue
		}
		if at := f.index(g.Restriction); at >= 0 {
			return RestrictionRow{Tenant: g.Tenant, SubjectID: g.SubjectID, ID: g.Restriction, Except: f[at].except}, nil
		}
	}
	return RestrictionRow{}, errNotUnder
}

// Grants returns the grants about a person in the order in which they were made,
// used ones included. It returns a *[ForgedError] beside those that a vault
// wrote, if there is one that none did.
func (v *Vault) Grants(ctx context.Context, tenant troth.Tenant, subjectID string) ([]Grant, error) {
	if err := (troth.Subject{Tenant: tenant, ID: subjectID}).Validate(); err != nil {
		return nil, err
	}
	rows, err := v.store.Grants(ctx, tenant, subjectID)
	if err != nil {
		return nil, fmt.Errorf("vault: read grants: %w", err)
	}
	var found []Grant
	var forged error
	for i := range rows {
		authentic, err := v.authenticGrant(ctx, &rows[i])
		if err != nil {
			return nil, err
		}
		if !authentic {
			forged = &ForgedError{Kind: "grant", Entry: rows[i].ID}
			continue
		}
		found = append(found, grantOf(&rows[i]))
	}
	return found, forged
}
