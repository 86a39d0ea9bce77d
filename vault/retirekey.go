package vault

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/clearance"
)

// ErrInUse says that a generation cannot be retired: it is the newest, the one
// after it is too young, or the host has values of it left.
var ErrInUse = errors.New("vault: generation is in use")

// retireAge is how long there must have been a newer generation: until then a
// process that has not heard of it may still seal with the old one, and a host's
// transaction may hold what was sealed so.
const retireAge = time.Hour

// Retirement names one old generation of the key of a person's compartment.
type Retirement struct {
	Subject     troth.Subject
	Compartment troth.Compartment
	Generation  uint32
	// NothingLeft is the host's word that it keeps no value of the generation
	// any more. It is asked inside the transaction, with the key id that stands
	// big endian in the bytes 1 to 4 of each such value.
	NothingLeft func(ctx context.Context, keyID uint32) (bool, error)
}

// RetireKey destroys one old generation, for ever, while the compartment lives
// on: what it sealed, and was not sealed anew, opens nowhere. It needs a permit
// that covers the compartment, like [Vault.Shred]. Key, fence and evidence
// commit together, in the caller's transaction if there is one; processes that
// have the generation in their cache open with it for at most the bound of
// [WithFenceAge]. A generation that is gone already is a receipt without keys.
//
// The erasure journal is told of it, as of a shredding: a restore destroys the
// generation again. So what a backup of the data holds under it is lost with it:
// retire a generation only when no backup is wanted any more that is older than
// its re-encryption.
//
// It returns [ErrInUse] for the newest generation, where a newer one began less
// than an hour (or twice the fence's bound) ago, and where NothingLeft says no;
// [ErrNoKey], [ErrShredded], and [ErrTarget] for one that never was.
func (v *Vault) RetireKey(ctx context.Context, p troth.Permit, r Retirement) (Receipt, error) {
	t := Target{Tenant: r.Subject.Tenant, SubjectID: r.Subject.ID, Compartments: []troth.Compartment{r.Compartment}}
	if err := t.validate(); err != nil {
		return Receipt{}, err
	}
	if r.NothingLeft == nil || r.Generation == 0 {
		return Receipt{}, fmt.Errorf("%w: no generation, or nobody says that nothing of it is left", ErrTarget)
	}
	if err := v.admits(); err != nil {
		return Receipt{}, err
	}
	if _, err := troth.ActorFrom(ctx); err != nil {
		return Receipt{}, err
	}
	name := t.names()[0]
	s, err := v.newScribe(ctx)
	if err != nil {
		return Receipt{}, err
	}
	var receipt Receipt
	err = v.tx.Atomically(ctx, func(ctx context.Context) error {
		if err := v.permitted(ctx, v.tx.Scope(ctx), p, t); err != nil {
			return err
		}
		receipt = Receipt{Target: t, At: v.now()}
		return v.retire(ctx, s, &receipt, p, &r)
	})
	if err != nil {
		return Receipt{}, err
	}
	v.unscrubbed.Store(true)
	v.forget(name)
	return receipt, nil
}

func (v *Vault) retire(ctx context.Context, s *scribe, receipt *Receipt, p troth.Permit, r *Retirement) error {
	name, at := receipt.Target.names()[0], receipt.At.UnixMicro()
	if _, err := v.store.LockPerson(ctx, name.Tenant, name.SubjectID, Exclusive); err != nil {
		return fmt.Errorf("vault: lock person: %w", err)
	}
	rows, err := v.generations(ctx, name)
	if err != nil {
		return err
	}
	row, err := v.unused(rows, r.Generation, at)
	if err != nil {
		return err
	}
	if row == nil {
		receipt.Already = true
		return nil
	}
	nothing, err := r.NothingLeft(ctx, row.KeyID)
	if err != nil {
		return fmt.Errorf("vault: retire: nothing left: %w", err)
	}
	if !nothing {
		return fmt.Errorf("%w: values of it are left", ErrInUse)
	}
	dead, retired, err := v.store.RetireKey(ctx, name, r.Generation, at)
	if err != nil {
		return fmt.Errorf("vault: retire key: %w", err)
	}
	if !retired {
		return fmt.Errorf("%w: the store does not let it go", ErrInUse)
	}
	receipt.addKeys([]KeyRow{dead})
	if err := v.store.RaiseFence(ctx, FenceEvent{KeyName: name, At: at}); err != nil {
		return fmt.Errorf("vault: raise fence: %w", err)
	}
	v.forget(name)
	receipt.Entry, err = v.rec.Record(ctx, receipt.retirement(p, r))
	if err != nil {
		return fmt.Errorf("vault: record %s: %w", actRetire.Name, err)
	}
	receipt.stones = 1
	if err := v.nameEvidence(ctx, receipt, at); err != nil {
		return err
	}
	return v.noteRetired(ctx, s, receipt, at)
}

// unused returns the row of a generation that can be retired, nil if it is gone.
func (v *Vault) unused(rows []KeyRow, generation uint32, at int64) (*KeyRow, error) {
	if generation > rows[0].Generation {
		return nil, fmt.Errorf("%w: there is no such generation", ErrTarget)
	}
	for i := range rows {
		if rows[i].Generation != generation {
			continue
		}
		if i == 0 {
			return nil, fmt.Errorf("%w: it is the newest", ErrInUse)
		}
		if young := max(retireAge, 2*v.opt.fenceAge); at-rows[i-1].CreatedAt < young.Microseconds() {
			return nil, fmt.Errorf("%w: the next one is younger than %v", ErrInUse, young)
		}
		return &rows[i], nil
	}
	return nil, nil
}

func (r *Receipt) retirement(p troth.Permit, of *Retirement) troth.Entry {
	facts := troth.Facts{
		"compartments": troth.Words(of.Compartment),
		"generation":   troth.Count(of.Generation),
		"commitments":  troth.Digest(r.digest()),
	}
	clearance.Facts(p, facts)
	return troth.Entry{Act: actRetire, Tenant: of.Subject.Tenant, SubjectID: of.Subject.ID, Facts: facts}
}
