package audit

import (
	"context"
	"fmt"

	"github.com/trothdev/troth"
)

// overlayKey is where a transaction keeps the pseudonyms that it created or
// read: they may be gone when it rolls back.
type overlayKey struct {
	trail  *Trail
	person person
}

// forgotten stands in the overlay for a pseudonym that the transaction
// destroyed: it must look again, and not in the cache.
type forgotten struct{}

// insertTries bounds how often a pseudonym is looked for again after somebody
// else created it and somebody else again destroyed it.
const insertTries = 3

// pseudonym returns the person's pseudonym, and creates it on first use. ctx
// carries a transaction.
func (t *Trail) pseudonym(ctx context.Context, p person) (Pseudonym, error) {
	scope := t.tx.Scope(ctx)
	key := overlayKey{t, p}
	switch v := scope.Value(key).(type) {
	case Pseudonym:
		return v, nil
	case forgotten:
	default:
		if ps, ok := t.cache.get(p); ok {
			return ps, nil
		}
	}
	ps, stored, err := t.findOrCreate(ctx, p)
	if err == nil && stored {
		scope.SetValue(key, ps)
		t.cache.put(p, ps, scope)
	}
	return ps, err
}

// findOrCreate returns the stored pseudonym, or a fresh one that is stored
// nowhere if the person's pseudonyms were shredded: such an entry is linked to
// nobody, and to no other entry.
func (t *Trail) findOrCreate(ctx context.Context, p person) (ps Pseudonym, stored bool, err error) {
	name, err := t.name(ctx, p)
	if err != nil {
		return ps, false, err
	}
	for range insertTries {
		row, found, err := t.store.Pseudonym(ctx, name)
		if err != nil {
			return ps, false, fmt.Errorf("audit: find pseudonym: %w", err)
		}
		if found {
			return row.Pseudonym, true, nil
		}
		row, err = t.fresh(ctx, p, name)
		if isShredded(err) {
			return newPseudonym(), false, nil
		}
		if err != nil {
			return ps, false, err
		}
		inserted, err := t.store.InsertPseudonym(ctx, row)
		if err != nil {
			return ps, false, fmt.Errorf("audit: create pseudonym: %w", err)
		}
		if inserted {
			return row.Pseudonym, true, nil
		}
	}
	return ps, false, fmt.Errorf("audit: create pseudonym: %w", troth.ErrBusy)
}

// name computes where the person's pseudonym is found.
func (t *Trail) name(ctx context.Context, p person) (PseudonymName, error) {
	lookup, err := t.keys.MAC(ctx, p.keyRef(), p.message(lookupDomain))
	if err != nil {
		return PseudonymName{}, fmt.Errorf("audit: hash identity: %w", err)
	}
	return PseudonymName{Tenant: p.tenant, Lookup: lookup}, nil
}

func (t *Trail) fresh(ctx context.Context, p person, name PseudonymName) (PseudonymRow, error) {
	ps := newPseudonym()
	sealed, err := t.sealer.Seal(ctx, nil, p.place(ps), p.message(identityDomain))
	if err != nil {
		return PseudonymRow{}, fmt.Errorf("audit: seal identity: %w", err)
	}
	return PseudonymRow{
		PseudonymName: name, Pseudonym: ps, Identity: sealed, CreatedAt: t.now().UnixMicro(),
	}, nil
}

// Pseudonym returns the pseudonym under which the trail names the data
// subject. found is false if it has none, or no longer.
func (t *Trail) Pseudonym(ctx context.Context, s troth.Subject) (ps Pseudonym, found bool, err error) {
	return t.find(ctx, s, asSubject)
}

// ActorPseudonym returns the pseudonym under which the trail names a person as
// actor, given as a subject of their home tenant: troth.Platform for the host's
// own staff.
func (t *Trail) ActorPseudonym(ctx context.Context, s troth.Subject) (ps Pseudonym, found bool, err error) {
	return t.find(ctx, s, asActor)
}

func (t *Trail) find(ctx context.Context, s troth.Subject, as role) (ps Pseudonym, found bool, err error) {
	if err := s.Validate(); err != nil {
		return ps, false, err
	}
	name, err := t.name(ctx, person{tenant: s.Tenant, role: as, id: s.ID})
	if err != nil {
		return ps, false, err
	}
	row, found, err := t.store.Pseudonym(ctx, name)
	if err != nil {
		return ps, false, fmt.Errorf("audit: find pseudonym: %w", err)
	}
	return row.Pseudonym, found, nil
}
