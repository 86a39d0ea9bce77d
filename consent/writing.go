package consent

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/trothdev/troth"
)

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

// isFresh reports whether the row is one that nobody has written to since.
func (p *person) isFresh(o *person) bool {
	return p.pseudonym == o.pseudonym && p.clock == 0 && p.erasedAt == 0 && bytes.Equal(p.id, o.id)
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
