package consent

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/trothdev/troth"
)

// Objected implements [troth.Objections]: it tells whom a purpose is denied for by
// what they said. It asks no other ledger. Purposes that are not in the catalogue
// are answered by objections alone.
func (l *Ledger) Objected(ctx context.Context, queries []troth.ObjectionQuery) ([]troth.ObjectionAnswer, error) {
	answers := make([]troth.ObjectionAnswer, len(queries))
	for i, q := range queries {
		a, err := l.objected(ctx, q)
		if err != nil {
			return nil, err
		}
		answers[i] = a
	}
	return answers, nil
}

func (l *Ledger) objected(ctx context.Context, q troth.ObjectionQuery) (troth.ObjectionAnswer, error) {
	if err := q.Subject.Validate(); err != nil {
		return troth.ObjectionAnswer{}, err
	}
	if l.tx.Scope(ctx) == nil {
		if err := l.checkFeed(ctx); err != nil {
			return troth.ObjectionAnswer{}, err
		}
	}
	t, err := l.tenant(ctx, q.Subject.Tenant)
	if err != nil {
		return troth.ObjectionAnswer{}, err
	}
	// A no that is still in a transaction counts for whoever asks here.
	open, err := l.undecidedOutside(ctx, q.Subject)
	if err != nil {
		return troth.ObjectionAnswer{}, err
	}
	k, err := l.known(ctx, t, q.Subject, l.tx.Scope(ctx) != nil || len(open) > 0)
	if err != nil {
		return troth.ObjectionAnswer{}, err
	}
	for _, p := range open {
		for _, n := range p.nos {
			if n.purpose == q.Purpose {
				return troth.ObjectionAnswer{Objected: true, Reason: string(n.reason), OriginID: n.event}, nil
			}
		}
	}
	return k.objection(t.catalogue, q.Purpose, max(l.micros(), k.given)), nil
}

func (l *Ledger) undecidedOutside(ctx context.Context, who troth.Subject) ([]*pending, error) {
	if l.tx.Scope(ctx) != nil {
		return nil, nil
	}
	return l.undecided(ctx, who)
}

// objection is the last word of a person that denies a purpose.
func (k *known) objection(c Catalogue, p troth.Purpose, at int64) troth.ObjectionAnswer {
	s := k.states.of(p)
	choice, o := s.last(choiceTrack), s.last(objectionTrack)
	var last *mark
	if o.exists() && o.kind() != ObjectionLifted {
		t := inForce(c[p], at, forever)
		if o.kind() == Objected || t != nil && objects(o, t) {
			last = o
		}
	}
	if choice.exists() && (last == nil || choice.compare(last) > 0) {
		last = choice
	}
	if last == nil || !last.code.nature().no && last.kind() != ObjectionOverruled {
		return troth.ObjectionAnswer{}
	}
	return troth.ObjectionAnswer{Objected: true, Reason: string(reasonOf(last.kind())), OriginID: last.id}
}

// Object implements [troth.Objections]: another ledger tells of an objection or
// opt-out, in whose transaction it is recorded. One without a purpose is to all
// direct marketing that the catalogue knows. What came from this ledger, or was
// told before, changes nothing, so that two ledgers which tell each other do not
// echo. What is told of somebody who was erased changes nothing either: nothing is
// allowed for them.
//
// The ledger has no channels: an objection to messages on one is an objection to the
// purpose. A host where people choose between them gives each a purpose of its own,
// such as "newsletter-sms".
func (l *Ledger) Object(ctx context.Context, o troth.Objection) error {
	if err := checkID("origin", strings.TrimPrefix(o.OriginID, "~"), troth.MaxIdentifier-1); err != nil {
		return err
	}
	if reserved(o.Subject.ID) {
		return &troth.IdentifierError{Kind: "subject", Reason: "is reserved"}
	}
	ours, err := l.isOurs(ctx, o)
	if err != nil || ours {
		return err
	}
	purposes, err := l.objectedTo(ctx, o)
	if err != nil || len(purposes) == 0 {
		return err
	}
	f := Form{
		ID: "~objection/" + shortKey(o.OriginID), Subject: o.Subject, GivenAt: o.At, Method: ByPeer, Channel: OverAPI,
	}
	for _, p := range purposes {
		f.Choices = append(f.Choices, Choice{Purpose: p, Kind: Objected})
	}
	if err := f.Subject.Validate(); err != nil {
		return err
	}
	d, err := l.tenant(ctx, f.Subject.Tenant)
	if err != nil {
		return err
	}
	err = l.tx.Atomically(ctx, func(ctx context.Context) error {
		drafts, err := l.drafts(d, &f, nil, l.micros(), true)
		if err != nil {
			return err
		}
		_, err = l.append(ctx, d, &f, drafts)
		return err
	})
	l.settleEnded(f.Subject)
	if errors.Is(err, ErrErased) {
		return nil // nothing is allowed for them, and the other's no must not fail
	}
	return err
}

// isOurs reports whether the objection is an event of this ledger: of that person,
// and one that denies. Anything else under its id is not believed to be.
func (l *Ledger) isOurs(ctx context.Context, o troth.Objection) (bool, error) {
	row, found, err := l.store.Event(ctx, o.Subject.Tenant, o.OriginID)
	if err != nil {
		return false, fmt.Errorf("consent: read event: %w", err)
	}
	if !found || row.SubjectID != o.Subject.ID {
		return false, nil
	}
	d, err := l.tenant(ctx, o.Subject.Tenant)
	if err != nil {
		return false, err
	}
	e, err := d.openEvent(row)
	return err == nil && e.Kind.Denies() && (o.Purpose == "" || o.Purpose == e.Purpose), err
}

func (l *Ledger) objectedTo(ctx context.Context, o troth.Objection) ([]troth.Purpose, error) {
	if o.Purpose != "" {
		return []troth.Purpose{o.Purpose}, o.Purpose.Validate()
	}
	d, err := l.tenant(ctx, o.Subject.Tenant)
	if err != nil {
		return nil, err
	}
	var all []troth.Purpose
	for p, versions := range d.catalogue {
		if versions[len(versions)-1].DirectMarketing {
			all = append(all, p)
		}
	}
	slices.Sort(all)
	return all, nil
}
