package rights

import (
	"time"

	"github.com/trothdev/troth"
)

// The kinds of items that carrying a request out has.
const (
	// ItemFound: what people are found by in this request, sealed. It does not change
	// any more once something was changed or destroyed.
	ItemFound ItemKind = "found"
	// ItemStep: that the request is to be carried on.
	ItemStep ItemKind = "step"
)

// SourceWork is how far a request is at one source.
type SourceWork struct {
	// Source is its name, Order when it has its turn, Policy by which version of its
	// rules it was registered when the request was accepted.
	Source string
	Order  Order
	Policy string
	// Title is what people read.
	Title string
	// Able says that it had what the right needs.
	Able bool
	// Found is how many records it held when it was asked last; Located that it was
	// asked.
	Found   uint64
	Located bool
	// Tries is how often it failed in a row.
	Tries int
	// Outcome is empty until it is settled; it and what follows are as in [Report],
	// Records being all that were dealt with.
	Outcome     Outcome
	Method      ActionMethod
	Records     uint64
	Asked       []string
	Kept        []Kept
	Keyed       uint64
	Until       time.Time
	CopiesUntil time.Time
	Ref         string
	// At is when it was settled, UTC; Evidence the entry of the trail.
	At       time.Time
	Evidence troth.EntryID

	// asked is with how many identifiers it was located last.
	asked uint32
}

// settled reports whether the source's turn is over, for now.
func (w *SourceWork) settled() bool { return w.Outcome != "" }

// take notes what a source reported. Counts add up, but for those elsewhere, which
// report everything.
func (w *SourceWork) take(r *Report, at int64) {
	if w.Order == Remote {
		w.Records = max(w.Records, r.Records)
	} else {
		w.Records += r.Records
	}
	if r.Method != "" {
		w.Method = r.Method
	}
	if len(r.Asked) > 0 {
		w.Asked = r.Asked
	}
	w.Keyed = max(w.Keyed, r.Keyed)
	if w.Tries = 0; r.CopiesUntil.After(w.CopiesUntil) {
		w.CopiesUntil = r.CopiesUntil
	}
	if r.More { // what it settled before, and what it keeps, holds until the last part
		return
	}
	w.Outcome, w.At, w.Kept, w.Until, w.Ref = r.Outcome, instant(at), r.Kept, r.Until, r.Ref
	if w.Outcome == NothingFound && w.Records > 0 {
		w.Outcome = Done // what was there is gone, and it was asked once more
	}
}

// snapshot are the sources that are registered for a right: what comes later is not asked,
// and what goes meanwhile is missed.
func (d *Desk) snapshot(r Right) []SourceWork {
	work := make([]SourceWork, 0, len(d.opt.sources))
	for i := range d.opt.sources {
		if s := &d.opt.sources[i]; s.asked(r) {
			work = append(work, SourceWork{
				Source: s.Name, Order: s.Order, Policy: s.Policy, Title: s.Title,
				Able: s.acting(r) != nil || r.Effect() == Discloses && s.Exporter != nil,
			})
		}
	}
	return work
}
