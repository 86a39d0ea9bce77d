package retention

import "time"

// outcome is what a sweep makes of one record: a preview and the sweep itself find it
// by the same call.
type outcome struct {
	det detail
	// f is what was known, of the stage to where the record enters that.
	f *Facts
	// stood is the record with all that happened to what it belongs to.
	stood RecordRow
	// moved says that the record enters the stage to; d is what is decided there then, and
	// never to move.
	moved bool
	to    State
	d     Decision
	// ahead is set where something is known of the record that happened after the
	// instant: the clock went back, and nothing is decided until it has caught up.
	ahead time.Time
}

// outcomeOf decides for a record at an instant, and changes nothing. The events are those
// of all that it belongs to.
func outcomeOf(h *History, holds *holdIndex, events manyEvents, row *RecordRow, at time.Time) (o outcome, err error) {
	if o.det, err = row.detail(); err != nil {
		return o, err
	}
	o.stood = *row
	added := o.det.fold(row, events)
	if latest := o.det.latest(); latest.After(at) {
		o.ahead = latest
		return o, nil
	}
	if added || o.det.Again {
		if err := h.stand(&o.stood, &o.det); err != nil {
			return o, err
		}
	}
	o.f = holds.facts(h, &o.stood, &o.det, at)
	o.d = h.Evaluate(o.f, at)
	if o.d.Verdict == Move { // to the last stage that is due
		o.f.Stage, o.f.Since = o.d.Next, o.d.NextAt
		o.moved, o.to = true, o.f.State
		o.d = h.Evaluate(o.f, at)
	}
	return o, nil
}

// bound reports whether something that people decided covers the record.
func (o *outcome) bound() bool { return len(o.f.Holds)+len(o.f.Exceptions)+len(o.f.Erasures) > 0 }

// standing is the stage that time alone has brought a record to at an instant, the last
// one before it is purged: the same whether sweeps moved it there or not.
func standing(h *History, row *RecordRow, at time.Time) string {
	s := State{Stage: row.Stage, Since: time.UnixMicro(row.Since).UTC(), EndBy: timeOf(row.EndBy)}
	first, last, ok := h.binding(row.Cohort, at)
	for range maxStages {
		if !ok {
			break
		}
		next, is := h.step(row.Class, first, last, s)
		if !is || next.Stage == Purged || next.Since.After(at) {
			break
		}
		s = next
	}
	return s.Stage
}

// follow puts the record where the outcome says that it stands.
func (row *RecordRow) follow(o *outcome) {
	*row = o.stood
	if o.moved {
		row.Stage, row.Since = o.to.Stage, o.to.Since.UnixMicro()
		row.Version++
	}
}
