package rights

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/deadline"
	"github.com/trothdev/troth/internal/canon"
)

// Via is how a request came.
type Via string

// The ways.
const (
	ViaWeb       Via = "web"       // a public form
	ViaAccount   Via = "account"   // self-service of somebody who is logged in
	ViaEmail     Via = "email"     // a message to the host
	ViaLetter    Via = "letter"    // on paper
	ViaTelephone Via = "telephone" // a call
	ViaInPerson  Via = "in-person" // at a counter
	ViaAgent     Via = "agent"     // an agent's interface
	ViaSignal    Via = "signal"    // Global Privacy Control and the like
)

var vias = []Via{ViaWeb, ViaAccount, ViaEmail, ViaLetter, ViaTelephone, ViaInPerson, ViaAgent, ViaSignal}

// ErrVia says that a request came in no way that is known, or that a signal asks for
// what no signal can.
var ErrVia = errors.New("rights: no such way for a request to come, or not for this right")

// Submission is a request as it comes in. Whatever is not personal is in the clear;
// what is, is sealed, see [Contents].
type Submission struct {
	Tenant troth.Tenant
	// ID is the host's, at most 128 bytes, and makes submitting idempotent; if it is empty,
	// it is a UUID of version 7 (RFC 9562), so that what comes later sorts later, which
	// databases like. It is not about a person.
	ID    string
	Right Right
	Via   Via
	// ReceivedAt is when it reached the controller, whoever it reached there; zero is
	// now. Clocks start then.
	ReceivedAt time.Time
	// SubjectID is whom it is about, if the host knows: from a session. Empty otherwise;
	// identifying the person finds it.
	SubjectID string
	// Sensitive says that it is about sensitive data, which needs more proof of who asks.
	Sensitive bool
	// Regimes are the laws that apply to the person, as ids of rules begin: "gdpr",
	// "us-va". Empty means that it is not known where they live: all that the desk was
	// made with apply.
	Regimes []string
	// Purposes narrow an objection, a withdrawal or a restriction; Fields name what is
	// to be corrected, by kinds such as "email". Neither holds values.
	Purposes []troth.Purpose
	Fields   []string
	// Of is the request that an appeal or a complaint is about. An appeal needs it.
	Of string
	// Language is that of what the person is told: en, de, fr or es; en if empty.
	Language string
	// Mandate is who asks for the person, if they do not ask themselves.
	Mandate *Mandate
	// Contents is what is personal; empty if there is nothing.
	Contents Contents
}

// validate holds a submission to what can be kept.
func (s *Submission) validate() error {
	if err := s.Tenant.Validate(); err != nil {
		return err
	}
	if s.SubjectID != "" {
		if err := (troth.Subject{Tenant: s.Tenant, ID: s.SubjectID}).Validate(); err != nil {
			return err
		}
	}
	if s.ID != "" {
		if err := checkID("request", s.ID); err != nil {
			return err
		}
	}
	if !s.Right.Valid() {
		return ErrRight
	}
	if !slices.Contains(vias, s.Via) {
		return fmt.Errorf("%w: Via", ErrVia)
	}
	if s.Via == ViaSignal && s.Right != OptOut && s.Right != LimitSensitive {
		return ErrVia // a signal can only object
	}
	if s.Right == Appeal && s.Of == "" {
		return ErrNotFound
	}
	if _, ok := languages[s.Language]; !ok && s.Language != "" {
		return &troth.IdentifierError{Kind: "language", Reason: "is not valid"}
	}
	return s.validateLists()
}

func (s *Submission) validateLists() error {
	for kind, list := range map[string][]string{"regime": s.Regimes, "field": s.Fields} {
		if len(list) > maxList {
			return ErrTooMuch
		}
		for _, id := range list {
			if err := checkID(kind, id); err != nil {
				return err
			}
		}
	}
	if len(s.Purposes) > maxList {
		return ErrTooMuch
	}
	for _, p := range s.Purposes {
		if err := p.Validate(); err != nil {
			return err
		}
	}
	return s.Contents.validate()
}

// fingerprint tells submissions apart; nothing personal is in it.
func (s *Submission) fingerprint() [32]byte {
	b := canon.AppendDomain(nil, "troth.rights.submission/1")
	b = canon.AppendText(b, s.Right)
	b = canon.AppendText(b, s.Via)
	b = canon.AppendText(b, s.SubjectID)
	b = appendFlag(b, s.Sensitive)
	b = appendTexts(b, s.Regimes)
	b = appendTexts(b, s.Purposes)
	b = appendTexts(b, s.Fields)
	b = canon.AppendText(b, s.Of)
	return sha256.Sum256(b)
}

// Submit takes a request in. From here on its clocks run, whoever asks and whatever is
// missing: only disclosing and destroying wait for identity and authority.
//
// A request that was submitted before under the same id is returned as it stands; the
// id with another right or person is [ErrConflict]. What needs no identity has its
// proof at once, see [Right.Needs].
func (d *Desk) Submit(ctx context.Context, s Submission) (Request, error) {
	var after Request
	if err := s.validate(); err != nil {
		return after, err
	}
	if _, err := troth.ActorFrom(ctx); err != nil {
		return after, err
	}
	if s.ID == "" {
		s.ID = troth.NewEntryID(d.now()).String()
	}
	if len(s.Regimes) == 0 {
		s.Regimes = d.opt.regimes
	}
	for _, r := range s.Regimes {
		if len(d.rules[r]) == 0 {
			return after, fmt.Errorf("rights: submit: %w", &troth.IdentifierError{Kind: "regime", Reason: "is not known"})
		}
	}
	err := d.tx.Atomically(ctx, func(ctx context.Context) error {
		inserted, err := d.insert(ctx, &s)
		if err != nil {
			return err
		}
		if !inserted {
			after, err = d.submitted(ctx, &s)
			return err
		}
		after, err = d.change(ctx, s.Tenant, s.ID, func(ctx context.Context, c *change) error { return c.begin(ctx, &s) })
		return err
	})
	return after, err
}

// insert adds the row of a request that has no events yet.
func (d *Desk) insert(ctx context.Context, s *Submission) (bool, error) {
	now := d.micros()
	at := micros(s.ReceivedAt)
	if at == 0 {
		at = now
	}
	if at > now || at < 0 {
		return false, ErrFuture
	}
	if s.Of != "" {
		if _, err := d.read(ctx, s.Tenant, s.Of); err != nil {
			return false, err
		}
	}
	q := &request{
		right: s.Right, state: StateReceived, subject: s.SubjectID, sensitive: s.Sensitive, via: s.Via, language: s.Language,
		regimes: s.Regimes, purposes: s.Purposes, fields: s.Fields, of: s.Of, fingerprint: s.fingerprint(),
		receivedAt: at, createdAt: now, clock: now - 1,
		ticks: []tick{{deadline.Received, at}},
	}
	if q.language == "" {
		q.language = "en"
	}
	switch s.Right {
	case Appeal:
		q.ticks = append(q.ticks, tick{deadline.Appealed, at})
	case Complaint:
		q.ticks = append(q.ticks, tick{deadline.Complained, at})
	case WithdrawConsent:
		q.ticks = append(q.ticks, tick{deadline.ConsentWithdrawn, at})
	default: // received, and no more
	}
	record, err := d.seal(ctx, requestPlace(s.Tenant, s.ID), q.encode())
	if err != nil {
		return false, err
	}
	row := q.row(s.Tenant, s.ID)
	row.Record = record
	inserted, err := d.store.InsertRequest(ctx, row)
	return inserted, wrap("write request", err)
}

// submitted is the request that was submitted under the id before.
func (d *Desk) submitted(ctx context.Context, s *Submission) (Request, error) {
	q, err := d.read(ctx, s.Tenant, s.ID)
	if err != nil {
		return Request{}, err
	}
	if q.fingerprint != s.fingerprint() {
		return Request{}, ErrConflict
	}
	return q.view(s.Tenant, s.ID, d.micros()), nil
}

// begin records that a request was received, with all that belongs to it.
func (c *change) begin(ctx context.Context, s *Submission) error {
	if s.Mandate != nil {
		m, err := c.admit(ctx, s.Mandate)
		if err != nil {
			return err
		}
		c.q.agent = m
	}
	words := make([]string, len(c.q.regimes))
	copy(words, c.q.regimes)
	facts := troth.Facts{
		"request": troth.ID(c.id), "right": troth.Word(string(c.q.right)), "via": troth.Word(string(c.q.via)),
		"received": troth.Instant(instant(c.q.receivedAt)), "regimes": troth.Words(words...),
	}
	if a := c.q.agent; a != nil {
		facts["agent"] = troth.Word(string(a.basis))
		if a.document != ([32]byte{}) {
			facts["document"] = troth.Digest(a.document)
		}
	}
	if c.q.of != "" {
		facts["of"] = troth.ID(c.q.of)
	}
	if _, err := c.d.record(ctx, troth.Entry{Act: actSubmit, Tenant: c.tenant, SubjectID: c.q.subject, Facts: facts}); err != nil {
		return err
	}
	if err := c.sealContents(ctx, &s.Contents); err != nil {
		return err
	}
	if err := c.fire(ctx, Submitted, happening{at: c.q.receivedAt, word: string(c.q.via)}); err != nil {
		return err
	}
	if err := c.acknowledge(ctx); err != nil {
		return err
	}
	if c.q.needs() == LevelNone {
		_, err := c.prove(ctx, evidence{level: LevelNone, method: NotNeeded, subject: c.q.subject})
		return err
	}
	return nil
}

// acknowledge has the person told that the request was received, and by when they will
// have an answer (11 CCR §7021(a)).
func (c *change) acknowledge(ctx context.Context) error {
	answered := *c.q
	answered.acknowledgedAt = c.now // by when they have an answer, and not this letter
	l, err := c.d.lead(&answered)
	if err != nil || !l.found {
		l.due = c.q.receivedAt + c.d.opt.lapse.Microseconds()
	}
	_, err = c.write(ctx, draft{
		kind: MessageReceived, then: Acknowledged,
		Text: receivedText(c.q.language, c.id, instant(c.q.receivedAt), instant(l.due), c.d.opt.loc),
	})
	return err
}
