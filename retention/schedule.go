package retention

import "time"

// schedule says when to look at a record again. Where that is when its stage ends,
// its anchor says so, and no row needs to be changed by a later version; but not
// where it has labels, which a version may make end before the stage. looked says that
// holds were looked at: then what has no end by time is parked.
func (k *Keeper) schedule(h *History, row *RecordRow, d *Decision, labels bool, now time.Time, looked bool) {
	newest := h.versions[len(h.versions)-1]
	due := d.DueAt()
	if d.HiddenBy.After(now) {
		due = earlier(due, d.HiddenBy)
	}
	row.Policy, row.DueAt = newest.number, 0
	anchored := d.NextAt.After(now) || d.NextAt.IsZero() // the anchor finds it, or has nothing to find yet
	switch {
	case !labels && anchored && (due.IsZero() || due.Equal(d.NextAt)):
		return
	case !due.IsZero():
		row.DueAt = due.UnixMicro()
	case d.Verdict == Unknown && looked:
		row.DueAt = now.Add(unknownWait).UnixMicro() // somebody may have seen to it
	case labels || looked:
		row.DueAt = Parked
	default:
		return // a sweep finds it by its anchor, and looks at holds
	}
	for _, v := range h.versions {
		if v.from.After(now) { // a version that comes may make it due before
			row.DueAt = min(row.DueAt, v.from.UnixMicro())
			break
		}
	}
	if looked && k.looked(h, row, now) {
		// It would be found again at once, and for ever.
		row.DueAt = now.Add(time.Minute).UnixMicro()
	}
}

// unknownWait is when to look again at a record of which something is not known.
const unknownWait = 24 * time.Hour
