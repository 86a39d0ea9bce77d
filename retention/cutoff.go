package retention

import "time"

// Cutoff returns the latest anchor with which a record of a class that stands in a
// stage is due to leave it at an instant, by time alone: records with that anchor
// or an earlier one are, those with a later one are not, since a later beginning
// never gives an earlier end. Single records may be due before, by an event, a
// label, a promise or an erasure: [Decision.DueAt] says when. ok is false if the
// stage has no end by time, or nothing of that is known.
func (h *History) Cutoff(class, stage string, cohort uint32, at time.Time) (anchor time.Time, ok bool) {
	first, last, ok := h.binding(cohort, at)
	if !ok {
		return time.Time{}, false
	}
	for i := first; i <= last; i++ {
		c := h.versions[i].classes[class]
		if c == nil || !h.binds(first, i) {
			continue
		}
		n := c.stage(stage)
		if n < 0 || n == len(c.stages) || c.stages[n].last.IsZero() {
			continue
		}
		zone := h.versions[i].zone
		end := func(t time.Time) time.Time { return count(t, c.stages[n].last, zone) }
		anchor = later(anchor, inverse(end, at))
	}
	return anchor.UTC(), !anchor.IsZero()
}

// inverse returns the latest instant, in microseconds, that end maps to at or
// before; end never falls.
func inverse(end func(time.Time) time.Time, at time.Time) time.Time {
	low := max(at.AddDate(-(maxStages+1)*(maxYears+1), 0, 0).UnixMicro(), earliest.UnixMicro()) // due
	high := at.UnixMicro() + 1                                                                  // not due
	for high-low > 1 {
		mid := low + (high-low)/2
		if end(time.UnixMicro(mid)).After(at) {
			high = mid
		} else {
			low = mid
		}
	}
	return time.UnixMicro(low)
}

// earliest is before every anchor.
var earliest = time.Date(2, time.January, 1, 0, 0, 0, 0, time.UTC)

// DueAt returns the next instant at which something is to be done about the
// record, as far as is known now: a stage, or its destruction. It is zero if nothing
// is due by itself. Where it comes before the end of the stage, the sweep's
// index by anchors does not find the record in time.
func (d Decision) DueAt() time.Time {
	if d.Verdict == Done {
		return time.Time{}
	}
	due := d.DestroyAt
	if d.Next != Purged {
		due = earlier(due, d.NextAt)
	}
	return due
}
