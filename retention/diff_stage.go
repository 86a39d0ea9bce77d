package retention

import (
	"context"
	"fmt"
	"time"
)

// stageChange is a Change before records are counted: from and to bound the
// anchors of those that come due now.
type stageChange struct {
	class, stage  string
	effect        Effect
	before, after int
	from, to      time.Time
}

// compare finds what version w makes of a stage of version v.
func compare(v, w *version, c *classRules, stage int, at time.Time) stageChange {
	s := stageChange{class: c.name, stage: c.stages[stage].name, before: c.longest(stage), after: -1}
	next := w.classes[c.name]
	n := -1
	if next != nil {
		n = next.stage(s.stage)
	}
	if n < 0 {
		s.effect = Lost
		return s
	}
	s.after = next.longest(n)
	s.effect = effect(v, w, c, next, stage, n, at)
	if s.effect != Earlier && s.effect != Mixed {
		return s
	}
	s.to = inverse(func(t time.Time) time.Time { return next.over(n, t, w.zone) }, at)
	if s.before >= 0 {
		s.from = inverse(func(t time.Time) time.Time { return c.over(stage, t, v.zone) }, at)
	}
	return s
}

// longest is how many days lie at the most between the beginning of a stage and
// the end; -1 if it has none by time.
func (c *classRules) longest(stage int) (days int) {
	for range c.stages {
		if stage == len(c.stages) {
			return days
		}
		if c.stages[stage].last.IsZero() {
			return -1
		}
		days, stage = days+maxDays(c.stages[stage].last), c.stages[stage].next
	}
	if stage != len(c.stages) {
		return -1
	}
	return days
}

// effect tells in which direction the end of a stage moves, by the anchors of the
// four years before and after: months of all lengths, and both sides of every
// change of the clocks.
func effect(v, w *version, c, next *classRules, stage, n int, at time.Time) Effect {
	return movement(
		func(anchor time.Time) time.Time { return c.over(stage, anchor, v.zone) },
		func(anchor time.Time) time.Time { return next.over(n, anchor, w.zone) }, at)
}

// movement is effect of two ends.
func movement(was, is func(anchor time.Time) time.Time, at time.Time) Effect {
	const days = 4 * 366
	sooner, longer := false, false
	for i := -days; i <= days; i++ {
		anchor := at.Add(time.Duration(i) * 24 * time.Hour)
		a, b := was(anchor), is(anchor)
		switch {
		case a.Equal(b):
		case a.IsZero(), !b.IsZero() && b.Before(a):
			sooner = true
		default:
			longer = true
		}
	}
	switch {
	case sooner && longer:
		return Mixed
	case sooner:
		return Earlier
	case longer:
		return Later
	}
	return ""
}

// count asks how many records a change is about.
func (s stageChange) count(ctx context.Context, counter Counter, apply Apply) (Change, error) {
	c := Change{Class: s.class, Stage: s.stage, Effect: s.effect, Before: s.before, After: s.after}
	var err error
	if c.Records, err = counter.CountRecords(ctx, Count{Class: s.class, Stage: s.stage}); err != nil {
		return Change{}, fmt.Errorf("retention: count records: %w", err)
	}
	if apply == ApplyNew || !s.to.After(s.from) {
		return c, nil
	}
	c.DueNow, err = counter.CountRecords(ctx, Count{Class: s.class, Stage: s.stage, From: s.from, To: s.to})
	if err != nil {
		return Change{}, fmt.Errorf("retention: count records: %w", err)
	}
	return c, nil
}
