package consent

import (
	"context"
	"slices"

	"github.com/trothdev/troth"
)

// Request records that somebody asks to consent to what needs a confirmation:
// double opt-in. Every choice of the form must say [Requested]. It returns the
// token that the host sends to the address that is to be confirmed, in a link to
// [Ledger.ConfirmHandler]. Nothing is allowed before that.
//
// [ErrResend] says that too much was sent to the person already, of this and
// other requests that are open: limits of [WithConfirmation]. A form that was
// requested before is sent again under a new token, and counts against them.
func (l *Ledger) Request(ctx context.Context, f Form) (Token, error) {
	for i, c := range f.Choices {
		if c.Kind != Requested {
			return Token{}, &ChoiceError{Index: i, Purpose: c.Purpose, Err: ErrUnconfirmed}
		}
	}
	var token string
	err := l.tx.Atomically(ctx, func(ctx context.Context) error {
		events, err := l.recordForm(ctx, f, true)
		if err != nil {
			return err
		}
		token, err = l.send(ctx, f.Subject, f.ID, events)
		return err
	})
	l.settleEnded(f.Subject)
	if err != nil {
		return Token{}, err
	}
	return troth.Protect(token), nil
}

// Resend returns another token for a request that is still open; the one before
// confirms nothing any more.
func (l *Ledger) Resend(ctx context.Context, who troth.Subject, formID string) (Token, error) {
	var token string
	err := l.tx.Atomically(ctx, func(ctx context.Context) (err error) {
		token, err = l.send(ctx, who, formID, nil)
		return err
	})
	if err != nil {
		return Token{}, err
	}
	return troth.Protect(token), nil
}

// send makes a token for a request, or for one that is new if there are events of
// it.
func (l *Ledger) send(ctx context.Context, who troth.Subject, id string, events []Event) (string, error) {
	if err := who.Validate(); err != nil {
		return "", err
	}
	d, err := l.tenant(ctx, who.Tenant)
	if err != nil {
		return "", err
	}
	w, err := l.lock(ctx, d, who)
	if err != nil {
		return "", err
	}
	open, err := w.requests(ctx)
	if err != nil {
		return "", err
	}
	now := w.now // which does not go back
	if err := l.maySend(open, now); err != nil {
		return "", err
	}
	i := slices.IndexFunc(open, func(q request) bool { return q.id == id })
	switch {
	case i < 0 && events == nil:
		return "", ErrToken
	case i < 0:
		open = append(open, w.newRequest(id, events, now))
		i = len(open) - 1
	case open[i].until <= now:
		return "", ErrToken
	}
	q := &open[i]
	q.sends, q.sentAt = q.sends+1, now
	token, err := l.newToken(ctx, who.Tenant, q)
	if err != nil {
		return "", err
	}
	return token, w.putRequest(ctx, q)
}

func (w *writing) newRequest(id string, events []Event, now int64) request {
	q := request{id: id, pseudonym: w.person.pseudonym, at: now, until: w.l.micros() + w.l.opt.requestLife.Microseconds()}
	for _, e := range events {
		q.choices = append(q.choices, requested{e.Purpose, e.ID})
	}
	return q
}

// maySend holds all requests of a person together to the limits: an open form must
// not be a way to fill somebody's mailbox.
func (l *Ledger) maySend(open []request, now int64) error {
	sends := uint32(0)
	for _, q := range open {
		if q.until <= now {
			continue
		}
		sends += q.sends
		if now-q.sentAt < l.opt.sendEvery.Microseconds() {
			return ErrResend
		}
	}
	if int(sends) >= l.opt.sends {
		return ErrResend
	}
	return nil
}
