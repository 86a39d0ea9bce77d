package rights

import (
	"context"
	"slices"

	"go.uber.org/zap"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/deadline"
)

// rulesOf are the rules of sets, by regime.
func rulesOf(sets []*deadline.Set) map[string][]deadline.Rule {
	all := map[string][]deadline.Rule{}
	for _, s := range sets {
		for _, r := range s.Rules() {
			all[r.Regime()] = append(all[r.Regime()], r)
		}
	}
	return all
}

// duties are what laws call a right, the name that fits best first: of a law the rules
// of the first one count that it sets a time for.
var duties = map[Right][]deadline.Duty{
	Know:            {deadline.DutyKnow, deadline.DutyAccess, deadline.DutyRequest},
	Access:          {deadline.DutyAccess, deadline.DutyKnow, deadline.DutyRequest},
	Correct:         {deadline.DutyRectification, deadline.DutyCorrect, deadline.DutyRequest},
	Erase:           {deadline.DutyErasure, deadline.DutyDelete, deadline.DutyRequest},
	Restrict:        {deadline.DutyRestriction, deadline.DutyRequest},
	Object:          {deadline.DutyObjection, deadline.DutyRequest},
	Portability:     {deadline.DutyPortability, deadline.DutyAccess, deadline.DutyKnow, deadline.DutyRequest},
	HumanReview:     {deadline.DutyAutomated, deadline.DutyRequest},
	WithdrawConsent: {deadline.DutyConsent, deadline.DutyRequest},
	OptOut:          {deadline.DutyOptOut, deadline.DutyObjection, deadline.DutyRequest},
	LimitSensitive:  {deadline.DutyLimit, deadline.DutyRestriction, deadline.DutyRequest},
	Recipients:      {deadline.DutyAccess, deadline.DutyKnow, deadline.DutyRequest},
	Complaint:       {deadline.DutyComplaint, deadline.DutyGrievance},
	Appeal:          {deadline.DutyRequest},
}

// outer are the kinds of clocks by which a law sets a time for a right.
var outer = []deadline.Kind{deadline.Respond, deadline.HonourOptOut, deadline.TakeEffect, deadline.Appeal}

// leading are the kinds that can lead. A notice of extension or refusal is due only by
// who extends or refuses.
var leading = append([]deadline.Kind{deadline.Acknowledge}, outer...)

// clocks are rules by which requests are held, for each right and law.
type clocks map[Right]map[string]deadline.Clocks

// clocksOf are the clocks by which laws' rules hold requests, and those of them that can lead.
func clocksOf(rules map[string][]deadline.Rule) (all, lead clocks, err error) {
	all, lead = clocks{}, clocks{}
	for right := range duties {
		all[right], lead[right] = map[string]deadline.Clocks{}, map[string]deadline.Clocks{}
		for regime, some := range rules {
			held := holding(right, some)
			if all[right][regime], err = deadline.NewClocks(held...); err != nil {
				return nil, nil, err
			}
			first := slices.DeleteFunc(held, func(r deadline.Rule) bool { return !slices.Contains(leading, r.Kind) })
			if lead[right][regime], err = deadline.NewClocks(first...); err != nil {
				return nil, nil, err
			}
		}
	}
	return all, lead, nil
}

// holding are those of a law's rules by which requests for a right are held.
func holding(right Right, rules []deadline.Rule) []deadline.Rule {
	for _, duty := range duties[right] {
		var found []deadline.Rule
		timed := false
		for _, r := range rules {
			if r.Duty != duty || !r.Limit() || (r.Kind == deadline.Appeal) != (right == Appeal) {
				continue
			}
			if r.Kind == deadline.TakeEffect && right != WithdrawConsent {
				continue // of a policy, and not of a request
			}
			found = append(found, r)
			timed = timed || slices.Contains(outer, r.Kind)
		}
		if timed {
			return found
		}
	}
	return nil
}

// of are the clocks of a request.
func (c clocks) of(q *request) deadline.Clocks {
	var all deadline.Clocks
	for _, regime := range q.regimes {
		all = all.And(c[q.right][regime])
	}
	return all
}

func (d *Desk) happened(q *request) []deadline.Event {
	events := make([]deadline.Event, len(q.ticks))
	for i, t := range q.ticks {
		events[i] = deadline.At(t.typ, instant(t.at), d.opt.loc)
	}
	return events
}

// docket is what clocks make of what happened.
func (d *Desk) docket(c deadline.Clocks, q *request) (deadline.Docket, error) {
	docket, err := c.Due(d.happened(q), nil)
	return docket, wrap("count", err)
}

// Deadlines returns every clock of a request, the earliest first; each explains itself.
// Clocks of what was done already are among them.
func (d *Desk) Deadlines(ctx context.Context, tenant troth.Tenant, id string) (deadline.Docket, error) {
	q, err := d.read(ctx, tenant, id)
	if err != nil {
		return deadline.Docket{}, err
	}
	return d.docket(d.clocks.of(q), q)
}

// endOf is the instant at which a deadline is over, by its strict reading.
func (d *Desk) endOf(l *deadline.Deadline) int64 {
	if !l.SafeAt.IsZero() {
		return micros(l.SafeAt)
	}
	return micros(l.Safe.End(d.opt.loc))
}

// wind sets the request's leading clock and its alarm by what has happened.
func (c *change) wind(ctx context.Context) error {
	q := c.q
	if q.state.Final() {
		q.dueAt, q.rule = 0, ""
		return c.alarmAt(ctx, 0)
	}
	l, err := c.d.lead(q)
	switch {
	case err != nil:
		// A calendar that ends before the request does must not keep a person from
		// asking, and must not hide the request either: it is due now.
		c.d.log.Warn("rights: a clock cannot be counted", zap.Error(err))
		l = led{due: q.receivedAt, rule: "unknown"}
	case !l.found:
		// No law sets a time. It must not be forgotten for that.
		l = led{due: q.receivedAt + c.d.opt.lapse.Microseconds(), rule: "none"}
	}
	q.dueAt, q.rule = l.due, l.rule
	if q.alarmFor != l.due {
		q.alarmFor, q.stage = l.due, 0
	}
	if next := nextStage(q); next != c.rings {
		return c.alarmAt(ctx, next)
	}
	return nil
}

// stages are how near a deadline is, as they are stored from 1.
var stages = []Stage{"", Half, Most, Late}

// stageAt is when a stage begins.
func stageAt(stage int, from, due int64) int64 {
	switch left := max(due-from, 0); stage {
	case 1:
		return from + left/2
	case 2:
		return from + left/10*8
	default:
		return due
	}
}

// nextStage is when the next stage that was not told begins, or began: whoever changes
// the request in between must not keep it from being told. 0 after the last.
func nextStage(q *request) int64 {
	if s := int(q.stage) + 1; s < len(stages) {
		return max(stageAt(s, q.receivedAt, q.dueAt), 1)
	}
	return 0
}

// reached is the stage that a clock is in.
func reached(q *request, now int64) int {
	stage := 0
	for s := 1; s < len(stages); s++ {
		if stageAt(s, q.receivedAt, q.dueAt) <= now {
			stage = s
		}
	}
	return stage
}
