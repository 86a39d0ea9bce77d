package audit

import (
	"context"
	"errors"
	"slices"

	"github.com/trothdev/troth"
)

// PartGoneError says that a part of a payload is gone for ever, and which entry
// tells why.
type PartGoneError struct {
	// By is the entry that tells of it; zero if none is found, as where the
	// pseudonym under which it names the person is another one by now, or where it
	// stood in a later log and was pruned.
	By troth.EntryID
	// Erased says that the key was shredded; else the part itself was dropped.
	Erased bool
	// Err is what the sealer answered, if it was asked.
	Err error
}

func (e *PartGoneError) Error() string {
	verb := "dropped"
	if e.Erased {
		verb = "erased"
	}
	if e.By.IsZero() {
		return "audit: part was " + verb + ", by an entry that is not known"
	}
	return "audit: part was " + verb + " by entry " + e.By.String()
}

func (e *PartGoneError) Unwrap() error { return e.Err }

// erasedBy finds the entry of the shredding by which the compartment of whom
// the pseudonym stands for died; zero if there is none.
func (t *Trail) erasedBy(ctx context.Context, tenant troth.Tenant, r PartRow) (troth.EntryID, error) {
	if by, err := t.shreddedBy(ctx, tenant, r.Subject, r); err != nil || !by.IsZero() {
		return by, err
	}
	return t.shreddedBy(ctx, tenant, Pseudonym{}, r) // with the whole tenant
}

func (t *Trail) shreddedBy(ctx context.Context, tenant troth.Tenant, about Pseudonym, r PartRow) (troth.EntryID, error) {
	for env, err := range t.evidenceOf(ctx, tenant, troth.ShredAct, about) {
		if err != nil {
			return troth.EntryID{}, err
		}
		if shreds(env, r) {
			return env.ID, nil
		}
	}
	return troth.EntryID{}, nil
}

// shreds reports whether the shredding that the entry tells of destroyed the
// key of the part.
func shreds(e Envelope, r PartRow) bool {
	if e.Outcome != troth.Done {
		return false
	}
	named := func(fact string) bool { return slices.Contains(e.fact(fact).Words(), string(r.Compartment)) }
	switch e.fact("scope").Text() {
	case "tenant":
		return e.Subject.IsZero()
	case "subject":
		return e.Subject == r.Subject && !named("spared")
	case "compartments":
		return e.Subject == r.Subject && named("compartments")
	}
	return false
}

// fact returns the fact of that name, or the zero Fact.
func (e Envelope) fact(name string) troth.Fact {
	for _, f := range e.Facts {
		if f.Name == name {
			return f.Fact
		}
	}
	return troth.Fact{}
}

// droppedBy returns the entry that tells of the dropping of a part, which the part
// names. It is zero where that stood in a log that was pruned since: at is the
// part's own entry, in a log that was closed before. dropped is false if no entry
// tells of it.
func (t *Trail) droppedBy(ctx context.Context, tenant troth.Tenant, at located, r PartRow) (by troth.EntryID, dropped bool, err error) {
	if r.DroppedBy.IsZero() {
		return by, false, nil
	}
	told, err := t.locate(ctx, tenant, r.DroppedBy)
	if errors.Is(err, ErrNoEntry) && at.row != nil {
		heads, err := t.heads(ctx)
		return by, prunedBehind(heads, at.row.Log), err
	}
	if err != nil {
		return by, false, notThere(err)
	}
	switch act := told.env.Act; {
	case told.env.Outcome != troth.Done:
	case act == actPartsDrop.Name:
		dropped = r.RecordedAt < told.env.fact("before").Number()
	case act == actRedact.Name:
		dropped = told.env.fact("entry").Text() == r.Entry.String()
	}
	return r.DroppedBy, dropped, nil
}

// prunedBehind reports whether the beginning of a later log is gone: that is where
// it was told what became of a log that was closed.
func prunedBehind(heads []Head, log int) bool {
	return slices.ContainsFunc(heads, func(h Head) bool { return h.Log > log && h.Pruned > 0 })
}
