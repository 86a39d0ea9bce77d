package retention

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"time"

	"github.com/trothdev/troth"
)

// Proposed is a plan that waits to be approved, or to be carried out.
type Proposed struct {
	Plan
	ProposedAt time.Time
	// ApprovedAt is zero as long as it is not.
	ApprovedAt time.Time
	// Spent is how many records went by each bucket so far.
	Spent []int64
}

// Propose is the first half of an approval; only the data-protection officer may.
// Proposing the same again changes nothing. It returns a *[StaleError] for a plan that
// cannot be approved any more.
func (k *Keeper) Propose(ctx context.Context, p Plan) error {
	if err := k.person(ctx, troth.Platform, k.opt.officer); err != nil {
		return err
	}
	text, err := p.encode()
	if err != nil {
		return fmt.Errorf("retention: propose: %w", err)
	}
	row := PlanRow{Tenant: troth.Platform, Hash: p.Hash(), Text: text, ProposedAt: k.now().UnixMicro()}
	if p, err = row.plan(); err != nil {
		return err
	}
	if row.Proposer, err = proposerOf(ctx, nil); err != nil {
		return err
	}
	if row.MAC, err = k.tag(ctx, row.message()); err != nil {
		return err
	}
	return k.tx.Atomically(ctx, func(ctx context.Context) error {
		if err := k.store.LockTenant(ctx, troth.Platform, true); err != nil {
			return fmt.Errorf("retention: lock: %w", err)
		}
		if err := k.fresh(ctx, &p, k.now()); err != nil {
			return err
		}
		inserted, err := k.store.InsertPlan(ctx, row)
		if err != nil {
			return fmt.Errorf("retention: write plan: %w", err)
		}
		if !inserted {
			return nil
		}
		return k.record(ctx, row.entry(actPlan, &p))
	})
}

func (row *PlanRow) entry(act *troth.Act, p *Plan) troth.Entry {
	return troth.Entry{Act: act, Tenant: row.Tenant, Facts: troth.Facts{
		"plan": troth.Digest(row.Hash), "records": troth.Count(p.Destroys()), "policy": troth.Digest(p.Version.Policy),
	}}
}

// fresh returns a *StaleError for a plan that says nothing about now any more.
func (k *Keeper) fresh(ctx context.Context, p *Plan, now time.Time) error {
	h, err := k.history(ctx)
	if err != nil && !errors.Is(err, ErrNoPolicy) {
		return err
	}
	if why := k.stale(h, p, now); why != "" {
		return &StaleError{Plan: p.Hash(), Why: why}
	}
	if p.Made.After(now) {
		return ErrFuture
	}
	return nil
}

// expires is when a plan is too old.
func (k *Keeper) expires(p *Plan) time.Time { return later(p.Made, p.At).Add(k.opt.planLife) }

// Approve is the second half: it takes another person, who is the data-protection
// officer too, or counsel. From then on sweeps may destroy as many records of each bucket
// as the plan counts, of those that were due at its instant; the first sweep
// afterwards that leaves nothing to another process ends it. What a ceiling keeps back of any class goes on being counted anew.
// Approving the same again changes nothing.
//
// hash is [Plan.Hash]; [Keeper.Plans] shows what was proposed.
func (k *Keeper) Approve(ctx context.Context, hash [sha256.Size]byte) error {
	if err := k.anyOf(ctx, troth.Platform, k.opt.counsel, k.opt.officer); err != nil {
		return err
	}
	return k.tx.Atomically(ctx, func(ctx context.Context) error {
		if err := k.store.LockTenant(ctx, troth.Platform, true); err != nil {
			return fmt.Errorf("retention: lock: %w", err)
		}
		row, found, err := k.store.LockPlan(ctx, troth.Platform, hash, true)
		if err != nil {
			return fmt.Errorf("retention: read plan: %w", err)
		}
		if !found {
			return ErrNotFound
		}
		p, err := k.readPlan(ctx, &row)
		if err != nil {
			return err
		}
		if row.ApprovedAt != 0 {
			return nil
		}
		if row.EndedAt != 0 {
			return &StaleError{Plan: hash, Why: StaleAge}
		}
		if err := k.fresh(ctx, &p, k.now()); err != nil {
			return err
		}
		if err := another(ctx, row.Proposer); err != nil {
			return err
		}
		return k.approve(ctx, row, &p)
	})
}

// another demands that the actor is not the proposer.
func another(ctx context.Context, proposer []byte) error {
	if len(proposer) != saltSize+sha256.Size {
		return ErrRole
	}
	me, err := proposerOf(ctx, proposer[:saltSize])
	if err != nil {
		return err
	}
	if subtle.ConstantTimeCompare(me, proposer) == 1 {
		return fmt.Errorf("%w: who proposed it does not decide it", ErrRole)
	}
	return nil
}

// approve opens what the plan is about, and everything that waited for people to look.
func (k *Keeper) approve(ctx context.Context, row PlanRow, p *Plan) error {
	row.ApprovedAt, row.Proposer, row.Spent = k.now().UnixMicro(), nil, make([]int64, len(p.Buckets))
	if err := k.putPlan(ctx, row); err != nil {
		return err
	}
	all, err := k.store.Allowances(ctx, troth.Platform)
	if err != nil {
		return fmt.Errorf("retention: read allowances: %w", err)
	}
	ids := []string{firstRun}
	for i := range all {
		if all[i].ClosedAt != 0 && all[i].ID != firstRun {
			ids = append(ids, all[i].ID)
		}
	}
	for _, id := range ids {
		allowance, found, err := k.store.LockAllowance(ctx, troth.Platform, id, true)
		if err != nil || !found {
			return fmt.Errorf("retention: lock allowance: %w", err)
		}
		allowance.Since, allowance.ClosedAt = 0, 0
		if id == firstRun {
			allowance.Since = row.ApprovedAt
		}
		if err := k.store.PutAllowance(ctx, allowance); err != nil {
			return fmt.Errorf("retention: write allowance: %w", err)
		}
	}
	if err := k.noteApproved(ctx); err != nil {
		return err
	}
	return k.record(ctx, row.entry(actApprove, p))
}

func approvedKey() ControlKey { return ControlKey{troth.Platform, controlApproved, "1"} }

// noteApproved puts on record that a plan was ever approved, so that nobody who writes to
// the database can have said so: an allowance has no MAC.
func (k *Keeper) noteApproved(ctx context.Context) (err error) {
	if k.opt.keys == nil {
		return nil
	}
	row := ControlRow{ControlKey: approvedKey(), Open: true}
	if row.MAC, err = k.tag(ctx, row.message()); err != nil {
		return err
	}
	inserted, err := k.store.InsertControl(ctx, row)
	if err == nil && !inserted {
		err = k.store.PutControl(ctx, row)
	}
	if err != nil {
		return fmt.Errorf("retention: write approval: %w", err)
	}
	return nil
}

// everApproved reports whether a plan was; where the keeper has no keys the allowance is
// believed.
func (k *Keeper) everApproved(ctx context.Context) (bool, error) {
	if k.opt.keys == nil {
		return true, nil
	}
	row, found, err := k.store.Control(ctx, approvedKey())
	if err != nil {
		return false, fmt.Errorf("retention: read approval: %w", err)
	}
	if !found {
		return false, nil
	}
	return k.authentic(ctx, row.message(), row.MAC)
}

// Plans returns the plans that were proposed and have not ended, ordered by hash.
func (k *Keeper) Plans(ctx context.Context) ([]Proposed, error) {
	rows, err := k.store.OpenPlans(ctx, troth.Platform)
	if err != nil {
		return nil, fmt.Errorf("retention: read plans: %w", err)
	}
	var all []Proposed
	for i := range rows {
		p, err := k.readPlan(ctx, &rows[i])
		if err != nil {
			return nil, err
		}
		all = append(all, Proposed{
			Plan: p, ProposedAt: timeOf(rows[i].ProposedAt), ApprovedAt: timeOf(rows[i].ApprovedAt), Spent: rows[i].Spent,
		})
	}
	return all, nil
}
