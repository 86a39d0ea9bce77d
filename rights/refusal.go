package rights

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/deadline"
	"github.com/trothdev/troth/internal/canon"
)

// Refusal says no to a request, or to a part of it. Who decided is on the trail.
type Refusal struct {
	Tenant  troth.Tenant
	Request string
	Reason  Reason
	// Citation is the law. The desk knows it for most reasons under GDPR, UK GDPR and
	// CCPA; where it does not, it must be given.
	Citation string
	// Scope names what it is about: sources, types or ids of records, at most 64, none
	// about a person. Empty is all that was asked for, which some reasons do not allow:
	// that one file must stay is no reason to keep an account.
	Scope []string
	// Evidence is the SHA-256 of what shows that the reason holds, which the host keeps.
	// Some reasons need it.
	Evidence [32]byte
	// Review is when it is looked at again. What stays only for now needs it.
	Review time.Time

	// ID, At and AppealBy are given by the desk. AppealBy is until when the person can
	// appeal to the host, where a law that applies knows an appeal; UTC.
	ID       string
	At       time.Time
	AppealBy time.Time
}

// Refused is a refusal as it was recorded, and what the person must be told.
type Refused struct {
	Refusal
	State State
	// Text is what the person must get, in the language of the
	// request: the reason, where to complain, that there are courts, the appeal if there
	// is one, and what becomes of the rest.
	Text
	// Sent says that the desk sends it; otherwise it is for the host to do.
	Sent bool
}

const refusalDomain = "troth.rights.refusal/1"

func (f *Refusal) encode() []byte {
	dst := canon.AppendDomain(nil, refusalDomain)
	dst = canon.AppendText(dst, f.Reason)
	dst = canon.AppendText(dst, f.Citation)
	dst = appendTexts(dst, f.Scope)
	dst = canon.AppendBytes(dst, f.Evidence[:])
	dst = canon.AppendInt(dst, micros(f.Review))
	dst = canon.AppendInt(dst, micros(f.At))
	return canon.AppendInt(dst, micros(f.AppealBy))
}

func parseRefusal(tenant troth.Tenant, request, id string, b []byte) (f Refusal, err error) {
	r := reader{Walker: canon.Walk(b, refusalDomain)}
	f = Refusal{Tenant: tenant, Request: request, ID: id, Reason: Reason(r.text()), Citation: r.text(), Scope: r.texts()}
	r.fixed(f.Evidence[:])
	f.Review, f.At, f.AppealBy = instant(r.Int()), instant(r.Int()), instant(r.Int())
	if !r.done() {
		return Refusal{}, ErrRecord
	}
	return f, nil
}

// refusalError says what a refusal lacks.
func refusalError(what string) error { return fmt.Errorf("%w: %s", ErrRefusal, what) }

func (f *Refusal) validate() error {
	rule, known := reasonRules[f.Reason]
	switch {
	case !known:
		return refusalError("its reason is none of the list")
	case len(f.Citation) > 500 || len(f.Scope) > maxList:
		return ErrTooMuch
	case rule.evidence && f.Evidence == [32]byte{}:
		return refusalError("nothing shows that the reason holds")
	case rule.records && len(f.Scope) == 0:
		return refusalError("it does not say which records it is about")
	case rule.review && f.Review.IsZero():
		return refusalError("it is never looked at again")
	}
	for _, s := range f.Scope {
		if err := checkID("scope of a refusal", s); err != nil {
			return err
		}
	}
	if f.Citation != "" {
		return identifierError("citation", troth.Purpose(f.Citation).Validate())
	}
	return nil
}

// Refuse refuses a request as a whole, and ends it.
func (d *Desk) Refuse(ctx context.Context, f Refusal) (Refused, error) {
	return d.refuse(ctx, f, WasRefused)
}

// RefusePart refuses a part of a request; the rest goes on, and ends as partially
// fulfilled. It needs a scope.
func (d *Desk) RefusePart(ctx context.Context, f Refusal) (Refused, error) {
	if len(f.Scope) == 0 {
		return Refused{}, refusalError("a part has a scope")
	}
	return d.refuse(ctx, f, PartRefused)
}

func (d *Desk) refuse(ctx context.Context, f Refusal, k Kind) (Refused, error) {
	if err := f.validate(); err != nil {
		return Refused{}, err
	}
	var done Refused
	_, err := d.change(ctx, f.Tenant, f.Request, func(ctx context.Context, c *change) (err error) {
		done, err = c.refuse(ctx, f, k)
		return err
	})
	return done, err
}

// refuse records a refusal inside a change, and has the person told.
func (c *change) refuse(ctx context.Context, f Refusal, k Kind) (Refused, error) {
	if err := c.complete(&f); err != nil {
		return Refused{}, err
	}
	if _, can := next(c.q.state, k, func(Guard) bool { return true }); !can {
		return Refused{}, &StateError{State: c.q.state, Event: k}
	}
	key := ItemKey{Tenant: c.tenant, Owner: c.id, Kind: ItemRefusal, ID: f.ID}
	if err := c.d.insertItem(ctx, ItemRow{ItemKey: key}, f.encode()); err != nil {
		return Refused{}, err
	}
	if !f.Review.IsZero() {
		o := Obligation{ID: "review-" + f.ID, Kind: RefusalReview, Ref: f.ID, DueAt: f.Review}
		if err := c.oblige(ctx, o); err != nil {
			return Refused{}, err
		}
	}
	if k == WasRefused {
		c.q.reason = f.Reason
	} else {
		c.q.left++
	}
	done := Refused{Refusal: f, Text: refusalText(c.q.language, &f, c.d.remedyFor(c.q), k == PartRefused, c.d.opt.loc)}
	var err error
	if done.Sent, err = c.write(ctx, draft{kind: MessageRefused, word: string(f.Reason), Text: done.Text}); err != nil {
		return Refused{}, err
	}
	err = c.fire(ctx, k, happening{word: string(f.Reason), ref: f.ID, until: micros(f.Review)})
	done.State = c.q.state
	return done, err
}

// complete fills in what the desk knows, and refuses reasons that are not so.
func (c *change) complete(f *Refusal) error {
	if f.Reason == NotVerified && c.q.proof != "" && c.q.level >= c.q.needs() && c.now < c.q.until {
		return refusalError("the person has shown who they are")
	}
	if f.Reason == AgentNotAuthorised && (c.q.agent == nil || c.q.agent.good(c.q.right, c.now)) {
		return refusalError("no agent asks, or one who may")
	}
	if f.Citation == "" {
		f.Citation = f.Reason.cite(c.q.regimes)
	}
	if f.Citation == "" {
		return refusalError("no law is cited")
	}
	if !f.Review.IsZero() && micros(f.Review) <= c.now {
		return refusalError("the review lies in the past")
	}
	f.ID, f.At = rand.Text(), instant(c.now)
	if c.q.right == Appeal || !c.d.appeals(c.q) {
		return nil
	}
	last, err := c.d.opt.appealWindow.AddTo(deadline.DateOf(f.At, c.d.opt.loc))
	if err != nil {
		return wrap("count", err)
	}
	f.AppealBy = last.End(c.d.opt.loc).UTC()
	return nil
}

// appeals reports whether a law that applies knows an appeal to the controller.
func (d *Desk) appeals(q *request) bool {
	for _, regime := range q.regimes {
		if slices.ContainsFunc(d.rules[regime], func(r deadline.Rule) bool { return r.Kind == deadline.Appeal }) {
			return true
		}
	}
	return false
}

// Remedy is what a person can do about a refusal under a law, in the host's words.
type Remedy struct {
	// Authority is who takes complaints, with an address or page.
	Authority string
	// Court is which court, where one can be named.
	Court string
	// Appeal is where an appeal to the host goes.
	Appeal string
}

// remedyFor is the remedy of the first regime that has one.
func (d *Desk) remedyFor(q *request) Remedy {
	for _, regime := range q.regimes {
		if r, ok := d.opt.remedies[regime]; ok {
			return r
		}
	}
	return Remedy{}
}

// Refusals returns what was refused of a request, ordered by id.
func (d *Desk) Refusals(ctx context.Context, tenant troth.Tenant, id string) ([]Refusal, error) {
	if err := tenant.Validate(); err != nil {
		return nil, err
	}
	var all []Refusal
	err := d.items(ctx, ItemQuery{Tenant: tenant, Owner: id, Kind: ItemRefusal}, func(row ItemRow, message []byte) error {
		f, err := parseRefusal(tenant, id, row.ID, message)
		all = append(all, f)
		return err
	})
	return all, err
}

// Reviewed closes the review of a refusal: somebody looked at it again, and it stands, or
// what it kept is done with by now.
func (d *Desk) Reviewed(ctx context.Context, tenant troth.Tenant, request, refusal, outcome string) (Request, error) {
	if err := errors.Join(checkID("outcome", outcome), checkID("refusal", refusal)); err != nil {
		return Request{}, err
	}
	return d.change(ctx, tenant, request, func(ctx context.Context, c *change) error {
		return c.discharge(ctx, "review-"+refusal, outcome)
	})
}
