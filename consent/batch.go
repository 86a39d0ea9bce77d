package consent

import (
	"context"
	"fmt"
	"iter"
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
	for page, err := range l.pages(ctx, t, &b) {
		if err != nil {
			return nil, err
		}
		if all, err = l.decidePage(ctx, t, &b, page, all); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// batchRead is a page of people and their states, one list for each purpose that
// matters, the one asked about first.
type batchRead struct {
	ids  []string
	rows [][]StateRow
}

// pages reads page after page. Outside of a transaction, which serves one goroutine,
// the next one is read while the one before is decided about.
func (l *Ledger) pages(ctx context.Context, t *tenantData, b *Batch) iter.Seq2[batchRead, error] {
	purposes := t.catalogue.closure(b.Purpose)
	read := func(ctx context.Context, ids []string) (p batchRead, err error) {
		p = batchRead{ids, make([][]StateRow, len(purposes))}
		for i, purpose := range purposes {
			if p.rows[i], err = l.store.StatesOf(ctx, b.Tenant, purpose, ids); err != nil {
				return p, fmt.Errorf("consent: read states: %w", err)
			}
		}
		return p, nil
	}
	return func(yield func(batchRead, error) bool) {
		if l.tx.Scope(ctx) != nil {
			for ids := range slices.Chunk(b.SubjectIDs, batchPage) {
				if p, err := read(ctx, ids); !yield(p, err) || err != nil {
					return
				}
			}
			return
		}
		ahead(ctx, slices.Chunk(b.SubjectIDs, batchPage), read, yield)
	}
}

// ahead yields what read makes of each page, one page ahead. The goroutine that
// reads has ended when it returns.
func ahead[P, R any](ctx context.Context, pages iter.Seq[P], read func(context.Context, P) (R, error), yield func(R, error) bool) {
	type result struct {
		r   R
		err error
	}
	outer := ctx
	ctx, cancel := context.WithCancel(outer)
	results := make(chan result)
	go func() {
		defer close(results)
		for p := range pages {
			r, err := read(ctx, p)
			select {
			case results <- result{r, err}:
			case <-ctx.Done():
				return
			}
			if err != nil {
				return
			}
		}
	}()
	defer func() {
		cancel()
		for range results { // until it has ended
		}
	}()
	for one := range results {
		if !yield(one.r, one.err) || one.err != nil {
			return
		}
	}
	if err := outer.Err(); err != nil { // it ended before the last page
		var none R
		yield(none, err)
	}
}

// decidePage appends the decisions about the people of one page. Most have no
// state or one: everybody gets the decision about somebody without, and who has a
// state one of their own.
func (l *Ledger) decidePage(ctx context.Context, t *tenantData, b *Batch, page batchRead, all []Decision) ([]Decision, error) {
	purposes := t.catalogue.closure(b.Purpose)
	now := max(l.micros(), t.catalogue.latest(b.Purpose))
	first := len(all)
	unknown := decide(t.catalogue, nil, question{purpose: b.Purpose, recipient: b.Recipient, at: now, knownAt: forever})
	where := make(map[string]int, len(page.ids))
	for i, id := range page.ids {
		all = append(all, unknown)
		where[id] = first + i
	}
	var err error
	if len(purposes) == 1 {
		err = l.decideEach(t, b, page.rows[0], now, where, all)
	} else {
		err = l.decideTogether(t, b, purposes, page, now, where, all)
	}
	if err != nil {
		return nil, err
	}
	for i, id := range page.ids { // who was asked about twice
		if at := where[id]; at != first+i {
			all[first+i] = all[at]
		}
	}
	return all, l.overlay(ctx, t, b, page.ids, all[first:])
}

// decideEach decides where a purpose requires no other.
func (l *Ledger) decideEach(t *tenantData, b *Batch, rows []StateRow, now int64, where map[string]int, all []Decision) error {
	of := make(states, 1)
	for i := range rows {
		row := &rows[i]
		at, asked := where[row.SubjectID]
		if !asked || row.Purpose != b.Purpose {
			return ErrRecord
		}
		var err error
		if of[0], err = t.openState(*row); err != nil {
			return err
		}
		all[at] = decide(t.catalogue, of, question{
			purpose: b.Purpose, recipient: b.Recipient, at: max(now, of[0].state.given), knownAt: forever,
		})
	}
	return nil
}

// decideTogether decides where the states of several purposes matter.
func (l *Ledger) decideTogether(t *tenantData, b *Batch, purposes []troth.Purpose, page batchRead, now int64, where map[string]int, all []Decision) error {
	people := make(map[string]*known, len(page.ids))
	for i, rows := range page.rows {
		for _, row := range rows {
			if _, asked := where[row.SubjectID]; !asked || row.Purpose != purposes[i] {
				return ErrRecord
			}
			s, err := t.openState(row)
			if err != nil {
				return err
			}
			k := people[row.SubjectID]
			if k == nil {
				k = &known{}
				people[row.SubjectID] = k
			}
			k.states, k.given = append(k.states, s), max(k.given, s.state.given)
		}
	}
	for id, k := range people {
		all[where[id]] = decide(t.catalogue, k.states, question{
			purpose: b.Purpose, recipient: b.Recipient, at: max(now, k.given), knownAt: forever,
		})
	}
	return nil
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
