package kit

import (
	"context"
	"errors"
	"time"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/retention"
	"github.com/trothdev/troth/rights"
)

const (
	// rightsPurpose is why the desk's sources open what they hold.
	rightsPurpose troth.Purpose = "rights-request"
	// erasureGround is why they destroy.
	erasureGround = "erasure-request"
	// bySubject is the kind of identifier that the parts know people by.
	bySubject = "subject"
)

// nothing is what a part reports that does not know the person.
func nothing() rights.Report {
	return rights.Report{Outcome: rights.NothingFound, Asked: []string{bySubject}}
}

// keptBy is what a part reports of which a legal hold keeps records.
func (k *Kit) keptBy(ctx context.Context, tenant troth.Tenant, held *retention.HeldError, records uint64) (rights.Report, error) {
	all, err := k.Keeper.Holds(ctx, tenant)
	if err != nil {
		return rights.Report{}, err
	}
	review := time.Time{}
	for _, h := range all {
		if h.ID == held.Hold {
			review = h.Review
		}
	}
	if review.IsZero() {
		return rights.Report{}, held // it was released meanwhile: to be tried again
	}
	return rights.Report{Outcome: rights.Retained, Asked: []string{bySubject}, Kept: []rights.Kept{{
		Basis: rights.LegalClaims, Records: records, Review: review, Cite: "Regulation (EU) 2016/679, Art. 17(3)(e)",
	}}}, nil
}

// orHeld makes of a refusal because of a hold the report of what is kept; where there is
// nothing, a hold keeps nothing.
func (k *Kit) orHeld(ctx context.Context, tenant troth.Tenant, err error, records int) (rights.Report, error) {
	if held, ok := errors.AsType[*retention.HeldError](err); ok {
		if records == 0 {
			return nothing(), nil
		}
		return k.keptBy(ctx, tenant, held, uint64(records))
	}
	return rights.Report{}, err
}
