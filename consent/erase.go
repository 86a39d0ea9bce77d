package consent

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/canon"
)

// Kinds of what the ledger destroys, by [troth.DisposalRef].
const (
	// DisposeContent is what goes when a person is erased; ID is their subject id.
	DisposeContent = "consent.content"
	// DisposeProof is the proof of an erased person; ID is their pseudonym.
	DisposeProof = "consent.proof"
	// DisposeRequest is a request that was not confirmed; ID is that of its form.
	DisposeRequest = "consent.request"
)

// PermitFor names in a permit what a disposal is of: a permit that a keeper mints
// for the ledger's disposals is for this.
func PermitFor(ref troth.DisposalRef) troth.PermitRef {
	return troth.PermitRef{Tenant: string(ref.Tenant), Record: ref.Kind + "/" + ref.ID}
}

// dispose destroys with leave: the keeper's, or, where there is none and the host
// said so, without.
func (l *Ledger) dispose(ctx context.Context, ref troth.DisposalRef, ground string, destroy func(ctx context.Context, p troth.Permit) error) error {
	checked := func(ctx context.Context, p troth.Permit) error {
		if err := l.permits(ctx, p, ref); err != nil {
			return err
		}
		return destroy(ctx, p)
	}
	if l.opt.disposer != nil {
		return l.opt.disposer.Dispose(ctx, ref, ground, func(ctx context.Context, p troth.Permit) error {
			if l.tx.Scope(ctx) == nil {
				return troth.ErrNotShared
			}
			return l.tx.Atomically(ctx, func(ctx context.Context) error { return checked(ctx, p) })
		})
	}
	if l.opt.unmanaged == "" {
		return needs("WithDisposer, or Unmanaged, to destroy")
	}
	return l.tx.Atomically(ctx, func(ctx context.Context) error { return checked(ctx, troth.UnmanagedPermit(ground)) })
}

// permits checks the permit inside the transaction that uses it.
func (l *Ledger) permits(ctx context.Context, p troth.Permit, ref troth.DisposalRef) error {
	if p.IsUnmanaged() {
		if l.opt.unmanaged == "" {
			return fmt.Errorf("%w: no keeper minted it, and the ledger was made without consent.Unmanaged", troth.ErrNotPermitted)
		}
		return l.unmanaged(ctx)
	}
	scope := l.tx.Scope(ctx)
	return p.Check(PermitFor(ref), func(minted any) bool {
		s, ok := minted.(*troth.Scope)
		return ok && s != nil && scope.Within(s)
	})
}

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
		done, touched, err = l.eraseAll(ctx, d, p, who)
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

// eraseAll erases a person and the devices that are theirs.
func (l *Ledger) eraseAll(ctx context.Context, d *tenantData, p troth.Permit, who troth.Subject) (Erasure, []troth.Subject, error) {
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
		one, err := l.erase(ctx, d, p, s)
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
		Facts: destroyed(p, troth.Facts{
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

// erasedID is under which id the rows of an erased person stand.
func erasedID(p Pseudonym) string { return "~" + hexOf(p[:]) }

const erasedDomain = "troth.consent.person-id/1"

// sealID keeps an erased person's id under the tenant's key, for the one day when
// the keys of their proof are to be destroyed.
func (l *Ledger) sealID(ctx context.Context, who troth.Subject, p Pseudonym) ([]byte, error) {
	key, err := l.keys.AEAD(ctx, troth.KeyRef{Tenant: who.Tenant, Use: "consent.erased", ID: "1"})
	if err != nil {
		return nil, fmt.Errorf("consent: seal id: %w", err)
	}
	return key.Seal(nil, nil, []byte(who.ID), pseudonymAAD(who.Tenant, p)), nil
}

func (l *Ledger) openID(ctx context.Context, tenant troth.Tenant, p *person) (string, error) {
	key, err := l.keys.AEAD(ctx, troth.KeyRef{Tenant: tenant, Use: "consent.erased", ID: "1"})
	if err != nil {
		return "", fmt.Errorf("consent: open id: %w", err)
	}
	id, err := key.Open(nil, nil, p.id, pseudonymAAD(tenant, p.pseudonym))
	if err != nil {
		return "", ErrRecord
	}
	return string(id), nil
}

func pseudonymAAD(tenant troth.Tenant, p Pseudonym) []byte {
	return canon.AppendBytes(canon.AppendText(canon.AppendDomain(nil, erasedDomain), tenant), p[:])
}

// hashOf names a pseudonym on the trail.
func hashOf(tenant troth.Tenant, p Pseudonym) [32]byte { return sha256.Sum256(pseudonymAAD(tenant, p)) }

// groundLimitation and groundUnconfirmed are why the ledger destroys by itself.
const (
	groundLimitation  = "limitation-period-over"
	groundUnconfirmed = "not-confirmed-in-time"
)

// eraseProof destroys the proof of an erased person whose time is over.
func (l *Ledger) eraseProof(ctx context.Context, row DueRow) error {
	d, err := l.tenant(ctx, row.Tenant)
	if err != nil {
		return err
	}
	ref := troth.DisposalRef{Tenant: row.Tenant, Kind: DisposeProof, ID: row.Ref}
	return l.dispose(ctx, ref, groundLimitation, func(ctx context.Context, permit troth.Permit) error {
		stored, found, err := l.store.Person(ctx, row.Tenant, row.SubjectID)
		if err != nil {
			return fmt.Errorf("consent: read person: %w", err)
		}
		if !found {
			return l.store.DeleteDue(ctx, row)
		}
		p, err := d.openPerson(stored)
		if err != nil {
			return err
		}
		if p.keepUntil > l.micros() || p.erasedAt == 0 {
			return ErrHeld
		}
		return l.destroyProof(ctx, permit, row, &p)
	})
}

func (l *Ledger) destroyProof(ctx context.Context, permit troth.Permit, row DueRow, p *person) error {
	if l.opt.shredder != nil {
		id, err := l.openID(ctx, row.Tenant, p)
		if err != nil {
			return err
		}
		if err := l.opt.shredder(ctx, permit, troth.Subject{Tenant: row.Tenant, ID: id}, ProofCompartment); err != nil {
			return fmt.Errorf("consent: shred proof: %w", err)
		}
	}
	n, err := l.store.DeletePerson(ctx, row.Tenant, row.SubjectID)
	if err != nil {
		return fmt.Errorf("consent: erase proof: %w", err)
	}
	_, err = l.record(ctx, troth.Entry{
		Act: actProofErase, Tenant: row.Tenant,
		Facts: destroyed(permit, troth.Facts{
			"events": troth.Count(n), "person": troth.Digest(hashOf(row.Tenant, p.pseudonym)),
		}),
	})
	return err
}

// eraseRequest destroys a request that nobody confirmed, and its events: somebody
// entered an address that may not be theirs.
func (l *Ledger) eraseRequest(ctx context.Context, row DueRow) error {
	d, err := l.tenant(ctx, row.Tenant)
	if err != nil {
		return err
	}
	who := troth.Subject{Tenant: row.Tenant, ID: row.SubjectID}
	ref := troth.DisposalRef{Tenant: row.Tenant, Kind: DisposeRequest, ID: row.Ref}
	err = l.dispose(ctx, ref, groundUnconfirmed, func(ctx context.Context, p troth.Permit) error {
		w, err := l.lock(ctx, d, who)
		if errors.Is(err, ErrErased) {
			return l.store.DeleteDue(ctx, row)
		} else if err != nil {
			return err
		}
		open, err := w.requests(ctx)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(open, func(q request) bool { return q.id == row.Ref })
		if i < 0 {
			return l.store.DeleteDue(ctx, row)
		}
		if open[i].until > l.micros() {
			return l.store.PutDue(ctx, w.dueRequest(&open[i]))
		}
		return w.destroyRequest(ctx, p, &open[i])
	})
	l.settleEnded(who)
	return err
}

func (w *writing) destroyRequest(ctx context.Context, p troth.Permit, q *request) error {
	ids := make([]string, len(q.choices))
	for i, c := range q.choices {
		ids[i] = c.event
	}
	_, err := w.l.record(ctx, troth.Entry{
		Act: actRequestErase, Tenant: w.who.Tenant, SubjectID: w.who.ID,
		Facts: destroyed(p, troth.Facts{"events": troth.Count(len(ids))}),
	})
	if err != nil {
		return err
	}
	if err := w.l.store.DeleteEvents(ctx, w.who.Tenant, w.who.ID, ids); err != nil {
		return fmt.Errorf("consent: erase request: %w", err)
	}
	if err := w.dropRequest(ctx, q); err != nil {
		return err
	}
	for _, c := range q.choices {
		if err := w.refold(ctx, c.purpose); err != nil {
			return err
		}
	}
	return w.leave(ctx)
}

// refold makes the state of a purpose anew of the events that are left.
func (w *writing) refold(ctx context.Context, p troth.Purpose) error {
	rows, err := w.l.store.Events(ctx, w.who.Tenant, w.who.ID, p)
	if err != nil {
		return fmt.Errorf("consent: read events: %w", err)
	}
	s := *w.states.of(p)
	s.own = latest{}
	for _, row := range rows {
		e, err := w.d.openEvent(row)
		if err != nil {
			return err
		}
		s.add(markOf(&e))
	}
	if len(rows) > 0 || s.linked != (latest{}) {
		return w.put(ctx, p, s)
	}
	w.states = slices.DeleteFunc(w.states, func(s purposeState) bool { return s.purpose == p })
	if err := w.l.store.DeleteState(ctx, w.who.Tenant, w.who.ID, p); err != nil {
		return fmt.Errorf("consent: erase state: %w", err)
	}
	return nil
}

// leave removes a person of whom nothing is left, and tells other processes.
func (w *writing) leave(ctx context.Context) error {
	rows, err := w.l.store.Events(ctx, w.who.Tenant, w.who.ID, "")
	if err != nil {
		return fmt.Errorf("consent: read events: %w", err)
	}
	_, linked, err := w.l.store.Link(ctx, w.who.Tenant, w.who.ID)
	if err != nil {
		return fmt.Errorf("consent: read link: %w", err)
	}
	if len(rows) == 0 && len(w.states) == 0 && !linked {
		if _, err := w.l.store.DeletePerson(ctx, w.who.Tenant, w.who.ID); err != nil {
			return fmt.Errorf("consent: erase person: %w", err)
		}
	}
	w.l.pendings.add(&pending{who: w.who, scope: w.l.tx.Scope(ctx), until: w.l.mono() + int64(pendingLife)})
	w.l.cache.evict(w.who)
	return w.l.raise(ctx, w.who.Tenant, w.who.ID)
}
