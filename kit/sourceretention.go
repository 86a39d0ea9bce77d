package kit

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/retention"
	"github.com/trothdev/troth/rights"
)

// retentionSource is everything that the host's policy keeps, as a source. It is called
// outside of a transaction, as what is elsewhere: it puts the erasure on record and sweeps,
// each record in a transaction of its own.
func (k *Kit) retentionSource() rights.Source {
	s := retentionSource{k}
	return rights.Source{
		Name: retentionName, Title: "Records under the retention policy", Order: rights.Remote,
		For: []rights.Right{rights.Erase}, Records: k.Keeper.RecordTypes(), Locator: s, Eraser: s, Prober: s,
	}
}

const retentionName = "troth.retention"

// wake has the desk look at a request again of which the Keeper destroyed something: what it
// could not destroy at once, since a hold kept it, or a process had it in its hands that died.
func (k *Kit) wake(ctx context.Context, tenant troth.Tenant, request string) error {
	if k.Rights == nil {
		return nil // it is not made yet; the next one tells
	}
	err := k.Rights.Wake(troth.WithActor(ctx, self), tenant, request, retentionName)
	if _, strange := errors.AsType[*troth.IdentifierError](err); strange {
		return nil // the host granted it by itself, and not for the desk
	}
	return err
}

type retentionSource struct{ k *Kit }

// Locate counts the person's records, page after page, for who looks before it is approved.
// What holds keep of them shows when it is carried out.
func (s retentionSource) Locate(ctx context.Context, q rights.Inquiry) (found rights.Located, err error) {
	if q.SubjectID == "" {
		return found, nil
	}
	const page = 500
	after := retention.RecordKey{Tenant: q.Tenant}
	for {
		rows, err := s.k.records.RecordsOf(ctx, after, retention.Many{Scope: retention.OfSubject, ID: q.SubjectID}, page)
		if err != nil {
			return found, fmt.Errorf("kit: count records: %w", err)
		}
		found.Records += uint64(len(rows))
		if len(rows) < page {
			return found, nil
		}
		after = rows[len(rows)-1].RecordKey
	}
}

// Erase grants the erasure once, and does what can be done of it now.
func (s retentionSource) Erase(ctx context.Context, q rights.Inquiry) (rights.Report, error) {
	if q.SubjectID == "" {
		return nothing(), nil
	}
	err := s.k.Keeper.GrantErasure(troth.WithActor(ctx, self), retention.ErasureGrant{
		Tenant: q.Tenant, Request: q.Request, SubjectID: q.SubjectID,
	})
	if err != nil {
		return rights.Report{}, err
	}
	_, err = s.k.Keeper.Sweep(ctx)
	if _, waits := errors.AsType[*retention.ApprovalError](err); err != nil && !waits {
		return rights.Report{}, err
	}
	return s.Probe(ctx, q)
}

// Probe tells what became of it.
func (s retentionSource) Probe(ctx context.Context, q rights.Inquiry) (rights.Report, error) {
	e, err := s.k.Keeper.Erasure(ctx, q.Tenant, q.Request)
	if err != nil {
		return rights.Report{}, err
	}
	r := rights.Report{
		Outcome: rights.Done, Method: rights.Deleted, Records: uint64(e.Destroyed + e.Anonymised), CopiesUntil: e.GoneBy,
		Asked: []string{bySubject},
	}
	for _, h := range e.Held {
		r.Kept = append(r.Kept, rights.Kept{
			Basis: rights.LegalClaims, Records: uint64(h.Records), Review: h.Review,
			Cite: "Regulation (EU) 2016/679, Art. 17(3)(e)",
		})
	}
	for _, o := range e.Obliged {
		kept := rights.Kept{Basis: rights.LegalObligation, Records: uint64(o.Records), Cite: o.Cite, Until: o.Until}
		if o.Open || kept.Until.IsZero() {
			kept.Until, kept.Review = time.Time{}, s.k.now().AddDate(1, 0, 0)
		}
		r.Kept = append(r.Kept, kept)
	}
	switch {
	case e.Open+e.Unknown > 0:
		r.Outcome, r.Kept = rights.Pending, nil
	case len(r.Kept) > 0:
		r.Outcome = rights.Retained
	case r.Records == 0:
		return nothing(), nil
	}
	return r, nil
}
