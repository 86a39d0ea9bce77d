package audit

import (
	"context"
	"fmt"

	"github.com/trothdev/troth"
)

// PartRef names a part of the payload of an entry, and whom it concerns: the
// trail knows people by pseudonym only, and their keys are found by id.
type PartRef struct {
	Tenant troth.Tenant
	Entry  troth.EntryID
	// Part is its position, from 0.
	Part int
	// SubjectID is the person under Tenant.
	SubjectID string
}

// OpenPart returns the content of a part, for a purpose. It is held to what the
// entry commits to first, and then opened by the sealer, under whose rules: the
// opening is on record before the content is returned.
//
// It returns [ErrNoEntry] and [ErrNoPart] where there is none, [ErrPart] for one
// that was changed, or removed without an entry that tells of it,
// [ErrOtherSubject] where the trail knows that the part concerns somebody else,
// and a *[PartGoneError] for what was dropped or erased. Errors of the sealer
// are wrapped.
func (t *Trail) OpenPart(ctx context.Context, ref PartRef, p troth.Purpose) ([]byte, error) {
	s := troth.Subject{Tenant: ref.Tenant, ID: ref.SubjectID}
	if err := s.Validate(); err != nil {
		return nil, err
	}
	if err := p.Validate(); err != nil {
		return nil, err
	}
	row, err := t.partRow(ctx, ref)
	if err != nil {
		return nil, err
	}
	ps, known, err := t.Pseudonym(ctx, s)
	if err != nil {
		return nil, err
	}
	// Who is not known may have been forgotten; the sealer decides then.
	if known && ps != row.Subject {
		return nil, ErrOtherSubject
	}
	content, err := t.sealer.Open(ctx, nil, partPlace(s, row), p, row.Box)
	if isShredded(err) {
		return nil, t.erased(ctx, ref.Tenant, row, err)
	}
	if err != nil {
		return nil, fmt.Errorf("audit: open part: %w", err)
	}
	return content, nil
}

// partRow finds the row and holds it to the entry.
func (t *Trail) partRow(ctx context.Context, ref PartRef) (PartRow, error) {
	at, rows, err := t.parts(ctx, ref.Tenant, ref.Entry)
	if err != nil {
		return PartRow{}, err
	}
	for _, r := range rows {
		if r.Part != ref.Part {
			continue
		}
		p, err := t.partHolds(ctx, ref.Tenant, at, r)
		if err == nil && p.Withheld() {
			err = t.erased(ctx, ref.Tenant, r, nil)
		}
		return r, err
	}
	if ref.Part >= 0 && ref.Part < len(at.env.Commitments) {
		return PartRow{}, ErrPart
	}
	return PartRow{}, ErrNoPart
}

// erased returns the error for a part whose key is gone.
func (t *Trail) erased(ctx context.Context, tenant troth.Tenant, r PartRow, cause error) error {
	by, err := t.erasedBy(ctx, tenant, r)
	if err != nil {
		return err
	}
	return &PartGoneError{By: by, Erased: true, Err: cause}
}
