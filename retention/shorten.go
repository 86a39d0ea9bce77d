package retention

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

// PreviewActivation returns what a policy would do as the next version: how it differs
// for the records that are there, by the versions that bind each of them, and what a
// sweep would do at the first instant at which it is in force, or now if that was before.
// It changes nothing. The policy must lint clean and follow the newest version, as for
// [Keeper.Activate].
func (k *Keeper) PreviewActivation(ctx context.Context, p *Policy) (Plan, error) {
	p, text, err := k.checked(p)
	if err != nil {
		return Plan{}, err
	}
	known, err := k.versions(ctx)
	if errors.Is(err, ErrNoPolicy) {
		known = &knownPolicy{}
	} else if err != nil {
		return Plan{}, err
	}
	next, err := known.with([]PolicyRow{{Version: p.Version, Hash: p.Hash(), Text: text}})
	if err != nil {
		return Plan{}, outOfOrder(err)
	}
	now := k.now()
	plan := Plan{Made: now, At: next.from(now), Base: known.newest(), Version: next.newest()}
	d, err := differ(ctx, known, next, plan.At, k, 0)
	if err != nil {
		return Plan{}, err
	}
	plan.Changes, plan.Rules = d.changes, d.rules
	return k.plan(ctx, next.history, known.history, plan)
}

// from is the first instant from now on at which the newest version is in force.
func (n *knownPolicy) from(now time.Time) time.Time {
	return later(now, n.history.versions[len(n.history.versions)-1].from)
}

// difference is how a version differs from those before, for the records that are there.
type difference struct {
	changes []Change
	rules   []RuleChange
	// shortens says that it makes records go earlier, or may do so.
	shortens bool
}

// differ compares two histories, of which the second has one version more. It counts no
// further than to a limit, where that is not zero.
func differ(ctx context.Context, before, after *knownPolicy, at time.Time, counter Counter, limit int64) (d difference, err error) {
	if before.history == nil {
		return d, nil // nothing was ever registered
	}
	apply := after.history.versions[len(after.history.versions)-1].apply
	there := false
	for _, v := range before.history.versions {
		for _, class := range before.history.classes() {
			n, err := counter.CountRecords(ctx, Count{Class: class, Cohort: v.number, Limit: 1})
			if err != nil {
				return d, err
			}
			if n == 0 {
				continue
			}
			there = true
			if apply == ApplyNew {
				continue // they stay as they are
			}
			if err := d.cohort(ctx, before.history, after.history, Cut{Class: class, Cohort: v.number, Anchor: at}, counter, limit); err != nil {
				return d, err
			}
		}
	}
	was, is := before.policies[len(before.policies)-1], after.policies[len(after.policies)-1]
	d.rules = ruleChanges(was, is)
	for _, c := range d.changes {
		d.shortens = d.shortens || c.Records > 0 && (c.Effect == Earlier || c.Effect == Mixed)
	}
	for _, r := range d.rules {
		d.shortens = d.shortens || there && r.mayShorten(apply)
	}
	return d, nil
}

// mayShorten reports whether a change of a rule can make records go earlier that are
// there. What an obligation keeps is said by the version in force alone; promises and
// labels bind with their version.
func (r *RuleChange) mayShorten(apply Apply) bool {
	switch {
	case r.Kind == ByObligation:
		return r.Change != "added"
	case r.Kind == ByLabel && apply == ApplyAll:
		return true // also one less: the class may end before the label did
	}
	return apply != ApplyNew && r.Change != "removed"
}

// cohort compares what becomes of the records of one class and cohort, stage by stage.
// The anchor of the cut is the instant.
func (d *difference) cohort(ctx context.Context, before, after *History, c Cut, counter Counter, limit int64) error {
	for _, stage := range before.stagesOf(c.Class) {
		c.Stage = stage
		s, changes := before.compare(after, c)
		if !changes {
			continue
		}
		records, err := counter.CountRecords(ctx, Count{Class: c.Class, Stage: stage, Cohort: c.Cohort, Limit: limit})
		if err != nil {
			return fmt.Errorf("retention: count records: %w", err)
		}
		if records == 0 {
			continue
		}
		n := Change{Class: c.Class, Stage: stage, Effect: s.effect, Before: s.before, After: s.after, Records: records}
		if s.to.After(s.from) {
			count := Count{Class: c.Class, Stage: stage, Cohort: c.Cohort, From: s.from, To: s.to, Limit: limit}
			if n.DueNow, err = counter.CountRecords(ctx, count); err != nil {
				return fmt.Errorf("retention: count records: %w", err)
			}
		}
		d.add(n)
	}
	return nil
}

// add counts the same change of another cohort with the one that is there.
func (d *difference) add(n Change) {
	for i := range d.changes {
		c := &d.changes[i]
		if c.Class == n.Class && c.Stage == n.Stage && c.Effect == n.Effect && c.Before == n.Before && c.After == n.After {
			c.Records += n.Records
			c.DueNow += n.DueNow
			return
		}
	}
	d.changes = append(d.changes, n)
}

// stagesOf are the stages of a class in all versions, sorted.
func (h *History) stagesOf(class string) []string {
	all := map[string]bool{}
	for _, v := range h.versions {
		if c := v.classes[class]; c != nil {
			for _, s := range c.stages {
				all[s.name] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(all))
}

// compare finds what a history with one version more makes of the stage of a cut, whose
// anchor is the instant; changes is false if it is nothing.
func (h *History) compare(after *History, c Cut) (s stageChange, changes bool) {
	at := c.Anchor
	was, wasDays, ok := h.overAll(c, at)
	if !ok {
		return s, false
	}
	is, isDays, ok := after.overAll(c, at)
	s = stageChange{class: c.Class, stage: c.Stage, before: wasDays, after: isDays}
	if !ok {
		s.effect, s.after = Lost, -1
		return s, true
	}
	if s.effect = movement(was, is, at); s.effect != Earlier && s.effect != Mixed {
		return s, s.effect != ""
	}
	s.to = inverse(ended(is), at)
	if !was(at).IsZero() {
		s.from = inverse(ended(was), at)
	}
	return s, true
}

// overAll returns when a record of the cut's class, cohort and stage ends by time, by
// its anchor: by the versions that bind it at an instant the earliest. days is how many
// that are at the most. ok is false where no version has the stage.
func (h *History) overAll(c Cut, at time.Time) (over func(anchor time.Time) time.Time, days int, ok bool) {
	first, last, bound := h.binding(c.Cohort, at)
	if !bound {
		return nil, 0, false
	}
	type way struct {
		class *classRules
		stage int
		zone  *time.Location
	}
	var ways []way
	days = -1
	for i := first; i <= last; i++ {
		class := h.versions[i].classes[c.Class]
		if !h.binds(first, i) || class == nil || class.zero {
			continue
		}
		stage := class.stage(c.Stage)
		if stage < 0 || stage == len(class.stages) {
			continue
		}
		ways = append(ways, way{class, stage, h.versions[i].zone})
		if n := class.longest(stage); n >= 0 && (days < 0 || n < days) {
			days = n
		}
	}
	return func(anchor time.Time) (end time.Time) {
		for _, w := range ways {
			end = earlier(end, w.class.over(w.stage, anchor, w.zone))
		}
		return end
	}, days, len(ways) > 0
}

// ended is an end that is never where there is none.
func ended(over func(time.Time) time.Time) func(time.Time) time.Time {
	return func(anchor time.Time) time.Time {
		if end := over(anchor); !end.IsZero() {
			return end
		}
		return distant
	}
}
