package kit

import (
	"context"
	"errors"
	"iter"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/retention"
	"github.com/trothdev/troth/rights"
	"github.com/trothdev/troth/rights/export"
	"github.com/trothdev/troth/unsubscribe"
)

// unsubscribeSource is the registry of opt-outs as a source. It knows people by their
// addresses: those that the request names, and those of the host's directory.
func (k *Kit) unsubscribeSource(c Config) rights.Source {
	s := unsubscribeSource{k, c.Directory}
	return rights.Source{
		Name: "troth.unsubscribe", Title: "Opt-outs", Order: rights.Primary,
		For:     []rights.Right{rights.Know, rights.Access, rights.Portability, rights.Erase},
		Locator: s, Exporter: s, Eraser: s,
	}
}

type unsubscribeSource struct {
	k   *Kit
	dir troth.Directory
}

// addresses are those of the person, by channel.
func (s unsubscribeSource) addresses(ctx context.Context, q rights.Inquiry) (all []troth.Address, err error) {
	if s.dir != nil && q.SubjectID != "" {
		if all, err = s.dir.Addresses(ctx, q.Subject()); err != nil {
			return nil, err
		}
	}
	for _, id := range q.Identifiers {
		if c := unsubscribe.Channel(id.Kind); c == unsubscribe.Email || c == unsubscribe.SMS {
			all = append(all, troth.Address{Channel: id.Kind, Value: id.Value})
		}
	}
	return all, nil
}

// each calls fn with the history of each address.
func (s unsubscribeSource) each(ctx context.Context, q rights.Inquiry, fn func(a troth.Address, h unsubscribe.History) error) error {
	all, err := s.addresses(ctx, q)
	if err != nil {
		return err
	}
	for _, a := range all {
		h, err := s.k.Unsubscribe.History(ctx, q.Tenant, unsubscribe.Channel(a.Channel), a.Value, rightsPurpose)
		if err != nil {
			return err
		}
		if err := fn(a, h); err != nil {
			return err
		}
	}
	return nil
}

// events are what was said under the person's addresses, and by their id under others: each
// once.
func (s unsubscribeSource) events(ctx context.Context, q rights.Inquiry) (all []unsubscribe.HistoryEvent, addresses []troth.Address, err error) {
	type one struct {
		scope unsubscribe.Scope
		id    string
	}
	seen := map[one]bool{}
	add := func(events []unsubscribe.HistoryEvent) {
		for i := range events {
			if key := (one{events[i].Event.Place.Scope, events[i].Event.ID}); !seen[key] {
				seen[key] = true
				all = append(all, events[i])
			}
		}
	}
	err = s.each(ctx, q, func(a troth.Address, h unsubscribe.History) error {
		add(h.Events)
		addresses = append(addresses, a)
		return nil
	})
	if err != nil || q.SubjectID == "" {
		return all, addresses, err
	}
	byID, err := s.k.Unsubscribe.HistoryOf(ctx, q.Subject(), rightsPurpose)
	add(byID)
	return all, addresses, err
}

// Locate counts what can be disclosed, or erased.
func (s unsubscribeSource) Locate(ctx context.Context, q rights.Inquiry) (found rights.Located, err error) {
	all, addresses, err := s.events(ctx, q)
	if err != nil {
		return found, err
	}
	found.Records = uint64(len(all))
	for _, a := range addresses {
		found.Identifiers = append(found.Identifiers, rights.Identifier{Kind: a.Channel, Value: a.Value})
	}
	if q.Right == rights.Erase {
		var there int
		there, err = s.k.Unsubscribe.Erasable(ctx, q.Subject(), addresses...)
		found.Records = uint64(there)
	}
	return found, err
}

func (unsubscribeSource) Types() []export.Type {
	return []export.Type{{Name: "opt-out", Title: "What was said about messages", Category: "preferences", About: export.Person}}
}

func (s unsubscribeSource) Export(ctx context.Context, q rights.Inquiry) iter.Seq2[export.Record, error] {
	return func(yield func(export.Record, error) bool) {
		all, _, err := s.events(ctx, q)
		if err != nil {
			yield(export.Record{}, err)
			return
		}
		for i := range all {
			e := &all[i].Event
			r := export.Record{Type: "opt-out", ID: e.ID, Fields: []export.Field{
				export.Text("kind", string(e.Kind)), export.Text("scope", string(e.Place.Scope)), export.Text("list", e.Place.List),
				export.Text("channel", string(e.Channel)), export.Text("method", string(e.Method)), export.Time("said", e.At),
			}}
			if !yield(r, nil) {
				return
			}
		}
	}
}

// Erase takes the person out of the events. What stays is the keyed entry that keeps
// them out of the next campaign.
func (s unsubscribeSource) Erase(ctx context.Context, q rights.Inquiry) (rights.Report, error) {
	r := rights.Report{Outcome: rights.Done, Method: rights.Deleted, Asked: []string{bySubject, string(unsubscribe.Email)}}
	all, err := s.addresses(ctx, q)
	if err != nil {
		return rights.Report{}, err
	}
	there, err := s.k.Unsubscribe.Erasable(ctx, q.Subject(), all...)
	if err != nil {
		return rights.Report{}, err
	}
	err = s.each(ctx, q, func(_ troth.Address, h unsubscribe.History) error {
		r.Keyed += uint64(len(h.Entries))
		return nil
	})
	if err != nil {
		return rights.Report{}, err
	}
	if there == 0 {
		return rights.Report{Outcome: rights.NothingFound, Asked: r.Asked, Keyed: r.Keyed}, nil
	}
	erase := func(p unsubscribe.EraseParams) error {
		p.Tenant, p.Ground = q.Tenant, erasureGround
		n, err := s.k.Unsubscribe.Erase(ctx, p)
		r.Records += uint64(n)
		return err
	}
	if q.SubjectID != "" {
		err = erase(unsubscribe.EraseParams{SubjectID: q.SubjectID})
	}
	for i := 0; i < len(all) && err == nil; i++ {
		err = erase(unsubscribe.EraseParams{Channel: unsubscribe.Channel(all[i].Channel), Address: all[i].Value})
	}
	if held, is := errors.AsType[*retention.HeldError](err); is {
		kept, err := s.k.keptBy(ctx, q.Tenant, held, uint64(there)-r.Records)
		kept.Records, kept.Method, kept.Asked, kept.Keyed = r.Records, r.Method, r.Asked, r.Keyed
		return kept, err
	}
	return r, err
}

var _ rights.Exporter = unsubscribeSource{}
