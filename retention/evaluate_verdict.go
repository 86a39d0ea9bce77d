package retention

import "time"

// verdict says what follows from what was found.
func (e *evaluation) verdict() {
	d := &e.d
	if e.missing != "" {
		d.Purge = Reason{Ground: ByMissing, Fact: e.missing}
		d.PurgeBy, d.DestroyAt = time.Time{}, time.Time{}
		d.Version, d.Policy = 0, [32]byte{}
		if e.moves() {
			d.Verdict = Move
		}
		return
	}
	d.DestroyAt = e.destroyAt()
	switch {
	case !d.DestroyAt.IsZero() && !d.DestroyAt.After(d.At):
		d.Verdict, d.Visible = Due, VisibleNone
	case e.moves():
		d.Verdict = Move
	case !d.PurgeBy.IsZero() && !d.PurgeBy.After(d.At):
		d.Verdict = Blocked
	default:
		d.Verdict = Wait
	}
	if !d.PurgeBy.IsZero() && !d.PurgeBy.After(d.At) {
		d.Visible = VisibleNone
	}
}

// moves reports whether a stage is due that destroys nothing.
func (e *evaluation) moves() bool {
	return !e.d.NextAt.IsZero() && !e.d.NextAt.After(e.d.At) && e.d.Next != Purged
}

// destroyAt weighs the two ways to destruction: a granted erasure against what
// the law keeps, and the policy's own expiry against that and exceptions.
func (e *evaluation) destroyAt() time.Time {
	if len(e.facts.Holds) > 0 || e.minimumOpen {
		return time.Time{}
	}
	var erase, expire time.Time
	if !e.erase.IsZero() {
		erase = later(e.erase, e.minimum)
	}
	if !e.soft.IsZero() {
		expire = later(later(e.soft, e.minimum), e.excepted)
	}
	return earlier(erase, expire).UTC()
}

// later returns the later of two instants; zero is none.
func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
