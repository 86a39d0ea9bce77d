package rights

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/canon"
)

// The kinds of items that carrying a request out has.
const (
	// ItemSource: one source of those that were registered when the request was
	// accepted, and how far it is.
	ItemSource ItemKind = "source"
	// ItemFound: what people are found by in this request, sealed. It does not change
	// any more once something was changed or destroyed.
	ItemFound ItemKind = "found"
	// ItemStep: that the request is to be carried on.
	ItemStep ItemKind = "step"
)

const sourceDomain = "troth.rights.source/1"

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

func (w *SourceWork) append(dst []byte) []byte {
	dst = canon.AppendDomain(dst, sourceDomain)
	for _, t := range []string{string(w.Order), w.Policy, w.Title} {
		dst = canon.AppendText(dst, t)
	}
	dst = appendFlag(dst, w.Able)
	dst = canon.AppendUint(dst, w.Found)
	dst = appendFlag(dst, w.Located)
	dst = canon.AppendUint(dst, uint64(w.Tries))
	dst = canon.AppendText(dst, w.Outcome)
	dst = canon.AppendText(dst, w.Method)
	dst = canon.AppendUint(dst, w.Records)
	dst = appendTexts(dst, w.Asked)
	dst = canon.AppendList(dst, 5*len(w.Kept))
	for i := range w.Kept {
		dst = w.Kept[i].append(dst)
	}
	dst = canon.AppendUint(dst, w.Keyed)
	dst = canon.AppendInt(dst, micros(w.Until))
	dst = canon.AppendInt(dst, micros(w.CopiesUntil))
	dst = canon.AppendText(dst, w.Ref)
	dst = canon.AppendInt(dst, micros(w.At))
	dst = canon.AppendBytes(dst, w.Evidence[:])
	return canon.AppendUint(dst, uint64(w.asked))
}

func parseSourceWork(name string, b []byte) (w SourceWork, err error) {
	r := &reader{Walker: canon.Walk(b, sourceDomain)}
	w = SourceWork{
		Source: name, Order: Order(r.text()), Policy: r.text(), Title: r.text(), Able: r.flag(), Found: r.Uint(),
		Located: r.flag(), Tries: int(r.small()), Outcome: Outcome(r.text()), Method: ActionMethod(r.text()),
		Records: r.Uint(), Asked: r.texts(),
	}
	n := r.List()
	r.bad = r.bad || n%5 != 0 || n > 5*maxKept
	for range min(n/5, maxKept) {
		w.Kept = append(w.Kept, r.kept())
	}
	w.Keyed = r.Uint()
	w.Until, w.CopiesUntil, w.Ref, w.At = instant(r.Int()), instant(r.Int()), r.text(), instant(r.Int())
	r.fixed(w.Evidence[:])
	w.asked = r.small()
	if !r.done() {
		return SourceWork{}, ErrRecord
	}
	return w, nil
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
	w.Kept, w.Until, w.Ref, w.Tries = r.Kept, r.Until, r.Ref, 0
	if r.CopiesUntil.After(w.CopiesUntil) {
		w.CopiesUntil = r.CopiesUntil
	}
	if r.More {
		return
	}
	w.Outcome, w.At = r.Outcome, instant(at)
	if w.Outcome == NothingFound && w.Records > 0 {
		w.Outcome = Done // what was there is gone, and it was asked once more
	}
}

func sourceKey(tenant troth.Tenant, request, name string) ItemKey {
	return ItemKey{Tenant: tenant, Owner: request, Kind: ItemSource, ID: name}
}

// Work returns how far a request is at each of its sources, ordered by name.
func (d *Desk) Work(ctx context.Context, tenant troth.Tenant, id string) ([]SourceWork, error) {
	if err := tenant.Validate(); err != nil {
		return nil, err
	}
	var all []SourceWork
	err := d.items(ctx, ItemQuery{Tenant: tenant, Owner: id, Kind: ItemSource}, func(row ItemRow, message []byte) error {
		w, err := parseSourceWork(row.ID, message)
		all = append(all, w)
		return err
	})
	return all, err
}

// workIn is what those of the rows say that are of sources.
func (d *Desk) workIn(ctx context.Context, rows []ItemRow) ([]SourceWork, error) {
	all := make([]SourceWork, 0, len(rows))
	for _, row := range rows {
		if row.Kind != ItemSource {
			continue
		}
		message, err := d.open(ctx, itemPlace(row.ItemKey), row.Record)
		if err != nil {
			return nil, err
		}
		w, err := parseSourceWork(row.ID, message)
		if err != nil {
			return nil, err
		}
		all = append(all, w)
	}
	return all, nil
}

// putWork writes how far a source is, at the end of the change, and with it the request,
// even if nothing else happened to it: who knows its record knows how far its sources are.
func (c *change) putWork(ctx context.Context, w *SourceWork) error {
	c.worked = true
	return c.putLater(ctx, ItemRow{ItemKey: sourceKey(c.tenant, c.id, w.Source)}, w.append(make([]byte, 0, usual)))
}

// work reads how far a source is, in the transaction of the change.
func (c *change) work(ctx context.Context, name string) (SourceWork, error) {
	_, message, found, err := c.d.item(ctx, sourceKey(c.tenant, c.id, name))
	if err != nil {
		return SourceWork{}, err
	}
	if !found {
		return SourceWork{}, ErrNotFound
	}
	return parseSourceWork(name, message)
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

// allWork is [Desk.Work] of everything that was noted when the work began.
func (c *change) allWork(ctx context.Context) ([]SourceWork, error) {
	work, err := c.d.Work(ctx, c.tenant, c.id)
	if err != nil {
		return nil, err
	}
	return work, c.whole(ctx, work)
}

// whole returns [ErrRecord] if work is not everything that was noted when the work began: a
// source whose row is gone must not look as if it had never been asked.
func (c *change) whole(ctx context.Context, work []SourceWork) error {
	if c.noted == nil {
		events, err := c.d.Events(ctx, c.tenant, c.id)
		if err != nil {
			return err
		}
		c.noted = notedIn(events)
	}
	if slices.ContainsFunc(c.noted, func(n string) bool { return n != strconv.Itoa(len(work)) }) {
		return ErrRecord
	}
	return nil
}

// notedIn is how many sources were noted when the work began, of a request that is further:
// what its events say of that does not change any more.
func notedIn(events []Event) []string {
	noted := []string{}
	for _, e := range events {
		if e.From == StateAccepted && e.Word == "sources" {
			noted = append(noted, e.Ref)
		}
	}
	return noted
}
