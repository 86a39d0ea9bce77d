package consent

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/clearance"
)

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
		if open[i].until > w.now {
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
		Facts: clearance.Facts(p, troth.Facts{"events": troth.Count(len(ids))}),
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
