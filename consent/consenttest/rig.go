package consenttest

import (
	"context"
	"fmt"
	"strings"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/consent"
	"github.com/trothdev/troth/internal/suite"
)

// rig is a harness with the vocabulary of the checks: the store, its transactor,
// and two tenants that nobody else uses.
type rig struct {
	suite.Rig
	Harness
	s consent.Backend
}

func newRig(t suite.TB, h Harness) *rig {
	return &rig{Rig: suite.NewRig(t, h.Backend.Transactor(), h.Host), Harness: h, s: h.Backend}
}

// What every suite has.
const (
	instant  = suite.Instant
	crowd    = suite.Crowd
	patience = suite.Patience
)

// everyByte is in it, so that a column of text would spoil it.
func everyByte(salt byte) []byte { return append(suite.EveryByte(), salt) }

func hash(salt byte) (h [32]byte) {
	copy(h[:], everyByte(salt)[200:])
	h[0] = salt
	return h
}

func terms(t troth.Tenant, p troth.Purpose, v uint32) consent.TermsRow {
	return consent.TermsRow{Tenant: t, Purpose: p, Version: v, Record: everyByte(byte(v))}
}

func notice(t troth.Tenant, id string, v uint32) consent.NoticeRow {
	return consent.NoticeRow{Tenant: t, ID: id, Version: v, Record: everyByte(byte(v))}
}

func person(t troth.Tenant, id string, salt byte) consent.PersonRow {
	return consent.PersonRow{Tenant: t, SubjectID: id, Record: everyByte(salt)}
}

func said(t troth.Tenant, who, id string, p troth.Purpose, at int64) consent.EventRow {
	return consent.EventRow{
		Tenant: t, SubjectID: who, ID: id, Purpose: p, RecordedAt: at,
		Record: everyByte(1), Proof: everyByte(2), Content: everyByte(3),
	}
}

func stateOf(t troth.Tenant, who string, p troth.Purpose, salt byte) consent.StateRow {
	return consent.StateRow{Tenant: t, SubjectID: who, Purpose: p, Record: everyByte(salt)}
}

func linkOf(t troth.Tenant, device, account string) consent.LinkRow {
	return consent.LinkRow{Tenant: t, Device: device, Account: account, Record: everyByte(4)}
}

func requestOf(t troth.Tenant, who, id string, token byte) consent.RequestRow {
	return consent.RequestRow{Tenant: t, SubjectID: who, ID: id, Token: hash(token), Record: everyByte(token)}
}

func dueOf(t troth.Tenant, who string, kind consent.DueKind, at int64) consent.DueRow {
	return consent.DueRow{Tenant: t, SubjectID: who, Kind: kind, Purpose: "p", Ref: "r", At: at}
}

func (r *rig) lock(ctx context.Context, row consent.PersonRow) consent.PersonRow {
	r.Helper()
	got, err := r.s.LockPerson(ctx, row)
	r.OK(err, "lock person")
	return got
}

// fill gives a tenant one row of every kind at least, the same for each tenant but
// for the tenant.
func (r *rig) fill(ctx context.Context, t troth.Tenant) {
	r.Helper()
	for what, fn := range r.writes(t) {
		if !strings.HasPrefix(what, "Insert") && !strings.HasPrefix(what, "Put") && !strings.HasPrefix(what, "Count") {
			continue
		}
		if what == "PutPerson" {
			continue // there is nobody yet
		}
		r.OK(fn(ctx), what)
	}
	r.Atomically(ctx, func(ctx context.Context) {
		r.lock(ctx, person(t, "42", 1))
		r.lock(ctx, person(t, "43", 2))
	})
	_, err := r.s.InsertEvent(ctx, said(t, "43", "e9", "p", instant))
	r.OK(err, "insert event")
}

// writes are all calls that write and need no transaction, by the name of their
// method, each of which changes what a tenant that was filled has.
func (r *rig) writes(t troth.Tenant) map[string]func(ctx context.Context) error {
	s := r.s
	return map[string]func(ctx context.Context) error{
		"InsertTerms":  func(ctx context.Context) error { _, err := s.InsertTerms(ctx, terms(t, "p", 1)); return err },
		"InsertNotice": func(ctx context.Context) error { _, err := s.InsertNotice(ctx, notice(t, "n", 1)); return err },
		"PutText":      func(ctx context.Context) error { return s.PutText(ctx, t, hash(9), everyByte(9)) },
		"PutPerson":    func(ctx context.Context) error { return s.PutPerson(ctx, person(t, "42", 77)) },
		"InsertEvent": func(ctx context.Context) error {
			_, err := s.InsertEvent(ctx, said(t, "42", "e1", "p", instant))
			return err
		},
		"DeleteEvents":  func(ctx context.Context) error { return s.DeleteEvents(ctx, t, "42", []string{"e1"}) },
		"PutState":      func(ctx context.Context) error { return s.PutState(ctx, stateOf(t, "42", "p", 5)) },
		"DeleteState":   func(ctx context.Context) error { return s.DeleteState(ctx, t, "42", "p") },
		"InsertLink":    func(ctx context.Context) error { _, err := s.InsertLink(ctx, linkOf(t, "d1", "42")); return err },
		"PutRequest":    func(ctx context.Context) error { return s.PutRequest(ctx, requestOf(t, "42", "q1", 6)) },
		"DeleteRequest": func(ctx context.Context) error { return s.DeleteRequest(ctx, t, "42", "q1") },
		"InsertDelivery": func(ctx context.Context) error {
			_, err := s.InsertDelivery(ctx, consent.DeliveryRow{Tenant: t, EventID: "e1", Processor: "mailer", At: instant})
			return err
		},
		"Acknowledge": func(ctx context.Context) error {
			_, err := s.Acknowledge(ctx, t, "e1", "mailer", instant+1)
			return err
		},
		"PutDue":       func(ctx context.Context) error { return s.PutDue(ctx, dueOf(t, "42", consent.DueRefresh, instant)) },
		"DeleteDue":    func(ctx context.Context) error { return s.DeleteDue(ctx, dueOf(t, "42", consent.DueRefresh, instant)) },
		"CountRefusal": func(ctx context.Context) error { return s.CountRefusal(ctx, t, "p", 20_000) },
		"EraseContent": func(ctx context.Context) error { _, err := s.EraseContent(ctx, t, "42"); return err },
		"MovePerson": func(ctx context.Context) error {
			return s.MovePerson(ctx, consent.MovePerson{Tenant: t, From: "42", To: "~42", Mark: hash(42), Record: everyByte(42)})
		},
		"DeletePerson": func(ctx context.Context) error { _, err := s.DeletePerson(ctx, t, "42"); return err },
	}
}

// dump is everything that the reads tell of what fill and writes make.
func (r *rig) dump(ctx context.Context, t troth.Tenant) string {
	r.Helper()
	var b strings.Builder
	add := func(what string, v any, err error) {
		r.OK(err, what)
		fmt.Fprintf(&b, "%s: %+v\n", what, v)
	}
	tell := func(what string, v any, found bool, err error) { add(what, fmt.Sprint(found, v), err) }
	termsRows, err := r.s.Terms(ctx, t)
	add("Terms", termsRows, err)
	notices, err := r.s.Notices(ctx, t, "n")
	add("Notices", notices, err)
	text, found, err := r.s.Text(ctx, t, hash(9))
	tell("Text", text, found, err)
	for _, id := range []string{"42", "43", "~42"} {
		row, found, err := r.s.Person(ctx, t, id)
		tell("Person", row, found, err)
		events, err := r.s.Events(ctx, t, id, "")
		add("Events", events, err)
		events, err = r.s.Events(ctx, t, id, "p")
		add("Events about p", events, err)
		states, err := r.s.States(ctx, t, id)
		add("States", states, err)
		links, err := r.s.Links(ctx, t, id)
		add("Links", links, err)
		requests, err := r.s.Requests(ctx, t, id)
		add("Requests", requests, err)
	}
	row, found, err := r.s.ErasedPerson(ctx, t, hash(42))
	tell("ErasedPerson", row, found, err)
	event, found, err := r.s.Event(ctx, t, "e1")
	tell("Event", event, found, err)
	of, err := r.s.StatesOf(ctx, t, "p", []string{"42", "43", "44"})
	add("StatesOf", of, err)
	after, err := r.s.StatesAfter(ctx, t, "p", "", 10)
	add("StatesAfter", after, err)
	link, found, err := r.s.Link(ctx, t, "d1")
	tell("Link", link, found, err)
	request, found, err := r.s.RequestByToken(ctx, t, hash(6))
	tell("RequestByToken", request, found, err)
	deliveries, err := r.s.Deliveries(ctx, t, "e1")
	add("Deliveries", deliveries, err)
	refusals, err := r.s.Refusals(ctx, t, "p")
	add("Refusals", refusals, err)
	due, err := r.s.Due(ctx, instant+1, 1000)
	var ours []consent.DueRow
	for _, d := range due {
		if d.Tenant == t {
			ours = append(ours, d)
		}
	}
	add("Due", ours, err)
	return b.String()
}
