package retention

import (
	"bytes"
	"context"
	"slices"
	"time"
)

// Difference is what a version does to the records that are there, before it is
// activated.
type Difference struct {
	// Before and After are the versions; Apply is that of the one after.
	Before, After uint32
	Apply         Apply
	// Changes are by class and stage, those that change nothing left out.
	Changes []Change
	// Rules are promises, obligations and labels that are new, gone or other than
	// before.
	Rules []RuleChange
}

// Change is what becomes of the records of one class in one stage.
type Change struct {
	Class  string `json:"class"`
	Stage  string `json:"stage"`
	Effect Effect `json:"effect"`
	// Before and After are how many days lie at the most between the beginning of
	// the stage and destruction; -1 where that waits for an event.
	Before int `json:"before"`
	After  int `json:"after"`
	// Records is how many there are, and DueNow how many of them would be due to be
	// destroyed at once that were not before, when Apply has its effect. Labels,
	// promises, holds and events of single records are not looked at: the preview of
	// a run does that.
	Records int64 `json:"records"`
	DueNow  int64 `json:"due_now"`
}

// Effect says in which direction an end moves.
type Effect string

const (
	// Earlier ends before it did.
	Earlier Effect = "earlier"
	// Later ends after it did.
	Later Effect = "later"
	// Mixed is earlier for some records and later for others, as from 30 days to
	// a month.
	Mixed Effect = "mixed"
	// Lost has no such class or stage any more: records in it are decided by nobody.
	Lost Effect = "lost"
)

// RuleChange is a promise, obligation or label that changed.
type RuleChange struct {
	// Kind is [ByPromise], [ByObligation] or [ByLabel].
	Kind Ground `json:"kind"`
	Name string `json:"name"`
	// Change is "added", "removed" or "changed".
	Change string `json:"change"`
}

// Counter counts records, for difference reports.
type Counter interface {
	// CountRecords counts those of a class, in a stage and of a cohort, whose anchor is
	// after From and not after To. An empty Stage is any, as is a zero Cohort; a zero From
	// or To is no bound. It may stop counting at Limit, where that is not zero.
	CountRecords(ctx context.Context, c Count) (int64, error)
}

// Count is what a [Counter] counts.
type Count struct {
	Class, Stage string
	Cohort       uint32
	From, To     time.Time
	Limit        int64
}

// Diff compares a version with the one that is active, for the records that are
// there at an instant.
func Diff(ctx context.Context, before, after *Policy, at time.Time, counter Counter) (Difference, error) {
	h, err := NewHistory(before)
	if err != nil {
		return Difference{}, err
	}
	next, err := NewHistory(after)
	if err != nil {
		return Difference{}, err
	}
	v, w := h.versions[0], next.versions[0]
	d := Difference{Before: v.number, After: w.number, Apply: w.apply}
	for i := range before.Classes {
		c := v.classes[before.Classes[i].Name]
		for stage := range c.stages {
			change := compare(v, w, c, stage, at)
			if change.effect == "" {
				continue
			}
			counted, err := change.count(ctx, counter, w.apply)
			if err != nil {
				return Difference{}, err
			}
			d.Changes = append(d.Changes, counted)
		}
	}
	d.Rules = ruleChanges(before, after)
	return d, nil
}

func ruleChanges(before, after *Policy) []RuleChange {
	return slices.Concat(
		changes(ByPromise, before.Promises, after.Promises, func(p Promise) string { return p.Name }, appendPromise),
		changes(ByObligation, before.Obligations, after.Obligations, func(o Obligation) string { return o.Name }, appendObligation),
		changes(ByLabel, before.Labels, after.Labels, func(l Label) string { return l.Name }, appendLabel),
	)
}

// changes compares two lists of rules by their canonical bytes.
func changes[T any](kind Ground, before, after []T, id func(T) string, add func([]byte, T) []byte) (list []RuleChange) {
	find := func(rules []T, name string) int {
		return slices.IndexFunc(rules, func(r T) bool { return id(r) == name })
	}
	for _, r := range before {
		i := find(after, id(r))
		switch {
		case i < 0:
			list = append(list, RuleChange{Kind: kind, Name: id(r), Change: "removed"})
		case !bytes.Equal(add(nil, r), add(nil, after[i])):
			list = append(list, RuleChange{Kind: kind, Name: id(r), Change: "changed"})
		}
	}
	for _, r := range after {
		if find(before, id(r)) < 0 {
			list = append(list, RuleChange{Kind: kind, Name: id(r), Change: "added"})
		}
	}
	return list
}
