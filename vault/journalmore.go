package vault

import (
	"context"

	"github.com/trothdev/troth"
)

// noteRetired puts down that one generation was let go.
func (v *Vault) noteRetired(ctx context.Context, s *scribe, r *Receipt, at int64) error {
	t := r.Target
	return v.noteLine(ctx, s, t.Tenant, func() (erasure, error) {
		return erasure{
			entry: r.Entry, at: at, scope: generationScope, name: s.names.person(t.Tenant, t.SubjectID),
			parts: s.names.compartments(t.Tenant, t.SubjectID, t.Compartments), digest: r.digest(),
		}, nil
	})
}

// noteLeft puts down that keys are about to leave: those of a person's
// compartments, or a tenant's.
func (v *Vault) noteLeft(ctx context.Context, s *scribe, t Target, entry troth.EntryID, at int64) error {
	return v.noteLine(ctx, s, t.Tenant, func() (erasure, error) {
		e := erasure{entry: entry, at: at, scope: exportScope}
		if t.SubjectID == "" {
			e.name = s.names.tenant(t.Tenant)
			return e, nil
		}
		e.name = s.names.person(t.Tenant, t.SubjectID)
		e.parts = s.names.compartments(t.Tenant, t.SubjectID, t.Compartments)
		return e, nil
	})
}

// noteRestricted puts down that a person is restricted. The line does not say for
// which purposes the data opens all the same: after a restore it is for none.
func (v *Vault) noteRestricted(ctx context.Context, s *scribe, r *RestrictionRow) error {
	return v.noteLine(ctx, s, r.Tenant, func() (erasure, error) {
		return erasure{entry: r.ID, at: r.At, scope: restrictScope, name: s.names.person(r.Tenant, r.SubjectID)}, nil
	})
}

// noteLifted puts down that a restriction ended.
func (v *Vault) noteLifted(ctx context.Context, s *scribe, r *RestrictionRow) error {
	return v.noteLine(ctx, s, r.Tenant, func() (erasure, error) {
		e := erasure{entry: r.LiftedBy, at: r.LiftedAt, scope: liftScope, name: s.names.person(r.Tenant, r.SubjectID)}
		copy(e.digest[:], r.ID[:])
		return e, nil
	})
}
