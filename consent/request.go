package consent

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/canon"
)

// Token confirms a request. It is 256 random bits, of which the ledger keeps a
// keyed hash, and confirms once.
type Token = troth.Sensitive[string]

// requestDomain names the format of a stored request.
const requestDomain = "troth.consent.request/1"

// request is what the record of a request says.
type request struct {
	id        string
	pseudonym Pseudonym
	token     [32]byte
	at, until int64
	sends     uint32
	sentAt    int64
	choices   []requested
}

// requested is one choice that waits, by its event.
type requested struct {
	purpose troth.Purpose
	event   string
}

func (q *request) append(dst []byte) []byte {
	dst = canon.AppendDomain(dst, requestDomain)
	dst = canon.AppendText(dst, q.id)
	dst = canon.AppendBytes(dst, q.pseudonym[:])
	dst = canon.AppendBytes(dst, q.token[:])
	dst = canon.AppendInt(dst, q.at)
	dst = canon.AppendInt(dst, q.until)
	dst = canon.AppendUint(dst, uint64(q.sends))
	dst = canon.AppendInt(dst, q.sentAt)
	dst = canon.AppendList(dst, len(q.choices))
	for _, c := range q.choices {
		dst = canon.AppendList(dst, 2)
		dst = canon.AppendText(dst, c.purpose)
		dst = canon.AppendText(dst, c.event)
	}
	return dst
}

func parseRequest(b []byte) (q request, err error) {
	r := reader{canon.Walk(b, requestDomain), false}
	q = request{id: r.text(), pseudonym: r.pseudonym()}
	r.fixed(q.token[:])
	q.at, q.until, q.sends, q.sentAt = r.Int(), r.Int(), r.small(), r.Int()
	for range min(r.List(), maxNames) {
		r.bad = r.List() != 2 || r.bad
		q.choices = append(q.choices, requested{troth.Purpose(r.text()), r.text()})
	}
	if !r.done() {
		return request{}, ErrRecord
	}
	return q, nil
}

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
	now := l.micros()
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
	q := request{id: id, pseudonym: w.person.pseudonym, at: now, until: now + w.l.opt.requestLife.Microseconds()}
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

const tokenSize = 32

func (l *Ledger) newToken(ctx context.Context, tenant troth.Tenant, q *request) (string, error) {
	var raw [tokenSize]byte
	_, _ = rand.Read(raw[:])
	token := base64.RawURLEncoding.EncodeToString(raw[:])
	var err error
	q.token, err = l.hashToken(ctx, tenant, raw[:])
	return token, err
}

func (l *Ledger) hashToken(ctx context.Context, tenant troth.Tenant, raw []byte) ([32]byte, error) {
	sum, err := l.keys.MAC(ctx, troth.KeyRef{Tenant: tenant, Use: "consent.token", ID: "1"}, raw)
	if err != nil {
		return sum, fmt.Errorf("consent: hash token: %w", err)
	}
	return sum, nil
}

// parseToken accepts the one way in which a token is written.
func parseToken(s string) ([]byte, error) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil || len(raw) != tokenSize {
		return nil, ErrToken
	}
	return raw, nil
}

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
	if i < 0 || open[i].until <= l.micros() {
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

// requests reads the requests of a person under lock.
func (w *writing) requests(ctx context.Context) ([]request, error) {
	rows, err := w.l.store.Requests(ctx, w.who.Tenant, w.who.ID)
	if err != nil {
		return nil, fmt.Errorf("consent: read requests: %w", err)
	}
	var all []request
	for _, row := range rows {
		message, err := w.d.key.open(requestTable, row.ID, "", row.Record)
		if err != nil {
			return nil, err
		}
		q, err := parseRequest(message)
		if err != nil || q.id != row.ID || q.pseudonym != w.person.pseudonym || q.token != row.Token {
			return nil, ErrRecord
		}
		all = append(all, q)
	}
	return all, nil
}

func (w *writing) putRequest(ctx context.Context, q *request) error {
	err := w.l.store.PutRequest(ctx, RequestRow{
		Tenant: w.who.Tenant, SubjectID: w.who.ID, ID: q.id, Token: q.token,
		Record: w.d.key.seal(requestTable, q.id, "", q.append(nil)),
	})
	if err == nil {
		err = w.l.store.PutDue(ctx, w.dueRequest(q))
	}
	if err != nil {
		return fmt.Errorf("consent: put request: %w", err)
	}
	return nil
}

func (w *writing) dueRequest(q *request) DueRow {
	return DueRow{Tenant: w.who.Tenant, SubjectID: w.who.ID, Kind: DueRequest, Ref: q.id, At: q.until}
}

// dropRequests ends what waits for a confirmation of a purpose that the person
// says no to. A request for several purposes stays for the others: which of them
// it may still confirm is asked when it is.
func (w *writing) dropRequests(ctx context.Context, p troth.Purpose) error {
	open, err := w.requests(ctx)
	if err != nil {
		return err
	}
	for i := range open {
		q := &open[i]
		if len(q.choices) != 1 || q.choices[0].purpose != p {
			continue
		}
		if err := w.dropRequest(ctx, q); err != nil {
			return err
		}
	}
	return nil
}

// dropRequest removes a request that is done with; its events stay.
func (w *writing) dropRequest(ctx context.Context, q *request) error {
	err := w.l.store.DeleteRequest(ctx, w.who.Tenant, w.who.ID, q.id)
	if err == nil {
		err = w.l.store.DeleteDue(ctx, w.dueRequest(q))
	}
	if err != nil {
		return fmt.Errorf("consent: drop request: %w", err)
	}
	return nil
}
