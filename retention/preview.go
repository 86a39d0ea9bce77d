package retention

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/trothdev/troth"
)

// Preview returns what a sweep would do now, and changes nothing. It decides for every
// record that a sweep would look at, by the same evaluation; so it takes as long as
// evaluating all that is due. It says what is due, not what people let go: stops,
// ceilings and approvals are not looked at. What changes meanwhile it may miss or count
// twice.
func (k *Keeper) Preview(ctx context.Context) (Plan, error) {
	known, err := k.versions(ctx)
	if err != nil {
		return Plan{}, err
	}
	now, v := k.now(), known.newest()
	return k.plan(ctx, known.history, nil, Plan{Made: now, At: now, Base: v, Version: v})
}

// newest is the newest version.
func (n *knownPolicy) newest() PlanVersion {
	if n.history == nil {
		return PlanVersion{}
	}
	v := n.history.versions[len(n.history.versions)-1]
	return PlanVersion{Number: v.number, Policy: v.hash}
}

// plan fills the buckets. before is the history without the plan's version, nil where
// there is no other.
func (k *Keeper) plan(ctx context.Context, h, before *History, p Plan) (Plan, error) {
	holds := heldIn{k: k}
	err := k.survey(ctx, h, p.At, func(row *RecordRow) error {
		held, err := holds.of(ctx, row.Tenant)
		if err != nil {
			return err
		}
		events, err := k.eventsFor(ctx, *row)
		if err != nil {
			return err
		}
		o, err := outcomeOf(h, held, events, row, p.At)
		if err != nil {
			countIn(&p, row, row.Stage, ActAsk, "the row is not readable", false)
			return nil //nolint:nilerr // the plan says so, and goes on
		}
		a := o.action(row)
		if a == "" {
			return nil
		}
		earlier := false
		if before != nil {
			was, err := outcomeOf(before, held, events, row, p.At)
			earlier = err == nil && was.action(row) != a
		}
		countIn(&p, row, standing(h, &o.stood, p.At), a, o.d.String(), earlier)
		return nil
	})
	return p, err
}

// countIn counts a record, and shows it if its name is among the first.
func countIn(p *Plan, row *RecordRow, stage string, a Action, why string, earlier bool) {
	i, found := p.bucket(row.Class, stage, a)
	if !found {
		p.Buckets = slices.Insert(p.Buckets, i, Bucket{Class: row.Class, Stage: stage, Action: a})
	}
	b := &p.Buckets[i]
	b.Records++
	if earlier {
		b.Earlier++
	}
	at, _ := slices.BinarySearchFunc(b.Samples, row.Handle, func(s Sample, handle string) int { return strings.Compare(s.Handle, handle) })
	if at < samples {
		b.Samples = slices.Insert(b.Samples, at, Sample{Handle: row.Handle, Why: why})
		b.Samples = b.Samples[:min(len(b.Samples), samples)]
	}
}

// survey goes through all records that a sweep would look at by a history at an instant,
// a page at a time.
func (k *Keeper) survey(ctx context.Context, h *History, at time.Time, each func(row *RecordRow) error) error {
	all := []Survey{
		{Kind: SurveyDue, At: at.UnixMicro()},
		{Kind: SurveyStale, Below: h.versions[len(h.versions)-1].number},
	}
	for _, class := range h.classes() {
		all = append(all, Survey{Kind: SurveyWaiting, Class: class})
	}
	for _, c := range h.Cuts(at) {
		all = append(all, Survey{Kind: SurveyCut, Cut: c})
	}
	for _, s := range all {
		for row, err := range k.pages(ctx, s) {
			if err != nil {
				return err
			}
			if s.Kind == SurveyStale && (row.DueAt <= at.UnixMicro() || row.DueAt == Waiting) {
				continue // seen
			}
			if err := each(row); err != nil {
				return err
			}
		}
	}
	return nil
}

// pages yields the rows of a survey.
func (k *Keeper) pages(ctx context.Context, s Survey) func(yield func(*RecordRow, error) bool) {
	return func(yield func(*RecordRow, error) bool) {
		for {
			rows, err := k.store.SurveyRecords(ctx, s, k.opt.batch)
			if err != nil {
				yield(nil, fmt.Errorf("retention: survey records: %w", err))
				return
			}
			for i := range rows {
				if !yield(&rows[i], nil) {
					return
				}
			}
			if len(rows) < k.opt.batch {
				return
			}
			s.After = &rows[len(rows)-1]
		}
	}
}

// classes are those of all versions, sorted.
func (h *History) classes() []string {
	all := map[string]bool{}
	for _, v := range h.versions {
		for class := range v.classes {
			all[class] = true
		}
	}
	return slices.Sorted(maps.Keys(all))
}

// heldIn reads the holds of tenants, and keeps those of some.
type heldIn struct {
	k     *Keeper
	known map[troth.Tenant]*holdIndex
}

func (x *heldIn) of(ctx context.Context, tenant troth.Tenant) (*holdIndex, error) {
	if held, ok := x.known[tenant]; ok {
		return held, nil
	}
	held, err := x.k.holds(ctx, tenant)
	if err != nil {
		return nil, err
	}
	if x.known == nil || len(x.known) >= 1000 {
		x.known = map[troth.Tenant]*holdIndex{}
	}
	x.known[tenant] = held
	return held, nil
}
