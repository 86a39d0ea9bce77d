package consent

import (
	"context"
	"crypto/rand"
	"fmt"

	"github.com/trothdev/troth"
)

// say records one event, unless it is there.
func (w *writing) say(ctx context.Context, f *Form, one *draft) (Event, error) {
	e := &one.event
	row, found, err := w.l.store.Event(ctx, w.who.Tenant, e.ID)
	if err != nil {
		return Event{}, fmt.Errorf("consent: read event: %w", err)
	}
	if found {
		return w.again(row, f, e)
	}
	if err := w.date(f, one); err != nil {
		return Event{}, err
	}
	e.Pseudonym = w.person.pseudonym
	_, _ = rand.Read(e.Nonce[:])
	if err := w.guardian(ctx, f, e); err != nil {
		return Event{}, err
	}
	proof, content, err := w.l.sealEvidence(ctx, f, e)
	if isShredded(err) && e.Kind.Denies() {
		// A no is never refused because nothing can be sealed for the person.
		proof, content, e.Proof, e.Content, err = nil, nil, [32]byte{}, [32]byte{}, nil
	}
	if err != nil {
		return Event{}, err
	}
	granted := w.states.of(e.Purpose).last(choiceTrack).consents()
	if err := w.keep(ctx, one, proof, content); err != nil {
		return Event{}, err
	}
	err = w.spread(ctx, one, granted)
	return *e, err
}

// again returns an event that was recorded before, if it says the same.
func (w *writing) again(row EventRow, f *Form, e *Event) (Event, error) {
	old, err := w.d.openEvent(row)
	if err != nil {
		return Event{}, err
	}
	same := row.SubjectID == w.who.ID && old.Pseudonym == w.person.pseudonym && old.Purpose == e.Purpose && old.Kind == e.Kind &&
		old.Method == e.Method && old.Channel == e.Channel && old.Wording == e.Wording && old.Notice == e.Notice &&
		old.Confirms == e.Confirms && old.Import == e.Import
	if f.explicitVersion(e.Purpose) {
		same = same && old.Version == e.Version
	}
	if !f.GivenAt.IsZero() && !e.Kind.Denies() {
		same = same && micros(old.GivenAt) == micros(f.GivenAt)
	}
	if !same {
		return Event{}, ErrConflict
	}
	return old, nil
}

func (f *Form) explicitVersion(p troth.Purpose) bool {
	for _, c := range f.Choices {
		if c.Purpose == p {
			return c.Version != 0
		}
	}
	return false
}

// date gives an event its instants. What is said now comes after everything that
// was recorded of the person, whatever this machine's clock says.
func (w *writing) date(f *Form, one *draft) error {
	e := &one.event
	given := w.now
	if !f.GivenAt.IsZero() {
		given = f.GivenAt.UnixMicro()
		if given > w.now {
			if !e.Kind.Denies() {
				return ErrFuture
			}
			given = w.now
		}
		if given <= 0 {
			return ErrFuture
		}
	}
	e.GivenAt, e.RecordedAt = instant(given), instant(w.now)
	if !e.Kind.consents() {
		return nil
	}
	if e.Kind == Renewed {
		if last := w.states.of(e.Purpose).last(choiceTrack); !last.exists() || last.code.nature().no {
			return fmt.Errorf("%w: nothing was granted that could be renewed", ErrUnconfirmed)
		}
	}
	if !one.terms.Validity.IsZero() {
		if until := after(given, one.terms.Validity); until != forever {
			e.Until = instant(until)
		}
	}
	return nil
}

// guardian names who gives leave by a keyed hash: the same person is the same, and
// who has only the ledger cannot tell who it is.
func (w *writing) guardian(ctx context.Context, f *Form, e *Event) error {
	if f.Guardian == nil || e.Kind != GuardianAuthorised && e.Kind != GuardianWithdrawn {
		return nil
	}
	g := f.Guardian
	if g.ID == w.who.ID {
		return &troth.IdentifierError{Kind: "guardian", Reason: "is the person"}
	}
	for _, word := range []string{g.ID, g.Relation, g.Method} {
		if err := checkID("guardian", word, 100); err != nil {
			return err
		}
	}
	sum, err := w.l.keys.MAC(ctx, troth.KeyRef{Tenant: w.who.Tenant, Use: "consent.guardian", ID: "1"}, []byte(g.ID))
	if err != nil {
		return fmt.Errorf("consent: hash guardian: %w", err)
	}
	e.Guardian = GuardianRef{Pseudonym: Pseudonym(sum[:16]), Relation: g.Relation, Method: g.Method}
	return nil
}

// keep writes the event, its evidence and the state that it leads to.
func (w *writing) keep(ctx context.Context, one *draft, proof, content []byte) error {
	e := &one.event
	message := e.Append(nil)
	if one.wording != "" {
		if err := w.l.store.PutText(ctx, w.who.Tenant, e.Wording, []byte(one.wording)); err != nil {
			return fmt.Errorf("consent: keep wording: %w", err)
		}
	}
	inserted, err := w.l.store.InsertEvent(ctx, EventRow{
		Tenant: w.who.Tenant, SubjectID: w.who.ID, ID: e.ID, Purpose: e.Purpose, RecordedAt: micros(e.RecordedAt),
		Record: w.d.key.seal(eventTable, e.ID, "", message), Proof: proof, Content: content,
	})
	if err != nil {
		return fmt.Errorf("consent: insert event: %w", err)
	}
	if !inserted {
		return ErrConflict // another person's form has that id
	}
	s := *w.states.of(e.Purpose)
	s.add(markOf(e))
	if err := w.put(ctx, e.Purpose, s); err != nil {
		return err
	}
	w.event = e.ID
	if e.Kind.Denies() {
		w.nos = append(w.nos, no{purpose: e.Purpose, event: e.ID, reason: reasonOf(e.Kind), given: micros(e.GivenAt)})
	}
	_, err = w.l.record(ctx, troth.Entry{
		Act: actEvent, Tenant: w.who.Tenant, SubjectID: w.who.ID, Purpose: e.Purpose,
		Facts: troth.Facts{
			"kind": troth.Word(string(e.Kind)), "version": troth.Count(e.Version),
			"given": troth.Instant(e.GivenAt), "event": troth.Digest(e.Hash()),
		},
	})
	return err
}

func reasonOf(k Kind) Reason {
	switch k {
	case Refused:
		return ReasonRefused
	case Objected:
		return ReasonObjected
	case Expired:
		return ReasonExpired
	case Invalidated:
		return ReasonInvalidated
	case GuardianWithdrawn:
		return ReasonGuardianMissing
	default:
		return ReasonWithdrawn
	}
}
