package retention

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/trothdev/troth"
)

func newestOf(h *History) PlanVersion { return (&knownPolicy{history: h}).newest() }

// stale says why a plan is not good at an instant; empty if it is, or will be with the
// version that it is about.
func (k *Keeper) stale(h *History, p *Plan, now time.Time) Stale {
	newest := newestOf(h)
	switch {
	case newest != p.Base && newest != p.Version:
		return StalePolicy
	case now.After(k.expires(p)):
		return StaleAge
	}
	return ""
}

// wait has a record wait for people that is due to be destroyed: out of sight, and
// found again when it may go.
func (k *Keeper) wait(ctx context.Context, h *History, row *RecordRow, before string, d *Decision, s *Swept) error {
	s.Waiting++
	row.DueAt, row.Policy = Waiting, h.versions[len(h.versions)-1].number
	if err := k.enter(ctx, h, row, before, d); err != nil {
		return err
	}
	return k.put(ctx, row)
}

// sweepWaiting takes what waits for people, of the classes that may go on.
func (r *sweeping) sweepWaiting(ctx context.Context, h *History) error {
	k := r.k
	may, err := k.state(ctx, h, k.now())
	if err != nil || may.first {
		return err
	}
	if stop, err := k.stopOf(ctx, troth.Platform); err != nil || stop != "" {
		return err
	}
	for _, class := range h.classes() {
		if may.closed[class] && len(may.plans) == 0 {
			continue
		}
		if err := r.sweepWaitingOf(ctx, class); err != nil {
			return err
		}
	}
	return nil
}

// sweepWaitingOf goes through what waits of a class. What must wait on it passes over,
// tenants at a time where one is stopped.
func (r *sweeping) sweepWaitingOf(ctx context.Context, class string) error {
	k := r.k
	v := Survey{Kind: SurveyWaiting, Class: class}
	for {
		rows, err := k.store.SurveyRecords(ctx, v, k.opt.batch)
		if err != nil {
			return fmt.Errorf("retention: survey records: %w", err)
		}
		if len(rows) == 0 {
			return nil
		}
		tenant := rows[0].Tenant
		var keys []RecordKey
		for i := range rows {
			if rows[i].Tenant != tenant {
				break
			}
			keys = append(keys, rows[i].RecordKey)
		}
		v.After = &rows[len(keys)-1]
		if stop, err := k.stopOf(ctx, tenant); err != nil {
			return err
		} else if stop != "" {
			v.After = &RecordRow{RecordKey: RecordKey{Tenant: tenant, Type: "\U0010ffff"}} // after every type
			continue
		}
		if err := r.keys(ctx, keys); err != nil {
			return err
		}
	}
}

// awaiting returns what waits for a plan, as one error; nil if nothing does.
func (k *Keeper) awaiting(ctx context.Context, h *History) error {
	may, err := k.state(ctx, h, k.now())
	if err != nil {
		return err
	}
	var all []error
	for _, class := range h.classes() {
		if !may.closed[class] && !(may.first && may.closed[firstRun]) {
			continue
		}
		rows, err := k.store.SurveyRecords(ctx, Survey{Kind: SurveyWaiting, Class: class}, 1)
		if err != nil {
			return fmt.Errorf("retention: survey records: %w", err)
		}
		switch {
		case len(rows) == 0:
		case may.first:
			return &ApprovalError{Why: AwaitsFirst, Since: may.since[firstRun]}
		default:
			all = append(all, &ApprovalError{Why: AwaitsCeiling, Class: class, Since: may.since[class]})
		}
	}
	return errors.Join(all...)
}

// endPlans ends the plans that were carried out by the sweep that is complete now, those
// good when it began, and those that are stale.
func (k *Keeper) endPlans(ctx context.Context, h *History, began time.Time) error {
	rows, err := k.store.OpenPlans(ctx, troth.Platform)
	if err != nil {
		return fmt.Errorf("retention: read plans: %w", err)
	}
	var bad []error // one row that nobody wrote keeps no other from ending
	for i := range rows {
		p, err := k.readPlan(ctx, &rows[i])
		if errors.Is(err, ErrTampered) {
			bad = append(bad, err)
			continue
		}
		if err != nil {
			return err
		}
		why := string(k.stale(h, &p, began))
		if done := rows[i].ApprovedAt; why == "" && done != 0 && done <= began.UnixMicro() && !p.At.After(began) && p.Version == newestOf(h) {
			why = "done"
		}
		if why == "" {
			continue
		}
		if err := k.endPlan(ctx, rows[i].Hash, why); err != nil {
			return err
		}
	}
	return errors.Join(bad...)
}

func (k *Keeper) endPlan(ctx context.Context, hash [32]byte, why string) error {
	return k.tx.Atomically(ctx, func(ctx context.Context) error {
		row, found, err := k.store.LockPlan(ctx, troth.Platform, hash, true)
		if err != nil {
			return fmt.Errorf("retention: lock plan: %w", err)
		}
		if !found || row.EndedAt != 0 {
			return nil
		}
		row.EndedAt, row.Proposer = k.now().UnixMicro(), nil
		if err := k.putPlan(ctx, row); err != nil {
			return err
		}
		gone := int64(0)
		for _, n := range row.Spent {
			gone += n
		}
		k.log.Info("retention: a plan ended", zap.String("why", why), zap.Int64("records", gone))
		return k.record(ctx, troth.Entry{Act: actCarried, Tenant: troth.Platform, Facts: troth.Facts{
			"plan": troth.Digest(hash), "records": troth.Count(gone), "why": troth.Word(why),
		}})
	})
}
