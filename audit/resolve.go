package audit

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"fmt"

	"go.uber.org/zap"

	"github.com/trothdev/troth"
)

// insertTries bounds how often a pseudonym is looked for again after somebody
// else created it and somebody else again destroyed it.
const insertTries = 3

// pseudonym returns the person's pseudonym, and creates it on first use. ctx
// carries a transaction. The row is read each time: a pseudonym may be forgotten
// by another process, or its creation undone by a savepoint of the host's, and
// an entry must never name it then.
//
// If the person's pseudonyms were shredded it is a fresh one that is stored
// nowhere: such an entry is linked to nobody, and to no other entry.
func (t *Trail) pseudonym(ctx context.Context, p person) (Pseudonym, error) {
	name, err := t.name(ctx, p)
	if err != nil {
		return Pseudonym{}, err
	}
	for range insertTries {
		ps, found, err := t.lookUp(ctx, p, name)
		if err != nil || found {
			return ps, err
		}
		row, err := t.fresh(ctx, p, name)
		if isShredded(err) {
			return unlinked(), nil
		}
		if err != nil {
			return Pseudonym{}, err
		}
		inserted, err := t.store.InsertPseudonym(ctx, row)
		if err != nil {
			return Pseudonym{}, fmt.Errorf("audit: create pseudonym: %w", err)
		}
		if inserted {
			return row.Pseudonym, nil
		}
	}
	return Pseudonym{}, fmt.Errorf("audit: create pseudonym: %w", troth.ErrBusy)
}

// lookUp reads the person's row, and returns ErrPseudonym for one that the trail
// did not write for that person.
func (t *Trail) lookUp(ctx context.Context, p person, name PseudonymName) (ps Pseudonym, found bool, err error) {
	row, found, err := t.link(ctx, p, name)
	return row.Pseudonym, found, err
}

// link is lookUp with the whole row.
func (t *Trail) link(ctx context.Context, p person, name PseudonymName) (PseudonymRow, bool, error) {
	row, found, err := t.store.Pseudonym(ctx, name)
	if err != nil {
		return PseudonymRow{}, false, fmt.Errorf("audit: find pseudonym: %w", err)
	}
	if !found {
		return PseudonymRow{}, false, nil
	}
	if err := t.believes(ctx, p, name, row.Pseudonym, row.Tag); err != nil {
		return PseudonymRow{}, false, err
	}
	return row, true, nil
}

// believes returns ErrPseudonym for a row that the trail did not write for that
// person.
func (t *Trail) believes(ctx context.Context, p person, name PseudonymName, ps Pseudonym, stored [32]byte) error {
	tag, err := t.tag(ctx, p, name, ps)
	if err != nil {
		return err
	}
	if ps.IsZero() || !hmac.Equal(tag[:], stored[:]) {
		t.log.Error("pseudonym cannot be believed", zap.Error(ErrPseudonym))
		return ErrPseudonym
	}
	return nil
}

// tag computes what authenticates the person's row.
func (t *Trail) tag(ctx context.Context, p person, name PseudonymName, ps Pseudonym) ([32]byte, error) {
	tag, err := t.keys.MAC(ctx, p.keyRef(), p.rowMessage(name, ps))
	if err != nil {
		return tag, fmt.Errorf("audit: authenticate pseudonym: %w", err)
	}
	return tag, nil
}

// name computes where the person's pseudonym is found.
func (t *Trail) name(ctx context.Context, p person) (PseudonymName, error) {
	lookup, err := t.keys.MAC(ctx, p.keyRef(), p.message())
	if err != nil {
		return PseudonymName{}, fmt.Errorf("audit: hash identity: %w", err)
	}
	return PseudonymName{Tenant: p.tenant, Lookup: lookup}, nil
}

func (t *Trail) fresh(ctx context.Context, p person, name PseudonymName) (PseudonymRow, error) {
	o := opened{person: p}
	_, _ = rand.Read(o.salt[:]) // never fails, crypto/rand documents
	ps := o.pseudonym()
	sealed, err := t.sealer.Seal(ctx, nil, p.place(ps), p.salted(identityDomain, o.salt))
	if err != nil {
		return PseudonymRow{}, fmt.Errorf("audit: seal identity: %w", err)
	}
	tag, err := t.tag(ctx, p, name, ps)
	if err != nil {
		return PseudonymRow{}, err
	}
	return PseudonymRow{
		PseudonymName: name, Pseudonym: ps, Tag: tag, Identity: sealed, CreatedAt: t.now().UnixMicro(),
	}, nil
}

// Pseudonym returns the pseudonym under which the trail names the data
// subject. found is false if it has none, or no longer. It returns
// [ErrPseudonym] for a row that was tampered with.
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
	p := person{tenant: s.Tenant, role: as, id: s.ID}
	name, err := t.name(ctx, p)
	if err != nil {
		return ps, false, err
	}
	return t.lookUp(ctx, p, name)
}
