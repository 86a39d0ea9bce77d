package audit

import (
	"context"
	"errors"
	"fmt"

	"github.com/trothdev/troth"
)

// PartState is what became of a part of a payload.
type PartState string

const (
	// PartPresent: sealed, and what the entry commits to.
	PartPresent PartState = "present"
	// PartDropped: salt and sealed bytes were destroyed, by age or with the
	// entry's redaction.
	PartDropped PartState = "dropped"
	// PartErased: the key that it was sealed under was shredded.
	PartErased PartState = "erased"
	// PartDamaged: not what the entry commits to, or gone and no entry tells
	// why. Somebody changed the store.
	PartDamaged PartState = "damaged"
)

// PartInfo tells of one part of a payload without opening it.
type PartInfo struct {
	// Part is its position, from 0.
	Part int
	// Name, Subject and Compartment are those that the entry commits to. Of a
	// dropped part they are only what the store says: what they could be checked
	// with is gone. They are zero if the part is damaged.
	Name        string
	Subject     Pseudonym
	Compartment troth.Compartment
	State       PartState
	// By is the entry that tells why it is dropped or erased; zero if the part
	// is not, if none is found for an erasure, or if it told of a dropping in a
	// later log and was pruned.
	By troth.EntryID
}

// Parts lists the parts of the payload of an entry, in order, and opens none. A
// shredding is found on the trail and not by asking the sealer, who would have to
// be told whom the part concerns; so what was shredded without evidence is
// listed as present, and does not open. Looking for shreddings reads those that
// the tenant's trail tells of.
//
// It returns [ErrNoEntry], or an *[EntryError] for an entry that cannot be read.
func (t *Trail) Parts(ctx context.Context, tenant troth.Tenant, id troth.EntryID) ([]PartInfo, error) {
	if err := tenant.Validate(); err != nil {
		return nil, err
	}
	at, rows, err := t.parts(ctx, tenant, id)
	if err != nil {
		return nil, err
	}
	infos := make([]PartInfo, 0, len(at.env.Commitments))
	for _, r := range rows {
		for len(infos) < r.Part && len(infos) < len(at.env.Commitments) {
			infos = append(infos, PartInfo{Part: len(infos), State: PartDamaged})
		}
		info, err := t.info(ctx, tenant, at, r)
		if err != nil {
			return nil, err
		}
		infos = append(infos, info)
	}
	for len(infos) < len(at.env.Commitments) {
		infos = append(infos, PartInfo{Part: len(infos), State: PartDamaged})
	}
	return infos, nil
}

// parts reads an entry and the rows of its parts.
func (t *Trail) parts(ctx context.Context, tenant troth.Tenant, id troth.EntryID) (located, []PartRow, error) {
	at, err := t.locate(ctx, tenant, id)
	if err != nil {
		return at, nil, err
	}
	rows, err := t.store.Parts(ctx, tenant, id)
	if err != nil {
		return at, nil, fmt.Errorf("audit: find parts: %w", err)
	}
	return at, rows, nil
}

func (t *Trail) info(ctx context.Context, tenant troth.Tenant, at located, r PartRow) (PartInfo, error) {
	info := PartInfo{Part: r.Part, Name: r.Name, Subject: r.Subject, Compartment: r.Compartment}
	_, err := t.partHolds(ctx, tenant, at, r)
	if gone, ok := errors.AsType[*PartGoneError](err); ok {
		info.State, info.By = PartDropped, gone.By
		return info, nil
	}
	if errors.Is(err, ErrPart) {
		return PartInfo{Part: r.Part, State: PartDamaged}, nil
	}
	if err != nil {
		return info, err
	}
	by, err := t.erasedBy(ctx, tenant, r)
	if err != nil {
		return info, err
	}
	info.State, info.By = PartPresent, by
	if p, _ := r.sealed(); !by.IsZero() || p.Withheld() {
		info.State = PartErased
	}
	return info, nil
}

// partHolds holds a row to the entry's commitment. It returns [ErrPart] for one
// that does not fit, and a *[PartGoneError] for one that was dropped.
func (t *Trail) partHolds(ctx context.Context, tenant troth.Tenant, at located, r PartRow) (SealedPart, error) {
	p, ok := r.sealed()
	if !at.redacted() && (r.Part >= len(at.env.Commitments) || r.RecordedAt != at.env.RecordedAt.UnixMicro()) {
		return p, ErrPart
	}
	if ok {
		return p, CheckPart(at.env, r.Part, p)
	}
	by, dropped, err := t.droppedBy(ctx, tenant, at, r)
	if err != nil {
		return p, err
	}
	if !dropped {
		return p, ErrPart
	}
	return p, &PartGoneError{By: by}
}

// notThere makes an entry that is not there, or cannot be believed, no error.
func notThere(err error) error {
	if _, damaged := errors.AsType[*EntryError](err); damaged || errors.Is(err, ErrNoEntry) {
		return nil
	}
	return err
}
