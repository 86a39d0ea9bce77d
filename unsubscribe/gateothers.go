package unsubscribe

import (
	"context"
	"fmt"
	"sync"

	"github.com/trothdev/troth"
)

// askOthers asks the other ledgers about all whom the registry lets through. What
// they say of stops marketing and nothing else, as an opt-out does.
func (a *asking) askOthers(ctx context.Context, batch []Verdict) error {
	peers := a.g.r.opt.peers
	if len(peers) == 0 || a.c.Class != Marketing {
		return nil
	}
	of := a.g.r.purposeOf(a.c.List)
	if err := of.Validate(); err != nil {
		return err
	}
	concerned := a.concerned(ctx, of)
	var queries []troth.ObjectionQuery
	var which []*Verdict
	for i := range batch {
		v := &batch[i]
		if !v.Send {
			continue
		}
		people, err := a.people(ctx, v, concerned)
		if err != nil {
			return err
		}
		for _, who := range people {
			queries = append(queries, troth.ObjectionQuery{Subject: who, Purpose: of, Channel: string(a.c.Channel)})
			which = append(which, v)
		}
	}
	if len(queries) == 0 {
		return nil
	}
	for _, peer := range peers {
		answers, err := peer.Objected(ctx, queries)
		if err != nil {
			return fmt.Errorf("unsubscribe: ask for objections: %w", err)
		}
		if len(answers) != len(queries) {
			return fmt.Errorf("%w: a ledger of objections gave no answer", ErrStale)
		}
		for i := range answers {
			if v := which[i]; answers[i].Objected && v.Send {
				v.Decision = Decision{Reason: ReasonObjected, Event: answers[i].OriginID}
			}
		}
	}
	return nil
}

// concerned tells, when it is asked for the first time, whether any ledger may know
// of the purpose: each that does not say that it has nothing to do with it.
func (a *asking) concerned(ctx context.Context, of troth.Purpose) func() (bool, error) {
	return sync.OnceValues(func() (bool, error) {
		for _, peer := range a.g.r.opt.peers {
			p, says := peer.(interface {
				Concerns(ctx context.Context, tenant troth.Tenant, p troth.Purpose) (bool, error)
			})
			if !says {
				return true, nil
			}
			is, err := p.Concerns(ctx, a.c.Tenant, of)
			if err != nil {
				return true, fmt.Errorf("unsubscribe: ask a ledger of objections: %w", err)
			}
			if is {
				return true, nil
			}
		}
		return false, nil
	})
}

// people are those whose address it is, as far as the host knows. Where nobody can
// tell, the verdict becomes a no, unless no ledger is concerned.
func (a *asking) people(ctx context.Context, v *Verdict, concerned func() (bool, error)) ([]troth.Subject, error) {
	nobody := func() ([]troth.Subject, error) {
		v.Decision = Decision{Reason: ReasonPerson}
		return nil, nil
	}
	if v.Recipient.SubjectID != "" {
		who := troth.Subject{Tenant: a.c.Tenant, ID: v.Recipient.SubjectID}
		if who.Validate() != nil {
			return nobody()
		}
		return []troth.Subject{who}, nil
	}
	if address, _ := v.Recipient.Address.Reveal(purpose); address == "" || a.g.r.opt.directory == nil {
		if is, err := concerned(); err != nil || !is {
			return nil, err
		}
		return nobody()
	}
	people, err := a.g.r.opt.directory.Subjects(ctx, a.c.Tenant,
		troth.Address{Channel: string(a.c.Channel), Value: v.Recipient.Address})
	if err != nil {
		return nil, fmt.Errorf("unsubscribe: ask the directory: %w", err)
	}
	return people, nil
}
