package vault

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/clearance"
)

// Shred destroys keys, for ever: what they sealed stays where it is and opens
// nowhere, and no new key is ever made under the names that died. It needs a
// permit that covers the target.
//
// Keys, tombstones, fence and evidence commit together, in the caller's
// transaction if the context carries one. From the moment that Shred returns
// this process refuses, with [ErrShredPending] until committed rows decide and
// [ErrShredded] then; if the transaction is rolled back the data opens again.
// Other processes follow within the bound of [WithFenceAge].
//
// Shredding twice is shredding once: the second receipt has no keys and no
// entry of its own. A person of whom nothing was sealed yet is closed all the
// same: the receipt has no keys, and an entry.
//
// It returns [ErrNotPermitted] without a permit for the target, [ErrUnmanaged]
// if nobody keeps watch where somebody should, and [ErrTarget] if it is unclear
// what to shred. With a [Journal], the line for it commits too, and the shredding
// is pending until the journal has it, see [Vault.Journalled]. An error means that nothing was shredded, but for one that
// leaves the outcome of a commit open: then shred again.
func (v *Vault) Shred(ctx context.Context, p troth.Permit, t Target) (Receipt, error) {
	if err := t.validate(); err != nil {
		return Receipt{}, err
	}
	if v.closed.Load() {
		return Receipt{}, ErrClosed
	}
	if _, err := troth.ActorFrom(ctx); err != nil {
		return Receipt{}, err
	}
	if v.behind.Load() {
		return Receipt{}, ErrJournalAhead
	}
	s, err := v.newScribe(ctx)
	if err != nil {
		return Receipt{}, err
	}
	var r Receipt
	var denied []*pending
	err = v.tx.Atomically(ctx, func(ctx context.Context) error {
		scope := v.tx.Scope(ctx)
		if err := v.permitted(ctx, scope, p, t); err != nil {
			return err
		}
		var err error
		if r, err = v.shred(ctx, s, p, t); err != nil {
			return err
		}
		// After the evidence, which may need a pseudonym of what dies here, and
		// before anybody can commit.
		denied = v.deny(scope, t)
		return nil
	})
	for _, p := range denied {
		p.acted.Store(true)
		v.settleKnown(p)
	}
	if err != nil {
		return Receipt{}, err
	}
	return r, nil
}

// permitted checks the permit inside the transaction that uses it.
func (v *Vault) permitted(ctx context.Context, scope *troth.Scope, p troth.Permit, t Target) error {
	managed, err := v.store.Managed(ctx)
	if err != nil {
		return fmt.Errorf("vault: shred: %w", err)
	}
	if p.IsUnmanaged() {
		if managed {
			return ErrUnmanaged
		}
		if v.opt.unmanaged == "" {
			return fmt.Errorf("%w: the vault was not opened with the option Unmanaged", ErrNotPermitted)
		}
		if err := checkGround(p.Ground()); err != nil {
			return err
		}
	}
	within := clearance.Within(scope)
	for _, n := range t.names() {
		ref := troth.PermitRef{Tenant: string(n.Tenant), Subject: n.SubjectID, Compartment: string(n.Compartment)}
		if err := p.Check(ref, within); err != nil {
			return err
		}
	}
	return nil
}

// deny makes this process refuse from now on, until the scope's end is known.
func (v *Vault) deny(scope *troth.Scope, t Target) []*pending {
	var denied []*pending
	for _, n := range t.names() {
		p := &pending{name: n, except: t.spared(), scope: scope}
		v.pendings.add(p)
		v.forget(n)
		denied = append(denied, p)
	}
	return denied
}

func (v *Vault) shred(ctx context.Context, s *scribe, p troth.Permit, t Target) (Receipt, error) {
	at := v.micros()
	r := Receipt{Target: t, At: v.now()}
	var err error
	if t.SubjectID == "" {
		err = v.shredTenant(ctx, &r, t, at)
	} else {
		err = v.shredPerson(ctx, &r, t, at)
	}
	if err != nil || r.Already {
		return r, err
	}
	for _, n := range t.names() {
		if err := v.store.RaiseFence(ctx, FenceEvent{KeyName: n, At: at}); err != nil {
			return r, fmt.Errorf("vault: raise fence: %w", err)
		}
	}
	id, err := v.rec.Record(ctx, r.entry(p))
	if err != nil {
		return r, fmt.Errorf("vault: record %s: %w", actShred.Name, err)
	}
	r.Entry = id
	if err := v.nameEvidence(ctx, &r, at); err != nil {
		return r, err
	}
	err = v.note(ctx, s, &r, at)
	return r, err
}

// nameEvidence makes the tombstones name the entry that tells of them, by which
// [Vault.Reconcile] finds out later whether they are all there.
func (v *Vault) nameEvidence(ctx context.Context, r *Receipt, at int64) error {
	named, err := v.store.SetEvidence(ctx, ShredEvidence{
		Tenant: r.Target.Tenant, SubjectID: r.Target.SubjectID, At: at, Closed: r.closed, Entry: r.Entry,
	})
	if err == nil && named != r.stones {
		err = errNotKept
	}
	if err != nil {
		return fmt.Errorf("vault: name evidence: %w", err)
	}
	return nil
}

func (v *Vault) shredPerson(ctx context.Context, r *Receipt, t Target, at int64) error {
	state, err := v.store.LockPerson(ctx, t.Tenant, t.SubjectID, Exclusive)
	if err != nil {
		return fmt.Errorf("vault: lock person: %w", err)
	}
	if state.TenantShredded {
		r.Already = true
		return nil
	}
	whole := len(t.Compartments) == 0
	rows, err := v.store.ShredKeys(ctx, ShredKeys{
		Tenant: t.Tenant, SubjectID: t.SubjectID, Compartments: t.Compartments, Except: t.spared(), At: at,
	})
	if err != nil {
		return fmt.Errorf("vault: shred keys: %w", err)
	}
	closing := whole && state.ClosedAt == 0
	if closing {
		if err := v.store.ClosePerson(ctx, t.Tenant, t.SubjectID, at); err != nil {
			return fmt.Errorf("vault: close person: %w", err)
		}
	}
	r.addKeys(rows)
	r.stones, r.closed = len(rows), closing
	r.Already = len(rows) == 0 && !closing
	return nil
}

func (v *Vault) shredTenant(ctx context.Context, r *Receipt, t Target, at int64) error {
	rows, err := v.store.ShredRoots(ctx, t.Tenant, at)
	if err != nil {
		return fmt.Errorf("vault: shred roots: %w", err)
	}
	slices.SortFunc(rows, func(a, b RootRow) int {
		return cmp.Or(cmp.Compare(a.Lineage, b.Lineage), cmp.Compare(a.Epoch, b.Epoch))
	})
	r.stones = len(rows)
	r.addRoots(rows)
	r.Already = len(rows) == 0
	return nil
}
