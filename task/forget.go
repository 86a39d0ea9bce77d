package task

import (
	"context"
	"errors"
	"slices"

	"github.com/trothdev/troth"
)

// sweepPage is how many finished tasks are read together.
const sweepPage = 500

// Sweep forgets once, as [Engine.Run] does each hour, the tasks that ended longer
// ago than [WithKeep] says, and with them the keys of their work. Those whose
// payloads have not been destroyed yet stay. It returns how many it forgot. A
// tenant whose tasks the Disposer keeps does not keep the others'.
func (e *Engine) Sweep(ctx context.Context) (forgotten int, err error) {
	ctx = acting(e.tx.Detach(ctx))
	p := FinishedPage{Before: e.opt.now().Add(-e.opt.keep).UnixMicro(), Limit: sweepPage}
	var failed error
	for {
		rows, err := e.store.Finished(ctx, p)
		if err != nil {
			return forgotten, wrap("finished", err)
		}
		if len(rows) == 0 {
			return forgotten, failed
		}
		last := rows[len(rows)-1]
		p.AfterCreated, p.AfterID = last.CreatedAt, last.ID
		byTenant := map[troth.Tenant][]ID{}
		for _, r := range rows {
			byTenant[r.Tenant] = append(byTenant[r.Tenant], r.ID)
		}
		for tenant, ids := range byTenant {
			n, err := e.forget(ctx, Removal{Tenant: tenant, IDs: ids, Before: p.Before})
			forgotten += n
			if ctx.Err() != nil {
				return forgotten, ctx.Err()
			}
			failed = errors.Join(failed, err)
		}
	}
}

func (e *Engine) forget(ctx context.Context, r Removal) (n int, err error) {
	slices.SortFunc(r.IDs, compareIDs) // so that two who sweep do not wait for each other
	ref := troth.DisposalRef{Tenant: r.Tenant, Kind: FinishedDisposal, ID: "finished"}
	err = e.c.Disposer.Dispose(ctx, ref, groundEnded, func(ctx context.Context, p troth.Permit) error {
		n = 0
		facts := troth.Facts{"before": troth.Instant(instant(r.Before))}
		if err := e.permits(ctx, p, ref, facts); err != nil {
			return err
		}
		removed, err := e.store.Remove(ctx, r)
		if err != nil || removed == 0 {
			return wrap("remove", err)
		}
		n = removed
		facts["tasks"] = troth.Count(removed)
		return e.record(acting(ctx), troth.Entry{Act: actForget, Tenant: r.Tenant, Facts: facts})
	})
	if err != nil {
		return 0, err
	}
	return n, nil
}
