package retention

import "time"

// limit is the latest instant at which those who are waited for may be done: so that the
// promise is kept, or, where none was made or something else has broken it, when people
// are to be called.
func (k *Keeper) limit(h *History, p *progress) time.Time {
	if p.row.GoneBy != 0 && p.row.Deferred == "" {
		return inverse(p.lastGone, timeOf(p.row.GoneBy)).UTC()
	}
	var by time.Time
	for i := range p.copies {
		if p.copies[i].waits() {
			by = later(by, timeOf(p.copies[i].By))
		}
	}
	return count(by, h.version(p.row.Version).retry, p.zone).UTC()
}

// next says when to look at a warrant again: at its next threshold while somebody is
// waited for, and when its last copy is gone.
func (k *Keeper) next(h *History, p *progress) {
	row := p.row
	switch g := p.lastGone(time.Time{}); {
	case row.Gone != 0:
		row.NextAt = timeOf(row.Gone).Add(k.opt.certify).UnixMicro()
		return
	case !g.IsZero():
		row.NextAt = g.UnixMicro()
		return
	}
	row.NextAt = Parked
	limit := k.limit(h, p)
	if stage := row.Alarmed + 1; int(stage) < len(thresholds) {
		row.NextAt = thresholdAt(stage, timeOf(row.At), limit).UnixMicro()
	}
}

// Threshold is how near a promise is to being broken.
type Threshold string

const (
	// Half: half of the time is over that there was.
	Half Threshold = "half"
	// Most: 80 % of it is.
	Most Threshold = "most"
	// Broken: all of it is. Whatever is done now, the promise is broken.
	Broken Threshold = "broken"
)

// thresholds are how they are stored, from 1.
var thresholds = []Threshold{"", Half, Most, Broken}

// thresholdAt is when a threshold is reached of the time from an instant to a limit.
func thresholdAt(stage uint32, from, limit time.Time) time.Time {
	switch left := max(limit.Sub(from), 0); stage {
	case 1:
		return from.Add(left / 2)
	case 2:
		return from.Add(left / 10 * 8)
	}
	return limit.Add(time.Microsecond) // at the limit itself it can be kept
}

// reached is the last threshold that was reached at an instant, 0 for none.
func reached(from, limit, now time.Time) (stage uint32) {
	for next := uint32(1); int(next) < len(thresholds) && !thresholdAt(next, from, limit).After(now); next++ {
		stage = next
	}
	return stage
}
