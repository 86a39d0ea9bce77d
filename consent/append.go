package consent

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/canon"
)

func hexOf(b []byte) string { return hex.EncodeToString(b) }

// Record records what a person said, in the caller's transaction or one of its
// own, and returns the events in the order of the choices. Evidence, the work of
// telling others and the events commit together.
//
// From the moment that Record returns this process denies what it records a no
// to, even while the caller's transaction is open; other processes do within the
// bound of [WithFeedAge]. A yes counts once it is committed. troth never hears how
// a transaction of the host's ends: if the host rolls one back, this process may go
// on denying what it would have denied, for up to ten minutes.
//
// A form that was recorded before is returned as it was; the id with other
// choices is [ErrConflict]. Of a form whose purpose is not for children of the
// age that is given nothing is kept but a count, and the error is [ErrTooYoung];
// the count is lost if the caller's transaction is rolled back.
func (l *Ledger) Record(ctx context.Context, f Form) ([]Event, error) {
	return l.recordForm(ctx, f, false)
}

// recordForm is Record; inside says that the ledger itself speaks, which may
// request and confirm.
func (l *Ledger) recordForm(ctx context.Context, f Form, inside bool) (events []Event, err error) {
	if err := f.validate(); err != nil {
		return nil, err
	}
	d, err := l.tenant(ctx, f.Subject.Tenant)
	if err != nil {
		return nil, err
	}
	if d, err = l.knowing(ctx, d, f.Choices); err != nil {
		return nil, err
	}
	tooYoung := false
	err = l.tx.Atomically(ctx, func(ctx context.Context) error {
		n, err := l.shown(ctx, d, f.Notice)
		if err != nil {
			return err
		}
		drafts, err := l.drafts(d, &f, n, l.micros(), inside)
		if err != nil {
			return err
		}
		for i := range drafts {
			tooYoung = tooYoung || drafts[i].tooYoung
		}
		if tooYoung {
			return l.refuseChild(ctx, f.Subject.Tenant, drafts)
		}
		events, err = l.append(ctx, d, &f, drafts)
		return err
	})
	l.settleEnded(f.Subject)
	if err != nil {
		return nil, err
	}
	if tooYoung {
		return nil, ErrTooYoung
	}
	return events, nil
}

// knowing looks again where a form speaks of versions that are not in what is
// cached.
func (l *Ledger) knowing(ctx context.Context, d *tenantData, choices []Choice) (*tenantData, error) {
	for _, c := range choices {
		if c.Version != 0 && d.catalogue.Version(c.Purpose, c.Version) == nil || len(d.catalogue[c.Purpose]) == 0 {
			return l.loadTenant(ctx, d.key.tenant)
		}
	}
	return d, nil
}

// shown returns the notice that a form refers to, nil if it refers to none.
func (l *Ledger) shown(ctx context.Context, d *tenantData, ref NoticeRef) (*Notice, error) {
	if ref.ID == "" {
		return nil, nil
	}
	versions, err := l.notices(ctx, d, ref.ID)
	if err != nil {
		return nil, err
	}
	if ref.Version == 0 || int(ref.Version) > len(versions) {
		return nil, ErrNotice
	}
	n := &versions[ref.Version-1]
	if _, has := n.hashes[ref.Language]; !has {
		return nil, ErrNotice
	}
	return n, nil
}

const day = int64(24 * time.Hour / time.Microsecond)

// refuseChild counts, and keeps nothing else.
func (l *Ledger) refuseChild(ctx context.Context, tenant troth.Tenant, drafts []draft) error {
	for i := range drafts {
		if !drafts[i].tooYoung {
			continue
		}
		if err := l.store.CountRefusal(ctx, tenant, drafts[i].event.Purpose, l.micros()/day); err != nil {
			return fmt.Errorf("consent: count refusal: %w", err)
		}
	}
	return nil
}

// Refusals tells on which days how many children were refused, oldest first.
func (l *Ledger) Refusals(ctx context.Context, tenant troth.Tenant, p troth.Purpose) ([]RefusalRow, error) {
	rows, err := l.store.Refusals(ctx, tenant, p)
	if err != nil {
		return nil, fmt.Errorf("consent: read refusals: %w", err)
	}
	return rows, nil
}

// writing is a person under lock.
type writing struct {
	l      *Ledger
	d      *tenantData
	who    troth.Subject
	person person
	states states
	// now is the instant of what is recorded in this transaction.
	now int64
	// nos are the events that deny, of this transaction.
	nos   []no
	event string
}

// lock begins to write about a person.
func (l *Ledger) lock(ctx context.Context, d *tenantData, who troth.Subject) (*writing, error) {
	fresh := person{}
	_, _ = rand.Read(fresh.pseudonym[:]) // never fails, crypto/rand documents
	row, err := l.store.LockPerson(ctx, PersonRow{
		Tenant: who.Tenant, SubjectID: who.ID, Record: d.key.seal(personTable, who.ID, "", fresh.append(nil)),
	})
	if err != nil {
		return nil, fmt.Errorf("consent: lock person: %w", err)
	}
	w := &writing{l: l, d: d, who: who}
	if w.person, err = d.openPerson(row); err != nil {
		return nil, err
	}
	if w.person.erasedAt != 0 {
		return nil, ErrErased
	}
	if w.person.isFresh(&fresh) {
		// Nobody was there: unless they were erased. Then the fresh row must go,
		// whatever the caller makes of the error: it would make the id a good one.
		if err := l.notErased(ctx, who); err != nil {
			_, left := l.store.DeletePerson(ctx, who.Tenant, who.ID)
			return nil, errors.Join(err, left)
		}
	}
	w.now = max(l.micros(), w.person.clock+1)
	w.states, err = l.readStates(ctx, d, who)
	return w, err
}

func (d *tenantData) openPerson(row PersonRow) (person, error) {
	message, err := d.key.open(personTable, row.SubjectID, "", row.Record)
	if err != nil {
		return person{}, err
	}
	return parsePerson(message)
}

// append records the drafts of a form.
func (l *Ledger) append(ctx context.Context, d *tenantData, f *Form, drafts []draft) ([]Event, error) {
	w, err := l.lock(ctx, d, f.Subject)
	if err != nil {
		return nil, err
	}
	events := make([]Event, len(drafts))
	for i := range drafts {
		one := &drafts[i]
		if events[i], err = w.say(ctx, f, one); err != nil {
			return nil, &ChoiceError{Index: i, Purpose: one.event.Purpose, Err: err}
		}
	}
	return events, w.finish(ctx)
}

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
		old.Confirms == e.Confirms
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

// put stores the state of a purpose.
func (w *writing) put(ctx context.Context, p troth.Purpose, s state) error {
	if err := w.l.store.PutState(ctx, StateRow{
		Tenant: w.who.Tenant, SubjectID: w.who.ID, Purpose: p,
		Record: w.d.key.seal(stateTable, w.who.ID, string(p), s.append(nil)),
	}); err != nil {
		return fmt.Errorf("consent: put state: %w", err)
	}
	for i := range w.states {
		if w.states[i].purpose == p {
			w.states[i].state = s
			return nil
		}
	}
	w.states = append(w.states, purposeState{p, s})
	return nil
}

// finish writes the person's clock, tells other processes, and makes this one
// deny what was denied.
func (w *writing) finish(ctx context.Context) error {
	if w.event == "" {
		return nil // everything was there
	}
	w.person.clock = w.now
	if err := w.putPerson(ctx); err != nil {
		return err
	}
	if err := w.l.raise(ctx, w.who.Tenant, w.who.ID); err != nil {
		return err
	}
	w.l.pendings.add(&pending{
		who: w.who, scope: w.l.tx.Scope(ctx), nos: w.nos, event: w.event, until: w.l.mono() + int64(pendingLife),
	})
	w.l.cache.evict(w.who)
	return nil
}

func (w *writing) putPerson(ctx context.Context) error {
	row := PersonRow{
		Tenant: w.who.Tenant, SubjectID: w.who.ID,
		Record: w.d.key.seal(personTable, w.who.ID, "", w.person.append(nil)),
	}
	if err := w.l.store.PutPerson(ctx, row); err != nil {
		return fmt.Errorf("consent: put person: %w", err)
	}
	return nil
}

// openEvent checks a stored event.
func (d *tenantData) openEvent(row EventRow) (Event, error) {
	message, err := d.key.open(eventTable, row.ID, "", row.Record)
	if err != nil {
		return Event{}, err
	}
	e, err := ParseEvent(message)
	if err != nil || e.Tenant != row.Tenant || e.ID != row.ID || e.Purpose != row.Purpose || micros(e.RecordedAt) != row.RecordedAt {
		return Event{}, ErrRecord
	}
	return e, nil
}

// readStates reads what a person's events come to: one read.
func (l *Ledger) readStates(ctx context.Context, d *tenantData, who troth.Subject) (states, error) {
	rows, err := l.store.States(ctx, who.Tenant, who.ID)
	if err != nil {
		return nil, fmt.Errorf("consent: read states: %w", err)
	}
	all := make(states, len(rows))
	for i, row := range rows {
		if row.SubjectID != who.ID {
			return nil, ErrRecord
		}
		if all[i], err = d.openState(row); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func (d *tenantData) openState(row StateRow) (purposeState, error) {
	message, err := d.key.open(stateTable, row.SubjectID, string(row.Purpose), row.Record)
	if err != nil {
		return purposeState{}, err
	}
	s, err := parseState(message)
	return purposeState{row.Purpose, s}, err
}

const markDomain = "troth.consent.erased/1"

// markOfErased is what an erased person is found by.
func (l *Ledger) markOfErased(ctx context.Context, who troth.Subject) ([32]byte, error) {
	message := canon.AppendText(canon.AppendDomain(nil, markDomain), who.ID)
	mark, err := l.keys.MAC(ctx, troth.KeyRef{Tenant: who.Tenant, Use: "consent.erased", ID: "1"}, message)
	if err != nil {
		return mark, fmt.Errorf("consent: hash subject: %w", err)
	}
	return mark, nil
}

func (l *Ledger) notErased(ctx context.Context, who troth.Subject) error {
	mark, err := l.markOfErased(ctx, who)
	if err != nil {
		return err
	}
	_, erased, err := l.store.ErasedPerson(ctx, who.Tenant, mark)
	switch {
	case err != nil:
		return fmt.Errorf("consent: read person: %w", err)
	case erased:
		return ErrErased
	}
	return nil
}

// isFresh reports whether the row is one that nobody has written to since.
func (p *person) isFresh(o *person) bool {
	return p.pseudonym == o.pseudonym && p.clock == 0 && p.erasedAt == 0 && bytes.Equal(p.id, o.id)
}
