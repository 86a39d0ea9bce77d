package consent

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/trothdev/troth"
)

// Confirmation is what is known when a token comes back.
type Confirmation struct {
	Tenant  troth.Tenant
	Token   string
	Channel Channel // [OnWeb] if empty
	// Evidence is of who confirms: their address and browser.
	Evidence Evidence
}

// Confirm turns what was requested into consent. A token confirms once: it is
// [ErrToken] afterwards, when it is too old, and for what the person has said no
// to since. It must be called for a POST and nothing less: programs that look at
// mail follow every link in it. [Ledger.ConfirmHandler] does it right.
func (l *Ledger) Confirm(ctx context.Context, c Confirmation) (events []Event, err error) {
	raw, err := parseToken(c.Token)
	if err != nil {
		return nil, err
	}
	if c.Channel == "" {
		c.Channel = OnWeb
	}
	hash, err := l.hashToken(ctx, c.Tenant, raw)
	if err != nil {
		return nil, err
	}
	var who troth.Subject
	err = l.tx.Atomically(ctx, func(ctx context.Context) error {
		row, found, err := l.store.RequestByToken(ctx, c.Tenant, hash)
		if err != nil {
			return fmt.Errorf("consent: read request: %w", err)
		}
		if !found {
			return ErrToken
		}
		who = troth.Subject{Tenant: c.Tenant, ID: row.SubjectID}
		events, err = l.confirm(ctx, c, who, hash)
		return err
	})
	l.settleEnded(who)
	if err != nil {
		return nil, err
	}
	return events, nil
}

func (l *Ledger) confirm(ctx context.Context, c Confirmation, who troth.Subject, hash [32]byte) ([]Event, error) {
	d, err := l.tenant(ctx, who.Tenant)
	if err != nil {
		return nil, err
	}
	w, err := l.lock(ctx, d, who)
	if errors.Is(err, ErrErased) {
		return nil, ErrToken
	} else if err != nil {
		return nil, err
	}
	open, err := w.requests(ctx)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(open, func(q request) bool { return q.token == hash })
	if i < 0 || open[i].until <= w.now {
		return nil, ErrToken
	}
	q := &open[i]
	f := Form{
		ID: "~confirm/" + q.id, Subject: who, Method: ByLink, Channel: c.Channel, Evidence: c.Evidence,
	}
	drafts, err := w.confirming(ctx, q, &f)
	if err != nil {
		return nil, err
	}
	if len(drafts) == 0 {
		return nil, ErrToken
	}
	events := make([]Event, len(drafts))
	for i := range drafts {
		if events[i], err = w.say(ctx, &f, &drafts[i]); err != nil {
			return nil, err
		}
	}
	if err := w.dropRequest(ctx, q); err != nil {
		return nil, err
	}
	return events, w.finish(ctx)
}

// confirming makes the events that confirm a request, of what the person has not
// said no to since.
func (w *writing) confirming(ctx context.Context, q *request, f *Form) ([]draft, error) {
	var all []draft
	for _, c := range q.choices {
		row, found, err := w.l.store.Event(ctx, w.who.Tenant, c.event)
		if err != nil {
			return nil, fmt.Errorf("consent: read event: %w", err)
		}
		if !found {
			continue
		}
		asked, err := w.d.openEvent(row)
		if err != nil {
			return nil, err
		}
		if asked.Pseudonym != w.person.pseudonym || asked.Kind != Requested {
			return nil, ErrRecord
		}
		m := markOf(&asked)
		if w.saidNoSince(c.purpose, &m) {
			continue
		}
		all = append(all, draft{
			event: Event{
				ID: eventID(f.ID, c.purpose), Tenant: w.who.Tenant, Purpose: c.purpose, Version: asked.Version, Kind: Confirmed,
				Method: f.Method, Channel: f.Channel, Notice: asked.Notice, Wording: asked.Wording, Confirms: asked.ID, Age: asked.Age,
			},
			terms: w.d.catalogue.Version(c.purpose, asked.Version),
		})
		if all[len(all)-1].terms == nil {
			return nil, ErrRecord
		}
	}
	return all, nil
}

func (w *writing) saidNoSince(p troth.Purpose, m *mark) bool {
	s := w.states.of(p)
	for _, t := range []track{choiceTrack, objectionTrack} {
		if last := s.last(t); last.exists() && last.code.nature().no && last.compare(m) > 0 {
			return true
		}
	}
	return false
}
