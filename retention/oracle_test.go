package retention_test

import (
	"slices"
	"time"

	"github.com/trothdev/troth/deadline"
	"github.com/trothdev/troth/retention"
)

// oracle decides as slowly and plainly as it can: by lists of everything that
// speaks for and against, and a calendar that is walked day by day. It knows
// policies of one version and one class, in zones whose midnights all exist.
type oracle struct {
	policy *retention.Policy
	zone   *time.Location
	facts  *retention.Facts
	at     time.Time
}

// never is an end that does not come.
var never = time.Date(9000, 1, 1, 0, 0, 0, 0, time.UTC)

// plus ends a period.
func (o oracle) plus(t time.Time, p deadline.Period) time.Time {
	if p.Hours > 0 {
		return t.Add(time.Duration(p.Hours) * time.Hour)
	}
	y, m, d := t.Add(-1).In(o.zone).Date() // the day that it belongs to
	for range 12*p.Years + p.Months {
		if m++; m > 12 {
			y, m = y+1, 1
		}
	}
	for time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Day() != d {
		d--
	}
	return time.Date(y, m, d+7*p.Weeks+p.Days+1, 0, 0, 0, 0, o.zone)
}

// all returns when an event happened, in order.
func (o oracle) all(event string, until time.Time) (list []time.Time) {
	for _, e := range o.facts.Events {
		if e.Event == event && !e.At.After(until) {
			list = append(list, e.At)
		}
	}
	slices.SortFunc(list, time.Time.Compare)
	return list
}

// keep returns until when minima keep, and exceptions.
func (o oracle) keep() (minimum, exception time.Time) {
	if len(o.facts.Holds) > 0 {
		return never, exception
	}
	for _, m := range o.policy.Obligations {
		if len(m.Labels) > 0 && !slices.ContainsFunc(m.Labels, func(l string) bool { return slices.Contains(o.facts.Labels, l) }) {
			continue
		}
		end := never
		if from := o.all(m.From, never); len(from) > 0 && !m.For.IsZero() {
			start := from[len(from)-1]
			if m.YearEnd {
				y := start.Add(-1).In(o.zone).Year()
				start = time.Date(y, 12, 31, 12, 0, 0, 0, o.zone)
			}
			end = o.plus(start, m.For)
		}
		if end.After(minimum) {
			minimum = end
		}
	}
	for _, x := range o.facts.Exceptions {
		if x.Until.After(exception) {
			exception = x.Until
		}
	}
	return minimum, exception
}

// expiry returns when the policy's own end is due: by label, or else by class, and
// by promises.
func (o oracle) expiry() time.Time {
	ends := []time.Time{never}
	class := o.policy.Classes[0]
	labelled := false
	for _, l := range o.policy.Labels {
		if slices.Contains(o.facts.Labels, l.Name) {
			labelled = true
			from := o.all(l.From, o.at)
			ends = append(ends, o.plus(from[len(from)-1], l.For))
		}
	}
	if !labelled {
		at, stage, timed := o.facts.Since, o.facts.Stage, true
		for stage != retention.Purged && timed {
			i := slices.IndexFunc(class.Stages, func(s retention.Stage) bool { return s.Name == stage })
			if s := class.Stages[i]; s.For.IsZero() {
				timed = false
			} else {
				at, stage = o.plus(at, s.For), s.Then
				if stage == "" && i+1 < len(class.Stages) {
					stage = class.Stages[i+1].Name
				} else if stage == "" {
					stage = retention.Purged
				}
			}
		}
		if timed {
			ends = append(ends, at)
		}
		if !o.facts.EndBy.IsZero() {
			ends = append(ends, o.facts.EndBy)
		}
	}
	for _, p := range o.policy.Promises {
		if from, gone := o.promise(p); !gone.Equal(never) {
			begin := gone
			for range o.reserve() {
				begin = begin.Add(-time.Nanosecond)
				y, m, d := begin.In(o.zone).Date()
				begin = time.Date(y, m, d, 0, 0, 0, 0, o.zone)
			}
			if begin.Before(from) {
				begin = from
			}
			ends = append(ends, begin)
		}
	}
	return slices.MinFunc(ends, time.Time.Compare)
}

// reserve is the backups' 30 days and the sweep's one.
func (o oracle) reserve() int { return 31 }

func (o oracle) promise(p retention.Promise) (from, gone time.Time) {
	starts := o.all(p.From, o.at)
	for _, u := range p.Unless {
		for _, end := range o.all(u, o.at) {
			starts = slices.DeleteFunc(starts, func(t time.Time) bool { return t.Before(end) })
		}
	}
	if len(starts) == 0 {
		return never, never
	}
	return starts[0], o.plus(starts[0], p.Within)
}

// destroyAt is the first instant at which the record may go and must.
func (o oracle) destroyAt() time.Time {
	minimum, exception := o.keep()
	ways := []time.Time{slices.MaxFunc([]time.Time{o.expiry(), minimum, exception}, time.Time.Compare)}
	for _, e := range o.facts.Erasures {
		ways = append(ways, slices.MaxFunc([]time.Time{e.At, minimum}, time.Time.Compare))
	}
	return slices.MinFunc(ways, time.Time.Compare)
}

func (o oracle) goneBy() time.Time {
	ends := []time.Time{never}
	for _, p := range o.policy.Promises {
		_, gone := o.promise(p)
		ends = append(ends, gone)
	}
	for _, e := range o.facts.Erasures {
		if !e.By.IsZero() {
			ends = append(ends, e.By)
		}
	}
	return slices.MinFunc(ends, time.Time.Compare)
}
