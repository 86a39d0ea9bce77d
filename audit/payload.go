package audit

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"slices"

	"github.com/trothdev/troth"
)

// sealing is why the trail looks at the content of a part: to seal it.
const sealing troth.Purpose = "audit-seal"

// concern fills in whom the entry concerns, and seals its parts.
//
// People are taken in the order of their ids, and the parts of each in that of
// their compartments: two transactions that create pseudonyms and keys of the
// same people must not wait for one another.
func (t *Trail) concern(ctx context.Context, e troth.Entry, env *Envelope) ([]PartRow, error) {
	rows := make([]PartRow, len(e.Parts))
	for _, id := range concerned(e) {
		ps, err := t.pseudonym(ctx, person{tenant: e.Tenant, role: asSubject, id: id})
		if err != nil {
			return nil, err
		}
		if id == e.SubjectID {
			env.Subject = ps
		}
		for _, n := range partsAbout(e, id) {
			p := e.Parts[n]
			rows[n] = PartRow{
				Entry: env.ID, Part: n, Name: p.Name, Subject: ps, Compartment: p.Class(),
				RecordedAt: env.RecordedAt.UnixMicro(),
			}
			if err := t.seal(ctx, troth.Subject{Tenant: e.Tenant, ID: id}, p, &rows[n]); err != nil {
				return nil, err
			}
		}
	}
	for _, r := range rows {
		p, _ := r.sealed()
		env.Commitments = append(env.Commitments, p.Commitment())
	}
	return rows, nil
}

// concerned are the ids of the people whom the entry concerns.
func concerned(e troth.Entry) []string {
	var ids []string
	if e.SubjectID != "" {
		ids = append(ids, e.SubjectID)
	}
	for _, p := range e.Parts {
		ids = append(ids, p.About(e))
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// partsAbout are the positions of the parts that concern the person.
func partsAbout(e troth.Entry, id string) []int {
	var at []int
	for n, p := range e.Parts {
		if p.About(e) == id {
			at = append(at, n)
		}
	}
	slices.SortStableFunc(at, func(a, b int) int { return cmp.Compare(e.Parts[a].Class(), e.Parts[b].Class()) })
	return at
}

// seal fills in salt and box. Where the person's key is gone for ever nothing
// is sealed, and the entry commits to that: an act must stay recordable after
// an erasure, and what could no longer be erased must not be kept.
func (t *Trail) seal(ctx context.Context, s troth.Subject, p troth.Part, row *PartRow) error {
	content, err := p.Content.Reveal(sealing)
	if err != nil {
		return err
	}
	box, err := t.sealer.Seal(ctx, nil, partPlace(s, *row), content)
	switch {
	case isShredded(err):
		box = []byte{withheld}
	case err != nil:
		return fmt.Errorf("audit: seal part: %w", err)
	case len(box) < 2:
		return fmt.Errorf("audit: seal part: %w", ErrPart)
	}
	row.Box, row.Salt = box, make([]byte, 32)
	_, _ = rand.Read(row.Salt) // never fails, crypto/rand documents
	return nil
}

func (t *Trail) insertParts(ctx context.Context, tenant troth.Tenant, rows []PartRow) error {
	if len(rows) == 0 {
		return nil
	}
	if err := t.store.InsertParts(ctx, tenant, rows); err != nil {
		return fmt.Errorf("audit: record parts: %w", err)
	}
	return nil
}
