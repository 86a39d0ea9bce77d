package vault

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/trothdev/troth"
)

// Restrict restricts a person's data: from now on it opens for the excepted
// purposes only, in every compartment, also in those that are used later; a
// person of whom nothing was sealed yet is restricted all the same. Opening for
// another purpose is a *[RestrictedError]. Sealing goes on. What links the person
// to the pseudonym on the trail is not restricted: it serves evidence alone.
//
// A person may be under several restrictions. Then a purpose must be excepted by
// all of them, and each is lifted by itself. One that is in force with the same
// exceptions and the same ground is found and not made again, so that trying
// again after an error makes one; where two must be told apart, give them
// different grounds.
//
// Flags, fence and evidence commit together, in the caller's transaction if the
// context carries one. From the moment that Restrict returns this process
// refuses; if the transaction is rolled back the data opens as before. Other
// processes follow within the bound of [WithFenceAge]. Shredding goes before:
// whoever is restricted can be shredded.
//
// It returns [ErrShredded] for a tenant that was shredded, [ErrRestriction] if
// there are too many exceptions or restrictions, and [ErrKEK] where the key-encryption
// key is needed and fails: then nothing is restricted, and the caller must try
// again.
func (v *Vault) Restrict(ctx context.Context, r Restriction) (Restricted, error) {
	if err := r.validate(); err != nil {
		return Restricted{}, err
	}
	if err := v.admits(); err != nil {
		return Restricted{}, err
	}
	if _, err := troth.ActorFrom(ctx); err != nil {
		return Restricted{}, err
	}
	r.Except = normal(r.Except)
	first, err := v.prepareReflag(ctx, r.Tenant, r.SubjectID)
	if err != nil {
		return Restricted{}, err
	}
	s, err := v.newScribe(ctx)
	if err != nil {
		return Restricted{}, err
	}
	var done Restricted
	err = v.changing(ctx, r.Tenant, r.SubjectID, func(ctx context.Context) (*rule, error) {
		var err error
		if done, err = v.restrict(ctx, s, r, first); err != nil {
			return nil, err
		}
		return &rule{r.Except}, nil
	})
	if err != nil {
		return Restricted{}, err
	}
	return done, nil
}

// changing runs what changes a person's restrictions in a transaction. Until its
// end is known this process lets nothing through that the returned rule forbids.
func (v *Vault) changing(ctx context.Context, tenant troth.Tenant, subjectID string, change func(ctx context.Context) (*rule, error)) error {
	var denied *pending
	err := v.tx.Atomically(ctx, func(ctx context.Context) error {
		left, err := change(ctx)
		if err != nil || left == nil {
			return err
		}
		denied = &pending{
			name: KeyName{Tenant: tenant, SubjectID: subjectID}, except: []troth.Compartment{troth.PseudonymCompartment},
			rule: left, scope: v.tx.Scope(ctx),
		}
		v.pendings.add(denied)
		v.forget(denied.name)
		return nil
	})
	if denied != nil {
		denied.acted.Store(true)
		v.settleKnown(denied)
	}
	return err
}

// restrict does it, inside the transaction.
func (v *Vault) restrict(ctx context.Context, s *scribe, r Restriction, first *RootRow) (Restricted, error) {
	rows, err := v.lockRestrictions(ctx, r.Tenant, r.SubjectID, first)
	if err != nil {
		return Restricted{}, err
	}
	for i := range rows {
		if rows[i].LiftedAt == 0 && rows[i].Ground == r.Ground && slices.Equal(rows[i].Except, r.Except) {
			found := restrictedOf(&rows[i])
			found.Already = true
			return found, nil
		}
	}
	at := v.now()
	row := RestrictionRow{Tenant: r.Tenant, SubjectID: r.SubjectID, Except: r.Except, Ground: r.Ground, At: at.UnixMicro()}
	f := append(inForce(rows), flagged{except: r.Except})
	if len(f) > maxRestrictions || len(f.encode()) > maxFlag {
		return Restricted{}, fmt.Errorf("%w: too many are in force", ErrRestriction)
	}
	if row.ID, err = v.tellRestriction(ctx, r); err != nil {
		return Restricted{}, err
	}
	if row.MAC, err = v.controlMAC(ctx, row.Tenant, restrictionMessage(&row)); err != nil {
		return Restricted{}, err
	}
	inserted, err := v.store.InsertRestriction(ctx, row)
	if err == nil && !inserted {
		err = errNotKept
	}
	if err != nil {
		return Restricted{}, fmt.Errorf("vault: insert restriction: %w", err)
	}
	keys, err := v.reflag(ctx, r.Tenant, r.SubjectID, func(f flag) flag {
		return f.with(flagged{id: row.ID, except: row.Except})
	})
	if err != nil {
		return Restricted{}, err
	}
	if err := v.noteRestricted(ctx, s, &row); err != nil {
		return Restricted{}, err
	}
	done := restrictedOf(&row)
	done.Keys = keys
	return done, v.raise(ctx, r.Tenant, r.SubjectID, at)
}

// lockRestrictions keeps others from changing the person's restrictions, or
// making keys, and returns what there is. Roots come before people, as where
// keys are made, or the two would wait for each other.
func (v *Vault) lockRestrictions(ctx context.Context, tenant troth.Tenant, subjectID string, first *RootRow) ([]RestrictionRow, error) {
	if _, err := v.ensureRoot(ctx, tenant, WrapLineage, first); err != nil {
		return nil, err
	}
	if _, err := v.controlMAC(ctx, tenant, nil); err != nil {
		return nil, err
	}
	state, err := v.store.LockPerson(ctx, tenant, subjectID, Exclusive)
	if err != nil {
		return nil, fmt.Errorf("vault: lock person: %w", err)
	}
	if state.TenantShredded {
		return nil, ErrShredded
	}
	rows, _, err := v.restrictionsOf(ctx, tenant, subjectID)
	return rows, err
}

func (v *Vault) tellRestriction(ctx context.Context, r Restriction) (troth.EntryID, error) {
	facts := troth.Facts{"ground": troth.Word(r.Ground)}
	if len(r.Except) > 0 {
		facts["except"] = troth.Words(r.Except...)
	}
	id, err := v.rec.Record(ctx, troth.Entry{Act: actRestrict, Tenant: r.Tenant, SubjectID: r.SubjectID, Facts: facts})
	if err != nil {
		return id, fmt.Errorf("vault: record %s: %w", actRestrict.Name, err)
	}
	return id, nil
}

// raise tells other processes to read the person's keys again.
func (v *Vault) raise(ctx context.Context, tenant troth.Tenant, subjectID string, at time.Time) error {
	e := FenceEvent{KeyName: KeyName{Tenant: tenant, SubjectID: subjectID}, At: at.UnixMicro()}
	if err := v.store.RaiseFence(ctx, e); err != nil {
		return fmt.Errorf("vault: raise fence: %w", err)
	}
	return nil
}

// checkRestricting returns an error while a change of restrictions is undecided
// that forbids the purpose, see [Vault.checkPending].
func (v *Vault) checkRestricting(ctx context.Context, name *KeyName, p troth.Purpose) error {
	if v.pendings.count.Load() == 0 {
		return nil
	}
	for _, other := range v.pendings.covering(name) {
		if other.rule != nil && !other.rule.allows(p) && !v.decide(ctx, other) {
			return &RestrictedError{Purpose: p}
		}
	}
	return nil
}
