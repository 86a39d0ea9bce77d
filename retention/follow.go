package retention

import "time"

// outcome is what a sweep makes of one record: a preview and the sweep itself find it
// by the same call.
type outcome struct {
	det  detail
	held []Held
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
	o.held = holds.of(row.SubjectID, row.Class, timeOf(row.Created))
	if added || o.det.Again {
		if err := h.stand(&o.stood, &o.det); err != nil {
			return o, err
		}
	}
	f := o.stood.facts(&o.det, o.held)
	o.d = h.Evaluate(f, at)
	if o.d.Verdict == Move { // to the last stage that is due
		f.Stage, f.Since = o.d.Next, o.d.NextAt
		o.moved, o.to = true, f.State
		o.d = h.Evaluate(f, at)
	}
	return o, nil
}

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
