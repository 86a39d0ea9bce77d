package kit

import (
	"context"
	"errors"
	"fmt"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/retention"
	"github.com/trothdev/troth/rights"
	"github.com/trothdev/troth/vault"
)

// vaultSource is the vault as a source: a person's keys, whatever they seal. They go
// last, so that nobody finds a person's data without being able to read it.
func (k *Kit) vaultSource(c Config) rights.Source {
	s := vaultSource{k, c.Retention != nil}
	return rights.Source{
		Name: "troth.vault", Title: "Keys of sealed data", Order: rights.Identity,
		For:     []rights.Right{rights.Erase, rights.Restrict},
		Locator: s, Eraser: s, Restrictor: s, Prober: s,
	}
}

type vaultSource struct {
	k    *Kit
	kept bool
}

// Locate counts the keys under which the person's data lies.
func (s vaultSource) Locate(ctx context.Context, q rights.Inquiry) (rights.Located, error) {
	if q.SubjectID == "" {
		return rights.Located{}, nil
	}
	n, err := s.live(ctx, q)
	return rights.Located{Records: uint64(n)}, err
}

func (s vaultSource) Erase(ctx context.Context, q rights.Inquiry) (rights.Report, error) {
	if q.SubjectID == "" {
		return nothing(), nil
	}
	target := vault.Target{Tenant: q.Tenant, SubjectID: q.SubjectID}
	var receipt vault.Receipt
	shred := func(ctx context.Context, p troth.Permit) (err error) {
		receipt, err = s.k.Vault.Shred(ctx, p, target)
		return err
	}
	var err error
	if s.kept {
		err = s.k.Keeper.Permit(ctx, retention.Leave{
			Ref: troth.PermitRef{Tenant: string(q.Tenant), Subject: q.SubjectID}, SubjectID: q.SubjectID, Ground: erasureGround,
		}, shred)
	} else {
		err = shred(ctx, troth.UnmanagedPermit(erasureGround))
	}
	if _, held := errors.AsType[*retention.HeldError](err); held {
		live, countErr := s.live(ctx, q)
		if countErr != nil {
			return rights.Report{}, countErr
		}
		return s.k.orHeld(ctx, q.Tenant, err, live)
	}
	if err != nil {
		return rights.Report{}, err
	}
	return s.report(ctx, receipt)
}

// live is how many keys of the person's would be destroyed: not that of the trail's pseudonym,
// which outlives them.
func (s vaultSource) live(ctx context.Context, q rights.Inquiry) (n int, err error) {
	rows, err := s.k.keys.PersonKeys(ctx, q.Tenant, q.SubjectID)
	if err != nil {
		return 0, fmt.Errorf("kit: count keys: %w", err)
	}
	for i := range rows {
		if rows[i].ShreddedAt == 0 && rows[i].Compartment != troth.PseudonymCompartment {
			n++
		}
	}
	return n, nil
}

// report says what became of the keys, and until when older copies of the database open
// with them. Where that cannot be said yet, somebody is to look again.
func (s vaultSource) report(ctx context.Context, r vault.Receipt) (rights.Report, error) {
	h, err := s.k.Vault.Horizon(ctx, r)
	if err != nil {
		return rights.Report{}, err
	}
	said := rights.Report{
		Outcome: rights.Done, Method: rights.KeyDestroyed, Records: uint64(len(r.Keys)), Asked: []string{bySubject},
		CopiesUntil: h.At,
	}
	if h.At.IsZero() || !h.Final && !h.At.After(s.k.now()) {
		said.Outcome = rights.Pending
	}
	return said, nil
}

// Probe asks for the horizon anew: it moves when epochs are retired. A hold that came
// after the keys were destroyed keeps nothing.
func (s vaultSource) Probe(ctx context.Context, q rights.Inquiry) (rights.Report, error) {
	return s.report(ctx, vault.Receipt{Target: vault.Target{Tenant: q.Tenant, SubjectID: q.SubjectID}})
}

// Restrict lets the person's data open for legal claims and for answering them alone.
func (s vaultSource) Restrict(ctx context.Context, q rights.Inquiry) (rights.Report, error) {
	if q.SubjectID == "" {
		return nothing(), nil
	}
	_, err := s.k.Vault.Restrict(ctx, vault.Restriction{
		Tenant: q.Tenant, SubjectID: q.SubjectID, Except: []troth.Purpose{rightsPurpose, "legal-claims"}, Ground: restrictionOf(q),
	})
	if err != nil {
		return rights.Report{}, err
	}
	return rights.Report{Outcome: rights.Done, Method: rights.Restricted, Records: 1}, nil
}

// restrictionOf names a restriction by its request, so that each is lifted by itself.
func restrictionOf(q rights.Inquiry) string { return "rights-request/" + q.Request }

// Lift grants that the request's restriction ends, of which the person was told, and ends it.
func (s vaultSource) Lift(ctx context.Context, q rights.Inquiry, l rights.Lifted) error {
	if q.SubjectID == "" {
		return nil
	}
	all, err := s.k.Vault.Restrictions(ctx, q.Tenant, q.SubjectID)
	if err != nil {
		return err
	}
	for i := range all {
		r := &all[i]
		if r.Ground != restrictionOf(q) || !r.LiftedAt.IsZero() {
			continue
		}
		grant, err := s.k.Vault.Grant(ctx, vault.Grant{
			Tenant: q.Tenant, SubjectID: q.SubjectID, Restriction: r.Entry, Ground: l.Ground, Announced: l.ToldAt,
		})
		if err != nil {
			return err
		}
		if _, err := s.k.Vault.Lift(ctx, grant); err != nil {
			return err
		}
	}
	return nil
}

var _ rights.Prober = vaultSource{}
