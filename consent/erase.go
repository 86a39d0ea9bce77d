package consent

import (
	"context"
	"fmt"
	"slices"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/clearance"
)

// Erasure tells what erasing a person did.
type Erasure struct {
	// Events is of how many events the content is gone.
	Events int
	// KeepUntil is how long the proof stays, under a pseudonym.
	KeepUntil int64
	// Already says that there was nothing left to erase.
	Already bool
}

// Erase destroys the content of a person's events at once and takes their id out
// of them. What is left is the proof: what was asked, shown and said, when and
// how, under a pseudonym, for the period of [WithProofPeriod], so that the
// controller can still demonstrate the consent (GDPR Article 7(1) and 17(3)(e)).
// [Ledger.Sweep] destroys that when its time is over. Devices that were linked to
// the person are erased with them. Nothing is allowed for an erased id ever after,
// and nothing recorded under it.
//
// Both go through the disposer of [WithDisposer]. The ground, in the host's words,
// is recorded.
func (l *Ledger) Erase(ctx context.Context, who troth.Subject, ground string) (Erasure, error) {
	if err := who.Validate(); err != nil {
		return Erasure{}, err
	}
	if err := troth.Purpose(ground).Validate(); err != nil {
		return Erasure{}, identifierError("ground", err)
	}
	d, err := l.tenant(ctx, who.Tenant)
	if err != nil {
		return Erasure{}, err
	}
	var done Erasure
	var touched []troth.Subject
	ref := troth.DisposalRef{Tenant: who.Tenant, Kind: DisposeContent, ID: who.ID}
	err = l.dispose(ctx, ref, ground, func(ctx context.Context, p troth.Permit) (err error) {
		done, touched, err = l.eraseAll(ctx, d, p, who, ground)
		return err
	})
	for _, t := range touched {
		l.settleEnded(t)
	}
	if err != nil {
		return Erasure{}, err
	}
	return done, nil
}

// eraseAll erases a person, and, each with leave of its own, the devices that are
// theirs: all or none.
func (l *Ledger) eraseAll(ctx context.Context, d *tenantData, p troth.Permit, who troth.Subject, ground string) (Erasure, []troth.Subject, error) {
	var touched []troth.Subject
	links, err := l.store.Links(ctx, who.Tenant, who.ID)
	if err != nil {
		return Erasure{}, nil, fmt.Errorf("consent: read links: %w", err)
	}
	ids := []string{who.ID}
	for _, k := range links {
		if !reserved(k.Device) {
			ids = append(ids, k.Device)
		}
	}
	slices.Sort(ids) // locks are taken in the order of ids
	sum := Erasure{Already: true}
	for _, id := range ids {
		s := troth.Subject{Tenant: who.Tenant, ID: id}
		var one Erasure
		if id == who.ID {
			one, err = l.erase(ctx, d, p, s)
		} else {
			ref := troth.DisposalRef{Tenant: who.Tenant, Kind: DisposeContent, ID: id}
			err = l.dispose(ctx, ref, ground, func(ctx context.Context, p troth.Permit) (err error) {
				one, err = l.erase(ctx, d, p, s)
				return err
			})
		}
		if err != nil {
			return Erasure{}, touched, err
		}
		touched = append(touched, s)
		sum.Events += one.Events
		sum.KeepUntil = max(sum.KeepUntil, one.KeepUntil)
		sum.Already = sum.Already && one.Already
	}
	return sum, touched, nil
}

func (l *Ledger) erase(ctx context.Context, d *tenantData, p troth.Permit, who troth.Subject) (Erasure, error) {
	_, found, err := l.store.Person(ctx, who.Tenant, who.ID)
	if err != nil {
		return Erasure{}, fmt.Errorf("consent: read person: %w", err)
	}
	if !found {
		return Erasure{Already: true}, nil
	}
	w, err := l.lock(ctx, d, who)
	if err != nil {
		return Erasure{}, err
	}
	done := Erasure{KeepUntil: after(w.now, l.opt.proof)}
	if done.Events, err = l.store.EraseContent(ctx, who.Tenant, who.ID); err != nil {
		return Erasure{}, fmt.Errorf("consent: erase content: %w", err)
	}
	// Before the id goes: who is behind the entry must still be found.
	_, err = l.record(ctx, troth.Entry{
		Act: actErase, Tenant: who.Tenant, SubjectID: who.ID,
		Facts: clearance.Facts(p, troth.Facts{
			"events": troth.Count(done.Events), "person": troth.Digest(hashOf(who.Tenant, w.person.pseudonym)),
			"until": troth.Instant(instant(done.KeepUntil)), "basis": troth.Word(l.opt.proofBasis),
		}),
	})
	if err != nil {
		return Erasure{}, err
	}
	if err := w.move(ctx, done.KeepUntil); err != nil {
		return Erasure{}, err
	}
	if l.opt.shredder != nil {
		if err := l.opt.shredder(ctx, p, who, ContentCompartment); err != nil {
			return Erasure{}, fmt.Errorf("consent: shred content: %w", err)
		}
	}
	if err := l.raise(ctx, who.Tenant, who.ID); err != nil {
		return Erasure{}, err
	}
	w.denyAll()
	l.pendings.add(&pending{who: who, scope: l.tx.Scope(ctx), nos: w.nos, until: l.mono() + int64(pendingLife)})
	l.cache.evict(who)
	return done, nil
}

// denyAll denies at once everything that the person had a state about.
func (w *writing) denyAll() {
	for _, s := range w.states {
		w.nos = append(w.nos, no{purpose: s.purpose, reason: ReasonUnknown, given: 0})
	}
}

// move puts a pseudonym in the place of a person's id.
func (w *writing) move(ctx context.Context, keepUntil int64) error {
	mark, err := w.l.markOfErased(ctx, w.who)
	if err != nil {
		return err
	}
	sealed, err := w.l.sealID(ctx, w.who, w.person.pseudonym)
	if err != nil {
		return err
	}
	to := erasedID(w.person.pseudonym)
	w.person.clock, w.person.erasedAt, w.person.keepUntil, w.person.id = w.now, w.now, keepUntil, sealed
	err = w.l.store.MovePerson(ctx, MovePerson{
		Tenant: w.who.Tenant, From: w.who.ID, To: to, Mark: mark,
		Record: w.d.key.seal(personTable, to, "", w.person.append(nil)),
	})
	if err == nil {
		err = w.l.store.PutDue(ctx, DueRow{
			Tenant: w.who.Tenant, SubjectID: to, Kind: DueProof, Ref: hexOf(w.person.pseudonym[:]), At: keepUntil,
		})
	}
	if err != nil {
		return fmt.Errorf("consent: move person: %w", err)
	}
	return nil
}
