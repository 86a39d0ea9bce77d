package retention

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/trothdev/troth"
)

// firstRun is the id of the allowance that says whether anything was ever approved: its
// Since is when, its ClosedAt when the first record began to wait for that. No class has
// a name like it.
const firstRun = "~first"

// grant is what becomes of a record that is due to be destroyed.
type grant int

const (
	// grantGo says that it may go.
	grantGo grant = iota
	// grantWait says that it waits for people.
	grantWait
	// grantBusy says that another process is counting what goes of the class just now.
	grantBusy
)

// leave decides in one transaction of a sweep what of that which is due may go. What it
// counts is locked until the transaction ends, so that no other process counts the same;
// who would have to wait for that does something else.
type leave struct {
	k     *Keeper
	h     *History
	holds *holdIndex
	// events are those of all that the records belong to.
	events manyEvents
	now    time.Time
	stop   string

	read       bool
	first      bool // nothing was ever approved
	closed     map[string]bool
	plans      []*openPlan
	allowances map[string]*openAllowance
	// refund gives back what was counted for the last record.
	refund func()
}

// openPlan is a plan that is good now.
type openPlan struct {
	plan            Plan
	row             PlanRow
	locked, changed bool
}

// openAllowance is an allowance that is locked, or, where busy, was not to be had.
type openAllowance struct {
	row     AllowanceRow
	busy    bool
	changed bool
	why     Awaits // if it was closed now
}

// load reads what may be spent.
func (l *leave) load(ctx context.Context) error {
	if l.read {
		return nil
	}
	state, err := l.k.state(ctx, l.h, l.now)
	if err != nil {
		return err
	}
	l.first, l.closed, l.plans = state.first, state.closed, state.plans
	l.allowances = map[string]*openAllowance{}
	l.read = true
	return nil
}

// state is what was approved and what is closed.
type state struct {
	first  bool
	closed map[string]bool
	since  map[string]time.Time
	plans  []*openPlan
}

// state reads what may be spent. Of the plans it has those that are good at an instant.
func (k *Keeper) state(ctx context.Context, h *History, now time.Time) (s state, err error) {
	s = state{first: !k.opt.unapproved, closed: map[string]bool{}, since: map[string]time.Time{}}
	allowances, err := k.store.Allowances(ctx, troth.Platform)
	if err != nil {
		return s, fmt.Errorf("retention: read allowances: %w", err)
	}
	for _, a := range allowances {
		s.closed[a.ID], s.since[a.ID] = a.ClosedAt != 0, timeOf(a.ClosedAt)
		if a.ID == firstRun && a.Since != 0 && s.first {
			approved, err := k.everApproved(ctx)
			if err != nil {
				return s, err
			}
			s.first = !approved
		}
	}
	rows, err := k.store.OpenPlans(ctx, troth.Platform)
	if err != nil {
		return s, fmt.Errorf("retention: read plans: %w", err)
	}
	for _, row := range rows {
		if row.ApprovedAt == 0 {
			continue
		}
		p, err := k.readPlan(ctx, &row)
		if errors.Is(err, ErrTampered) {
			continue // it lets nothing go, and the sweep tells of it
		} else if err != nil {
			return s, err
		}
		if k.stale(h, &p, now) == "" && !p.At.After(now) && p.Version == newestOf(h) {
			s.plans = append(s.plans, &openPlan{plan: p, row: row})
		}
	}
	return s, nil
}

// ask says whether a record may go that is due, and counts it if so.
func (l *leave) ask(ctx context.Context, row *RecordRow) (grant, error) {
	l.refund = nil
	if l.stop != "" {
		return grantWait, nil
	}
	if err := l.load(ctx); err != nil {
		return grantWait, err
	}
	if l.first {
		return l.close(ctx, firstRun, AwaitsFirst)
	}
	member, g, err := l.planned(ctx, row)
	if err != nil || g != grantWait {
		return g, err
	}
	c, bounds := l.k.ceiling(l.h, row.Class, l.now)
	if !bounds && !member && !l.closed[row.Class] {
		return grantGo, nil
	}
	a, err := l.allowance(ctx, row.Class)
	if err != nil || a.busy {
		return grantBusy, err
	}
	if a.row.ClosedAt != 0 {
		return grantWait, nil
	}
	before := a.row
	if !member { // there would be more than were approved
		ok, err := c.allow(&a.row, timeOf(row.Created), l.now, func(limit int64) (int64, error) {
			return l.k.CountRecords(ctx, Count{Class: row.Class, Limit: limit})
		})
		if err != nil {
			return grantWait, err
		}
		if ok {
			a.changed = true
			l.refund = func() { a.row = before }
			return grantGo, nil
		}
	}
	return l.close(ctx, row.Class, AwaitsCeiling)
}

// planned spends of the first plan that has the record and something left. member says
// that some plan has it.
func (l *leave) planned(ctx context.Context, row *RecordRow) (member bool, g grant, err error) {
	for _, p := range l.plans {
		then, err := outcomeOf(l.h, l.holds, l.events, row, p.plan.At)
		if err != nil {
			return false, grantWait, err
		}
		i, found := p.plan.bucket(row.Class, standing(l.h, &then.stood, p.plan.At), then.action(row))
		if !found || !p.plan.Buckets[i].destroys() {
			continue
		}
		if !p.locked {
			locked, found, err := l.k.store.LockPlan(ctx, troth.Platform, p.row.Hash, false)
			if err != nil {
				return false, grantWait, fmt.Errorf("retention: lock plan: %w", err)
			}
			if !found {
				return true, grantBusy, nil
			}
			if _, err := l.k.readPlan(ctx, &locked); err != nil {
				return false, grantWait, err
			}
			p.locked, p.row = true, locked
		}
		member = true
		if p.row.EndedAt == 0 && i < len(p.row.Spent) && p.row.Spent[i] < p.plan.Buckets[i].Records {
			p.row.Spent[i]++
			p.changed = true
			l.refund = func() { p.row.Spent[i]-- }
			return true, grantGo, nil
		}
	}
	return member, grantWait, nil
}

// allowance locks an allowance, once.
func (l *leave) allowance(ctx context.Context, id string) (*openAllowance, error) {
	if a := l.allowances[id]; a != nil {
		return a, nil
	}
	row, found, err := l.k.store.LockAllowance(ctx, troth.Platform, id, false)
	if err != nil {
		return nil, fmt.Errorf("retention: lock allowance: %w", err)
	}
	a := &openAllowance{row: row, busy: !found}
	l.allowances[id] = a
	return a, nil
}

// close closes an allowance: the record waits, and everything of it after.
func (l *leave) close(ctx context.Context, id string, why Awaits) (grant, error) {
	a, err := l.allowance(ctx, id)
	if err != nil || a.busy {
		return grantBusy, err
	}
	if a.row.ClosedAt == 0 {
		a.row.ClosedAt = l.now.UnixMicro()
		a.changed, a.why = true, why
	}
	return grantWait, nil
}

// settle writes what was counted, and records what was closed.
func (l *leave) settle(ctx context.Context) error {
	for _, p := range l.plans {
		if !p.changed {
			continue
		}
		if err := l.k.putPlan(ctx, p.row); err != nil {
			return err
		}
	}
	for _, a := range l.allowances {
		if !a.changed {
			continue
		}
		if err := l.k.store.PutAllowance(ctx, a.row); err != nil {
			return fmt.Errorf("retention: write allowance: %w", err)
		}
		if a.why == "" {
			continue
		}
		e := troth.Entry{Act: actAwait, Tenant: troth.Platform, Facts: troth.Facts{
			"why": troth.Word(string(a.why)), "spent": troth.Count(a.row.Spent), "stored": troth.Count(a.row.Stored),
		}}
		if a.row.ID != firstRun {
			e.Facts["class"] = troth.Word(a.row.ID)
		}
		if err := l.k.record(ctx, e); err != nil {
			return err
		}
	}
	return nil
}
