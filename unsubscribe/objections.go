package unsubscribe

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/trothdev/troth"
)

var _ troth.Objections = (*Registry)(nil)

// purposeOf is what messages of a list are sent for, as other ledgers call it.
func (r *Registry) purposeOf(list string) troth.Purpose {
	if p, has := r.opt.purposes[list]; has {
		return p
	}
	return troth.Purpose(list)
}

// listsOf are the lists whose messages are sent for a purpose.
func (r *Registry) listsOf(p troth.Purpose) []string {
	var lists []string
	for list, of := range r.opt.purposes {
		if of == p {
			lists = append(lists, list)
		}
	}
	if len(lists) == 0 {
		lists = append(lists, string(p))
	}
	slices.Sort(lists)
	return lists
}

// whoIs asks the directory for the person, if the host did not say who it is and it
// knows one and no more.
func (r *Registry) whoIs(ctx context.Context, d *draft) error {
	if d.subjectID != "" || r.opt.directory == nil {
		return nil
	}
	people, err := r.people(ctx, d)
	if err == nil && len(people) == 1 {
		d.subjectID = people[0].ID
	}
	return err
}

func (r *Registry) people(ctx context.Context, d *draft) ([]troth.Subject, error) {
	people, err := r.opt.directory.Subjects(ctx, d.event.Place.Tenant,
		troth.Address{Channel: string(d.event.Channel), Value: troth.Protect(d.address)})
	if err != nil {
		return nil, fmt.Errorf("unsubscribe: ask the directory: %w", err)
	}
	return people, nil
}

// tellPeers tells other ledgers of each no, before entries are locked: both ledgers
// lock people first and entries then, and people in the order of their ids, so that two
// who write about many do not wait for each other. What came from a ledger is not told
// again. A ledger whose records of the client are destroyed has no yes to end: links
// outlive the client, and may end what others send.
func (r *Registry) tellPeers(ctx context.Context, drafts ...*draft) error {
	if len(r.opt.peers) == 0 {
		return nil
	}
	var all []troth.Objection
	for _, d := range drafts {
		of, err := r.objectionsOf(ctx, d)
		if err != nil {
			return err
		}
		all = append(all, of...)
	}
	slices.SortStableFunc(all, func(a, b troth.Objection) int { return strings.Compare(a.Subject.ID, b.Subject.ID) })
	for _, o := range all {
		for _, peer := range r.opt.peers {
			// In a savepoint: nothing is left of what a ledger refused.
			err := r.tx.Atomically(ctx, func(ctx context.Context) error { return peer.Object(ctx, o) })
			if err != nil && !isShredded(err) {
				return fmt.Errorf("unsubscribe: tell of an opt-out: %w", err)
			}
		}
	}
	return nil
}

// toldPeers reports whether an opt-out by a link was one for other ledgers too, which
// keep their no when it is undone: a click that takes back a click is no consent that
// anybody could show (GDPR Article 7(1)). In doubt it was.
func (r *Registry) toldPeers(ctx context.Context, k Ticket) bool {
	if len(r.opt.peers) == 0 || r.opt.directory == nil {
		return false
	}
	people, err := r.opt.directory.Subjects(ctx, k.Tenant, troth.Address{Channel: string(k.Channel), Value: k.Address})
	return err != nil || len(people) > 0
}

// objectionsOf are what other ledgers are to learn of a draft: one for each person whose
// address it is.
func (r *Registry) objectionsOf(ctx context.Context, d *draft) ([]troth.Objection, error) {
	e := &d.event
	no := e.Kind == KindOptOut || e.Kind == KindComplaint || e.Kind == KindImport
	if !no || e.Method == ByPeer {
		return nil, nil
	}
	people := []troth.Subject{{Tenant: e.Place.Tenant, ID: d.subjectID}}
	if r.opt.directory != nil {
		found, err := r.people(ctx, d)
		if err != nil {
			return nil, err
		}
		if d.subjectID == "" || slices.Contains(found, people[0]) {
			people = found
		} else {
			people = append(people, found...)
		}
	} else if d.subjectID == "" {
		return nil, nil // nobody is known: the address stays blocked by its key
	}
	o := troth.Objection{Channel: string(e.Channel), At: e.At, OriginID: e.ID}
	if e.Place.Scope == List {
		o.Purpose = r.purposeOf(e.Place.List)
	}
	all := make([]troth.Objection, len(people))
	for i, who := range people {
		all[i] = o
		all[i].Subject = who
	}
	return all, nil
}

// Object implements [troth.Objections]: a consent ledger tells of a person's no, in
// whose transaction it is recorded, for each of the addresses that the directory
// knows. One without a purpose is to all marketing of the client. What came from
// this registry, or was told before, changes nothing, so that two ledgers which tell
// each other do not echo. Where the directory knows no address, nothing is
// recorded: the other ledger, which the gate asks, has the person's no.
func (r *Registry) Object(ctx context.Context, o troth.Objection) error {
	if err := o.Subject.Validate(); err != nil {
		return err
	}
	if o.OriginID == "" || len(o.OriginID) > troth.MaxIdentifier || !clean(o.OriginID) {
		return &troth.IdentifierError{Kind: "origin", Reason: "is not valid"}
	}
	if r.opt.directory == nil {
		return needs("WithDirectory, for objections")
	}
	ours, err := r.isOurs(ctx, o)
	if err != nil || ours {
		return err
	}
	addresses, err := r.addresses(ctx, o.Subject, o.Channel)
	if err != nil {
		return err
	}
	places := []Place{{Tenant: o.Subject.Tenant, Scope: Client}}
	if o.Purpose != "" {
		if err := o.Purpose.Validate(); err != nil {
			return err
		}
		places = places[:0]
		for _, list := range r.listsOf(o.Purpose) {
			places = append(places, Place{o.Subject.Tenant, List, list})
		}
	}
	return r.tx.Atomically(ctx, func(ctx context.Context) error {
		for _, a := range addresses {
			for _, p := range places {
				if err := r.objectFor(ctx, o, p, a); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

func (r *Registry) objectFor(ctx context.Context, o troth.Objection, p Place, a troth.Address) error {
	d := &draft{
		event:     Event{Kind: KindOptOut, Place: p, Channel: Channel(a.Channel), Method: ByPeer, Origin: o.OriginID},
		subjectID: o.Subject.ID,
	}
	if err := r.prepare(d, "", o.At, a.Value); err != nil {
		return err
	}
	if err := r.find(ctx, d); err != nil {
		return err
	}
	d.event.ID = "~peer/" + digest(o.OriginID, p.List, d.keys.Exact.Hex())
	_, err := r.write(ctx, d)
	return err
}

// isOurs reports whether the objection is an event of this registry: of that client,
// one that denies, and no narrower. Anything else under its id is not believed to be:
// hosts may call two things by one id.
func (r *Registry) isOurs(ctx context.Context, o troth.Objection) (bool, error) {
	for _, registry := range []troth.Tenant{o.Subject.Tenant, troth.Platform} {
		row, found, err := r.store.Event(ctx, registry, o.OriginID)
		if err != nil {
			return false, fmt.Errorf("unsubscribe: read event: %w", err)
		}
		if !found {
			continue
		}
		e, err := openEvent(&row)
		if err != nil {
			return false, err
		}
		narrower := e.Place.Scope == List && r.purposeOf(e.Place.List) != o.Purpose || string(e.Channel) != o.Channel
		if e.Place.Tenant == o.Subject.Tenant && e.Kind.reason() != "" && !narrower {
			return true, nil
		}
	}
	return false, nil
}

// addresses are those of a person that the registry can have, on one channel or on
// all. Channels that it does not know are the host's own, and to what cannot be read
// as an address no gate lets a message through: neither is a reason to refuse a no.
func (r *Registry) addresses(ctx context.Context, who troth.Subject, channel string) ([]troth.Address, error) {
	all, err := r.opt.directory.Addresses(ctx, who)
	if err != nil {
		return nil, fmt.Errorf("unsubscribe: ask the directory: %w", err)
	}
	type usable struct {
		troth.Address
		form string
	}
	var some []usable
	for _, a := range all {
		if channel != "" && a.Channel != channel || Channel(a.Channel).number() == 0 {
			continue
		}
		plain, err := a.Value.Reveal(purpose)
		if err != nil {
			continue
		}
		if form, err := Normalise(Channel(a.Channel), plain); err == nil {
			some = append(some, usable{a, form.Exact})
		}
	}
	// In one order, whatever the directory's is: entries are locked in it.
	slices.SortFunc(some, func(a, b usable) int {
		return cmp.Or(strings.Compare(a.Channel, b.Channel), strings.Compare(a.form, b.form))
	})
	addresses := make([]troth.Address, len(some))
	for i := range some {
		addresses[i] = some[i].Address
	}
	return addresses, nil
}

// Objected implements [troth.Objections]: it tells whether a person has opted out of
// marketing for a purpose, under any of their addresses. It asks no other ledger.
func (r *Registry) Objected(ctx context.Context, queries []troth.ObjectionQuery) ([]troth.ObjectionAnswer, error) {
	if r.opt.directory == nil {
		return nil, needs("WithDirectory, for objections")
	}
	answers := make([]troth.ObjectionAnswer, len(queries))
	for i, q := range queries {
		if err := q.Subject.Validate(); err != nil {
			return nil, err
		}
		addresses, err := r.addresses(ctx, q.Subject, q.Channel)
		if err != nil {
			return nil, err
		}
		for _, a := range addresses {
			if answers[i], err = r.objected(ctx, q, a); err != nil {
				return nil, err
			}
			if answers[i].Objected {
				break
			}
		}
	}
	return answers, nil
}

func (r *Registry) objected(ctx context.Context, q troth.ObjectionQuery, a troth.Address) (troth.ObjectionAnswer, error) {
	_, rows, err := r.known(ctx, q.Subject.Tenant, Channel(a.Channel), a.Value)
	if err != nil {
		return troth.ObjectionAnswer{}, err
	}
	// A bounce is nobody's word.
	said := []Reason{ReasonOptOut, ReasonImport, ReasonComplaint}
	for _, list := range r.listsOf(q.Purpose) {
		c := Campaign{Tenant: q.Subject.Tenant, List: list, Channel: Channel(a.Channel), Class: Marketing}
		for i := range rows {
			if why := slices.IndexFunc(said, rows[i].Live); why >= 0 && rows[i].Concerns(c) {
				return troth.ObjectionAnswer{Objected: true, Reason: string(said[why]), OriginID: rows[i].Event}, nil
			}
		}
	}
	return troth.ObjectionAnswer{}, nil
}
