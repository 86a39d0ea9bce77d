package consent

import (
	"context"
	"fmt"
	"slices"

	"github.com/trothdev/troth"
)

// Batch asks about many people at once.
type Batch struct {
	Tenant  troth.Tenant
	Purpose troth.Purpose
	// Recipient, if it is given, must be covered too.
	Recipient  string
	SubjectIDs []string
}

// batchPage is how many people are read at once.
const batchPage = 10_000

// CheckBatch decides about many people as of now, in the order of SubjectIDs: as
// [Ledger.Check] does for each, but with one read for ten thousand, and without
// filling the memory with them. An error decides about nobody.
func (l *Ledger) CheckBatch(ctx context.Context, b Batch) ([]Decision, error) {
	for _, id := range b.SubjectIDs {
		if err := (troth.Subject{Tenant: b.Tenant, ID: id}).Validate(); err != nil {
			return nil, err
		}
	}
	if l.tx.Scope(ctx) == nil {
		if err := l.checkFeed(ctx); err != nil {
			return nil, err
		}
	}
	t, err := l.tenant(ctx, b.Tenant)
	if err != nil {
		return nil, err
	}
	all := make([]Decision, 0, len(b.SubjectIDs))
	for page := range slices.Chunk(b.SubjectIDs, batchPage) {
		if all, err = l.checkPage(ctx, t, &b, page, all); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// checkPage appends the decisions about the people of one page.
func (l *Ledger) checkPage(ctx context.Context, t *tenantData, b *Batch, page []string, all []Decision) ([]Decision, error) {
	purposes := t.catalogue.closure(b.Purpose)
	found := make([]map[string]*state, len(purposes))
	for i, p := range purposes {
		var err error
		if found[i], err = l.statesOf(ctx, t, p, page); err != nil {
			return nil, err
		}
	}
	now := max(l.micros(), t.catalogue.latest(b.Purpose))
	of := make(states, len(purposes))
	first := len(all)
	for _, id := range page {
		asked := question{purpose: b.Purpose, recipient: b.Recipient, at: now, knownAt: forever}
		for i, p := range purposes {
			of[i] = purposeState{purpose: p}
			if s := found[i][id]; s != nil {
				of[i].state = *s
				asked.at = max(asked.at, s.given)
			}
		}
		all = append(all, decide(t.catalogue, of, asked))
	}
	return all, l.overlay(ctx, t, b, page, all[first:])
}

// statesOf reads the states of many people about a purpose.
func (l *Ledger) statesOf(ctx context.Context, t *tenantData, p troth.Purpose, page []string) (map[string]*state, error) {
	rows, err := l.store.StatesOf(ctx, t.key.tenant, p, page)
	if err != nil {
		return nil, fmt.Errorf("consent: read states: %w", err)
	}
	found := make(map[string]*state, len(rows))
	decoded := make([]purposeState, len(rows))
	for i, row := range rows {
		if row.Purpose != p {
			return nil, ErrRecord
		}
		if decoded[i], err = t.openState(row); err != nil {
			return nil, err
		}
		found[row.SubjectID] = &decoded[i].state
	}
	return found, nil
}

// overlay applies to decisions what is not in the rows: what is still in
// transactions of this process, and what other ledgers know.
func (l *Ledger) overlay(ctx context.Context, t *tenantData, b *Batch, page []string, decided []Decision) error {
	outside := l.tx.Scope(ctx) == nil
	terms := inForce(t.catalogue[b.Purpose], l.micros(), forever)
	ask := terms != nil && terms.DirectMarketing && len(l.opt.peers) > 0
	var queries []troth.ObjectionQuery
	var which []int
	for i, id := range page {
		if !decided[i].Allowed {
			continue
		}
		who := troth.Subject{Tenant: b.Tenant, ID: id}
		if outside && l.pendings.count.Load() > 0 {
			open, err := l.undecided(ctx, who)
			if err != nil {
				return err
			}
			at := max(micros(decided[i].At), latestNo(open))
			decided[i].overrule(t.catalogue, open, question{purpose: b.Purpose, at: at, knownAt: forever}, 0)
		}
		if ask && decided[i].Allowed {
			queries, which = append(queries, troth.ObjectionQuery{Subject: who, Purpose: b.Purpose}), append(which, i)
		}
	}
	if len(queries) == 0 {
		return nil
	}
	for _, peer := range l.opt.peers {
		answers, err := peer.Objected(ctx, queries)
		if err != nil {
			return fmt.Errorf("consent: ask for objections: %w", err)
		}
		if len(answers) != len(queries) {
			return fmt.Errorf("%w: a ledger of objections gave no answer", ErrStale)
		}
		for j, a := range answers {
			if a.Objected {
				decided[which[j]].Event = a.OriginID
				decided[which[j]].deny(ReasonObjected)
			}
		}
	}
	return nil
}

// closure is a purpose and all that it requires, in any version.
func (c Catalogue) closure(p troth.Purpose) []troth.Purpose {
	all := []troth.Purpose{p}
	for i := 0; i < len(all); i++ {
		for _, t := range c[all[i]] {
			for _, required := range t.Requires {
				if !slices.Contains(all, required) {
					all = append(all, required)
				}
			}
		}
	}
	return all
}
