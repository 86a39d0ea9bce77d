package vault

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/trothdev/troth"
)

// ReconcileParams says how much to compare.
type ReconcileParams struct {
	// Full compares everything in this call, from the beginning. Without it the
	// call goes on where the last one, of any process, stopped.
	Full bool
	// Limit is about how many entries and rows one call compares if Full is not
	// set; 1,000 if zero.
	Limit int
	// Tenants are compared beside those of which there are rows: whoever deletes
	// all of a tenant's leaves nothing that names it.
	Tenants []troth.Tenant
}

// Reconciliation is what a call compared, and what it found.
type Reconciliation struct {
	Discrepancies []Discrepancy
	// More counts those that were found and left out: the first thousand are in
	// Discrepancies.
	More int
	// Compared counts entries and rows. Unchecked counts what could not be
	// compared: its entry was redacted or may have been pruned, or the tenant
	// was shredded, with the key that its rows could be checked with.
	Compared, Unchecked int
	// Complete says that the call came to the end. Since then, or since Began
	// where several calls were needed, everything was looked at once, and the
	// next call begins anew.
	Complete bool
	Began    time.Time
}

// Reconcile compares tombstones, restrictions, flags and grants with the trail,
// in both directions: what an entry tells of must be there, and what is there
// must have an entry. It finds what a database writer deleted, forged or rolled
// back, which nothing else can, and names it; it changes nothing.
//
// [Vault.Run] calls it each minute, each time for a part, where the vault has
// [Evidence] to read; when it is through it rests, see [WithReconcile]. After a
// restore call it with Full set.
//
// It does not find what is missing on both sides: an entry that is gone together
// with its rows, as after both were restored from the same backup. Entries that
// were redacted or pruned are not compared. It returns [ErrNoReader] where the
// vault has no evidence to read.
func (v *Vault) Reconcile(ctx context.Context, p ReconcileParams) (Reconciliation, error) {
	if v.evidence == nil {
		return Reconciliation{}, ErrNoReader
	}
	if v.closed.Load() {
		return Reconciliation{}, ErrClosed
	}
	ctx = v.tx.Detach(ctx) // what is committed is compared
	r := &reconciler{v: v, tenants: normalTenants(p.Tenants), left: p.Limit}
	if r.left <= 0 {
		r.left = reconcileLimit
	}
	if !p.Full {
		if err := r.resume(ctx); err != nil {
			return Reconciliation{}, err
		}
	}
	if r.began == 0 || r.atEnd() {
		r.place = place{began: v.micros()}
	}
	err := r.run(ctx, p.Full)
	r.report.Began = time.UnixMicro(r.began).UTC()
	if err == nil && !p.Full {
		err = r.keep(ctx)
	}
	return r.report, err
}

const (
	reconcileLimit = 1000
	reconcilePage  = 64
	// maxDiscrepancies bounds what one report holds.
	maxDiscrepancies = 1000
)

func normalTenants(ts []troth.Tenant) []troth.Tenant {
	ts = slices.Clone(ts)
	slices.Sort(ts)
	return slices.Compact(ts)
}

// reconciler is one call of Reconcile.
type reconciler struct {
	v       *Vault
	tenants []troth.Tenant
	// left is how much may be compared still.
	left   int
	report Reconciliation

	place
}

// place is how far the comparing has come.
type place struct {
	began  int64
	tenant troth.Tenant // empty before the first
	phase  int          // of phases
	cursor string       // within the phase
}

// phases are what is compared of each tenant, page by page: each returns where
// the next page begins, and whether there is none.
var phases = []func(r *reconciler, ctx context.Context) (next string, done bool, err error){
	func(r *reconciler, ctx context.Context) (string, bool, error) {
		return r.entries(ctx, actShred, r.shredding)
	},
	func(r *reconciler, ctx context.Context) (string, bool, error) {
		return r.entries(ctx, actReplay, r.shredding)
	},
	func(r *reconciler, ctx context.Context) (string, bool, error) {
		return r.entries(ctx, actRetire, r.retiring)
	},
	func(r *reconciler, ctx context.Context) (string, bool, error) {
		return r.entries(ctx, actRestrict, r.restricting)
	},
	func(r *reconciler, ctx context.Context) (string, bool, error) {
		return r.entries(ctx, actGrant, r.granting)
	},
	func(r *reconciler, ctx context.Context) (string, bool, error) {
		return r.entries(ctx, actLift, r.lifting)
	},
	(*reconciler).roots, (*reconciler).keys, (*reconciler).persons, (*reconciler).restrictions, (*reconciler).grants,
}

func (r *reconciler) run(ctx context.Context, full bool) error {
	for full || r.left > 0 {
		if r.tenant == "" || r.phase >= len(phases) {
			found, err := r.nextTenant(ctx)
			if err != nil {
				return err
			}
			if !found {
				r.report.Complete = true
				return nil
			}
		}
		next, done, err := phases[r.phase](r, ctx)
		if errors.Is(err, ErrKeyRecord) {
			r.found(Discrepancy{Kind: RowUnreadable})
			done, err = true, nil
		}
		if err != nil {
			return fmt.Errorf("vault: reconcile: %w", err)
		}
		r.left--
		r.cursor = next
		if done {
			r.phase++
			r.cursor = ""
		}
	}
	return nil
}

// nextTenant goes on to the next tenant, of the store or of those that were
// given.
func (r *reconciler) nextTenant(ctx context.Context) (bool, error) {
	ts, err := r.v.store.Tenants(ctx, r.tenant, 1)
	if err != nil {
		return false, fmt.Errorf("vault: reconcile: list tenants: %w", err)
	}
	for _, t := range r.tenants {
		if t > r.tenant {
			ts = append(ts, t)
			break
		}
	}
	if len(ts) == 0 {
		return false, nil
	}
	r.tenant, r.phase, r.cursor = slices.Min(ts), 0, ""
	return true, nil
}

// found adds a discrepancy of the tenant.
func (r *reconciler) found(d Discrepancy) {
	d.Tenant = r.tenant
	if len(r.report.Discrepancies) >= maxDiscrepancies {
		r.report.More++
		return
	}
	r.report.Discrepancies = append(r.report.Discrepancies, d)
}

// compared counts one entry or row.
func (r *reconciler) compared() {
	r.report.Compared++
	r.left--
}

// reconcileAgain is Run's part: it compares some more, and tells what it found.
func (v *Vault) reconcileAgain(ctx context.Context) error {
	if v.evidence == nil {
		return nil
	}
	if due, err := v.reconcileDue(ctx); err != nil || !due {
		return err
	}
	report, err := v.Reconcile(ctx, ReconcileParams{})
	for _, d := range report.Discrepancies {
		v.log.Error("vault: rows and trail disagree", zap.String("kind", string(d.Kind)),
			zap.String("tenant", string(d.Tenant)), zap.Stringer("entry", d.Entry))
		if v.opt.discrepancy != nil {
			v.opt.discrepancy(d)
		}
	}
	return err
}
