package vault

import (
	"context"
	"crypto/hmac"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/canon"
)

const (
	controlInfo       = "troth.vault.control/1"
	restrictionDomain = "troth.vault.restriction/1"
	grantDomain       = "troth.vault.grant/1"
	markDomain        = "troth.vault.mark/1"
)

// controlMAC authenticates a control row of a tenant, under a key of the
// tenant's index root that nothing else uses: the database does not hold it.
func (v *Vault) controlMAC(ctx context.Context, tenant troth.Tenant, message []byte) (mac [32]byte, err error) {
	key, err := v.derive(ctx, controlInfo, troth.KeyRef{Tenant: tenant, Use: "vault.control", ID: "1"})
	if err != nil {
		return mac, err
	}
	return key.mac(message), nil
}

func restrictionMessage(r *RestrictionRow) []byte {
	b := canon.AppendDomain(nil, restrictionDomain)
	b = canon.AppendText(b, r.Tenant)
	b = canon.AppendText(b, r.SubjectID)
	b = canon.AppendBytes(b, r.ID[:])
	b = canon.AppendList(b, len(r.Except))
	for _, p := range r.Except {
		b = canon.AppendText(b, p)
	}
	b = canon.AppendText(b, r.Ground)
	b = canon.AppendInt(b, r.At)
	b = canon.AppendInt(b, r.LiftedAt)
	b = canon.AppendBytes(b, r.Grant[:])
	return canon.AppendBytes(b, r.LiftedBy[:])
}

func grantMessage(g *GrantRow) []byte {
	b := canon.AppendDomain(nil, grantDomain)
	b = canon.AppendText(b, g.Tenant)
	b = canon.AppendText(b, g.SubjectID)
	b = canon.AppendBytes(b, g.ID[:])
	b = canon.AppendBytes(b, g.Restriction[:])
	b = canon.AppendText(b, g.Ground)
	b = canon.AppendInt(b, g.Announced)
	return canon.AppendInt(b, g.At)
}

// authenticRestriction reports whether a vault wrote the row as it is.
func (v *Vault) authenticRestriction(ctx context.Context, r *RestrictionRow) (bool, error) {
	return v.authentic(ctx, r.Tenant, restrictionMessage(r), &r.MAC)
}

// authenticGrant reports whether a vault wrote the row as it is.
func (v *Vault) authenticGrant(ctx context.Context, g *GrantRow) (bool, error) {
	return v.authentic(ctx, g.Tenant, grantMessage(g), &g.MAC)
}

// authentic makes no root: where there is none, nothing was authenticated. It
// returns [ErrShredded] for a tenant that was shredded, whose rows nobody can
// tell any more.
func (v *Vault) authentic(ctx context.Context, tenant troth.Tenant, message []byte, mac *[32]byte) (bool, error) {
	r, err := v.root(ctx, rootName{tenant: tenant, lineage: IndexLineage, epoch: newest})
	if err != nil {
		return false, err
	}
	if r == nil {
		state, err := v.store.Person(ctx, tenant, "")
		if err == nil && state.TenantShredded {
			err = ErrShredded
		}
		return false, err
	}
	want, err := v.controlMAC(ctx, tenant, message)
	return hmac.Equal(want[:], mac[:]), err
}
