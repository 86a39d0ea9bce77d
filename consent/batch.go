package consent

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"runtime"
	"slices"
	"strings"
	"sync"

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

// batchPage is how many people are read at once, batchReaders how many pages at
// most.
const (
	batchPage    = 10_000
	batchReaders = 4
)

// CheckBatch decides about many people as of now, in the order of SubjectIDs: as
// [Ledger.Check] does for each, but with a few reads for ten thousand, and without
// filling the memory with them. It reads in the order of their ids, and is fastest
// for people who are neighbours in it: ask about a whole tenant in the order of ids,
// or in one call. Outside of a transaction it uses up to four connections at once.
// An error decides about nobody.
func (l *Ledger) CheckBatch(ctx context.Context, b Batch) ([]Decision, error) {
	people := make([]asked, len(b.SubjectIDs))
	for i, id := range b.SubjectIDs {
		if err := (troth.Subject{Tenant: b.Tenant, ID: id}).Validate(); err != nil {
			return nil, err
		}
		people[i] = asked{id, i}
	}
	inTx := l.tx.Scope(ctx) != nil
	if !inTx {
		if err := l.checkFeed(ctx); err != nil {
			return nil, err
		}
	}
	t, err := l.tenant(ctx, b.Tenant)
	if err != nil {
		return nil, err
	}
	byID := func(a, b asked) int { return strings.Compare(a.id, b.id) }
	if !slices.IsSortedFunc(people, byID) {
		slices.SortFunc(people, byID)
	}
	all := make([]Decision, len(people))
	one := func(ctx context.Context, page []asked) error { return l.decidePage(ctx, t, &b, page, all) }
	readers := min(batchReaders, runtime.GOMAXPROCS(0))
	if inTx {
		readers = 1 // a transaction serves one goroutine
	}
	if err := eachPage(ctx, readers, slices.Chunk(people, batchPage), one); err != nil {
		return nil, err
	}
	return all, nil
}

// asked is a person, and where among the answers theirs stands.
type asked struct {
	id string
	at int
}

// eachPage does one for every page, in several goroutines, which have ended when it
// returns. After an error it begins no more.
func eachPage[P any](ctx context.Context, goroutines int, pages iter.Seq[P], one func(context.Context, P) error) error {
	if goroutines < 2 {
		for p := range pages {
			if err := one(ctx, p); err != nil {
				return err
			}
		}
		return nil
	}
	inner, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	waiting := make(chan P)
	var done sync.WaitGroup
	for range goroutines {
		done.Go(func() {
			for p := range waiting {
				if inner.Err() != nil {
					continue
				}
				if err := one(inner, p); err != nil {
					cancel(err) // the first is kept
				}
			}
		})
	}
	for p := range pages {
		if inner.Err() != nil {
			break
		}
		waiting <- p
	}
	close(waiting)
	done.Wait()
	return context.Cause(inner)
}

// decidePage decides about the people of one page. Most have no state or one:
// everybody gets the decision about somebody without, and who has a state one of
// their own.
func (l *Ledger) decidePage(ctx context.Context, t *tenantData, b *Batch, page []asked, all []Decision) error {
	purposes := t.catalogue.closure(b.Purpose)
	rows, err := l.readPage(ctx, b.Tenant, purposes, page)
	if err != nil {
		return err
	}
	now := max(l.micros(), t.catalogue.latest(b.Purpose))
	about := func(of states, given int64) Decision {
		return decide(t.catalogue, of, question{purpose: b.Purpose, recipient: b.Recipient, at: max(now, given), knownAt: forever})
	}
	unknown := about(nil, 0)
	of := make(states, 0, len(purposes))
	for i, who := range page {
		if i > 0 && who.id == page[i-1].id { // asked about twice
			all[who.at] = all[page[i-1].at]
			continue
		}
		of = of[:0]
		given := int64(0)
		for j := range rows {
			if len(rows[j]) == 0 || rows[j][0].SubjectID != who.id {
				continue
			}
			s, err := t.openState(rows[j][0])
			if err != nil || s.purpose != purposes[j] {
				return cmp.Or(err, ErrRecord)
			}
			of, given, rows[j] = append(of, s), max(given, s.state.given), rows[j][1:]
		}
		if len(of) == 0 {
			all[who.at] = unknown
		} else {
			all[who.at] = about(of, given)
		}
	}
	for _, left := range rows {
		if len(left) > 0 {
			return ErrRecord // somebody who was not asked about, or twice
		}
	}
	return l.overlay(ctx, t, b, page, all)
}

// readPage reads the states of a page of people, one list for each purpose that
// matters, each in the order of their ids.
func (l *Ledger) readPage(ctx context.Context, tenant troth.Tenant, purposes []troth.Purpose, page []asked) ([][]StateRow, error) {
	ids := make([]string, len(page))
	for i, who := range page {
		ids[i] = who.id
	}
	lists := make([][]StateRow, len(purposes))
	byID := func(a, b StateRow) int { return strings.Compare(a.SubjectID, b.SubjectID) }
	for i, purpose := range purposes {
		rows, err := l.store.StatesOf(ctx, tenant, purpose, ids)
		if err != nil {
			return nil, fmt.Errorf("consent: read states: %w", err)
		}
		if !slices.IsSortedFunc(rows, byID) {
			slices.SortFunc(rows, byID)
		}
		lists[i] = rows
	}
	return lists, nil
}

// overlay applies to decisions what is not in the rows: what is still in
// transactions of this process, and what other ledgers know.
func (l *Ledger) overlay(ctx context.Context, t *tenantData, b *Batch, page []asked, all []Decision) error {
	open := l.tx.Scope(ctx) == nil && l.pendings.count.Load() > 0
	if !open && len(l.opt.peers) == 0 {
		return nil
	}
	var people []troth.Subject
	var allowed []*Decision
	for _, a := range page {
		d := &all[a.at]
		if !d.Allowed {
			continue
		}
		who := troth.Subject{Tenant: b.Tenant, ID: a.id}
		if open {
			pending, err := l.undecided(ctx, who)
			if err != nil {
				return err
			}
			at := max(micros(d.At), latestNo(pending))
			d.overrule(t.catalogue, pending, question{purpose: b.Purpose, at: at, knownAt: forever}, 0)
		}
		if d.Allowed {
			people, allowed = append(people, who), append(allowed, d)
		}
	}
	if len(l.opt.peers) == 0 {
		return nil
	}
	// As of now, as Check has it: not before the newest version was published.
	now := max(l.micros(), t.catalogue.latest(b.Purpose))
	return l.askAll(ctx, t.catalogue.marketing(b.Purpose, now), people, allowed)
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
