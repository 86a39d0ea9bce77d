package audit

import (
	"context"
	"errors"
	"fmt"
	"runtime"

	"github.com/trothdev/troth"
)

// batchStore is a store on which many write at a time, and that takes many rows
// of the inbox in one statement: those who record outside of any transaction
// share one, which costs a round trip and a sync for all of them.
type batchStore interface {
	// AppendAll is Append for many rows, and returns how many it put there.
	AppendAll(ctx context.Context, rows []InboxRow) (appended int, err error)
}

// linkStore is a store that finds many pseudonyms in one round trip.
type linkStore interface {
	// Links returns what Pseudonym finds under each of the names, but for the
	// identities, in their order. One that Pseudonym would answer with
	// [ErrPseudonym] is found, with zeros.
	Links(ctx context.Context, names []PseudonymName) ([]PseudonymLink, error)
}

// PseudonymLink is a [PseudonymRow] as it is needed to record under it.
type PseudonymLink struct {
	Found     bool
	Pseudonym Pseudonym
	Tag       [32]byte
}

// sharedTurns is how many companies of one process may be on their way to the
// inbox: while one waits for the disk, another is made ready.
const sharedTurns = 2

// isShared reports whether the entry may share a transaction with others. What
// has a payload may not, nor what makes a pseudonym.
func (t *Trail) isShared(ctx context.Context, e troth.Entry) bool {
	if len(e.Parts) > 0 || t.tx.Scope(ctx) != nil {
		return false
	}
	if store, ok := t.store.(oneWriter); ok && store.OneWriter() {
		return false
	}
	_, ok := t.store.(batchStore)
	return ok
}

// recordShared puts the entry into the inbox together with those that others
// record meanwhile. It returns errDetour, and nothing is stored, where that cannot
// be.
func (t *Trail) recordShared(ctx context.Context, actor troth.Actor, e troth.Entry) (troth.EntryID, error) {
	d, err := t.newDirect(ctx, actor, e)
	if err != nil {
		return troth.EntryID{}, err
	}
	c, first := t.seq.shared.join(d)
	if first {
		t.leadShared(ctx, c)
	}
	<-c.done
	return d.id, d.err
}

// leadShared stores the company when it is its turn, and tells it.
func (t *Trail) leadShared(ctx context.Context, c *company) {
	defer close(c.done)
	select {
	case t.seq.sharing <- struct{}{}:
	case <-ctx.Done():
		t.seq.shared.leave()
		return
	}
	defer func() { <-t.seq.sharing }()
	for range joinYields {
		runtime.Gosched()
	}
	t.seq.shared.leave()
	t.appendTogether(context.WithoutCancel(ctx), c.entries)
}

// impatient returns a context that ends when that of any of the entries does,
// until settled is called: then it goes on for the sake of all, if it has not ended.
func impatient(ctx context.Context, entries []*directEntry) (_ context.Context, settled func(), end context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stops := make([]func() bool, 0, len(entries))
	for _, d := range entries {
		if d.ctx.Err() == nil { // else it is left out
			stops = append(stops, context.AfterFunc(d.ctx, cancel))
		}
	}
	return ctx, func() {
		for _, stop := range stops {
			stop()
		}
	}, cancel
}

// appendTogether stores the entries in one transaction. If it fails before its
// commit nothing is stored, and each is left to find out why by itself: also
// where the context of one of them has ended, which a store that hangs must not
// hold.
func (t *Trail) appendTogether(ctx context.Context, entries []*directEntry) {
	outcomes := make([]error, len(entries))
	ctx, settled, end := impatient(ctx, entries)
	defer end()
	defer settled()
	began := false
	err := t.tx.Atomically(ctx, func(ctx context.Context) error {
		began = true
		err := t.appendAll(ctx, entries, outcomes)
		settled()
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return &unwrittenError{err}
		}
		return nil
	})
	if _, unwritten := errors.AsType[*unwrittenError](err); unwritten || !began {
		return
	}
	for i, d := range entries {
		if d.err = outcomes[i]; err != nil {
			d.err = err
		}
	}
}

// appendAll writes the entries; outcomes are those of each.
func (t *Trail) appendAll(ctx context.Context, entries []*directEntry, outcomes []error) error {
	rows := make([]InboxRow, 0, len(entries))
	seen, err := t.peopleOf(ctx, entries)
	if err != nil {
		return err
	}
	for i, d := range entries {
		env, raw, outcome, err := t.enveloped(ctx, d, seen)
		if err != nil {
			return err
		}
		if outcomes[i] = outcome; outcome != nil {
			continue
		}
		tag, err := t.inboxTag(ctx, raw)
		if err != nil {
			return err
		}
		d.id = env.ID
		rows = append(rows, InboxRow{
			Tenant: env.Tenant, ID: env.ID, RecordedAt: env.RecordedAt.UnixMicro(), Envelope: raw, Tag: tag,
		})
	}
	if len(rows) == 0 {
		return nil
	}
	appended, err := t.store.(batchStore).AppendAll(ctx, rows)
	if err != nil {
		return fmt.Errorf("audit: record: %w", err)
	}
	if appended != len(rows) {
		return ErrDuplicate
	}
	return nil
}

// found is what was found of a person: a pseudonym, or why there is none to use.
type found struct {
	ps      Pseudonym
	outcome error
}

// peopleOf looks up the people of all entries in one go, where the store can.
func (t *Trail) peopleOf(ctx context.Context, entries []*directEntry) (map[person]found, error) {
	seen := make(map[person]found)
	store, ok := t.store.(linkStore)
	if !ok {
		return seen, nil
	}
	var people []person
	var names []PseudonymName
	for _, d := range entries {
		if d.ctx.Err() != nil {
			continue
		}
		ctx := troth.WithActor(ctx, d.actor)
		for _, p := range d.people() {
			if _, known := seen[p]; known {
				continue
			}
			name, err := t.name(ctx, p)
			seen[p] = found{outcome: err}
			if err == nil {
				people, names = append(people, p), append(names, name)
			}
		}
	}
	if len(names) == 0 {
		return seen, nil
	}
	links, err := store.Links(ctx, names)
	if err != nil {
		return nil, fmt.Errorf("audit: find pseudonyms: %w", err)
	}
	for i, p := range people {
		f := found{ps: links[i].Pseudonym, outcome: errDetour}
		if links[i].Found {
			f.outcome = t.believes(ctx, p, names[i], links[i].Pseudonym, links[i].Tag)
		}
		seen[p] = f
	}
	return seen, nil
}

// enveloped makes the envelope of an entry that names nobody new. outcome is the
// entry's own failure; err is for all. seen are pseudonyms that were read in
// this transaction.
func (t *Trail) enveloped(ctx context.Context, d *directEntry, seen map[person]found) (env Envelope, raw []byte, outcome, err error) {
	if err := d.ctx.Err(); err != nil {
		return env, nil, err, nil
	}
	if d.raw != nil {
		return d.env, d.raw, nil, nil
	}
	ctx = troth.WithActor(ctx, d.actor) // what keys do for one is not the first's doing
	env = d.env
	for _, p := range d.people() {
		f, known := seen[p]
		if !known {
			if f, err = t.findOne(ctx, p); err != nil {
				return env, nil, nil, err
			}
			seen[p] = f
		}
		if f.outcome != nil {
			return env, nil, f.outcome, nil
		}
		env = env.naming(p, f.ps)
	}
	return env, env.encode(), nil, nil
}

// findOne looks a person up. err is for all who share the transaction.
func (t *Trail) findOne(ctx context.Context, p person) (f found, err error) {
	name, err := t.name(ctx, p)
	if err != nil {
		return found{outcome: err}, nil //nolint:nilerr // it is this entry's own
	}
	ps, there, err := t.lookUp(ctx, p, name)
	switch {
	case errors.Is(err, ErrPseudonym):
		return found{outcome: err}, nil
	case err != nil:
		return found{}, err
	case !there:
		return found{outcome: errDetour}, nil
	}
	return found{ps: ps}, nil
}
